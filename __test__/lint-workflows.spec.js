'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const { ROOT, scratch } = require('./support/repository');

/** Where the script finds the system's programs, but no linters of anybody's. */
const PATH = '/usr/bin:/bin';

/**
 * A program in the place of python3, which fails if told something with the text
 * in `FAILS`. What it makes for the linters are programs that do nothing.
 */
const PYTHON = `#!/bin/sh
case "$*" in
  *"$FAILS"*) exit 1 ;;
  '-m venv '*)
    mkdir -p "$3/bin"
    for name in pip actionlint zizmor; do
      echo '#!/bin/sh' >"$3/bin/$name"
      chmod +x "$3/bin/$name"
    done
    [ "$FAILS" != urllib ] || rm "$3/bin/actionlint" ;;
esac
`;

const skip =
  (process.platform === 'win32' && 'needs Unix programs') ||
  (spawnSync('bash', ['--version'], { env: { PATH } }).status !== 0 &&
    'bash is not installed');

describe('lint-workflows.sh', { skip }, () => {
  /**
   * Runs a copy of the script, with a stand-in for python3.
   *
   * @param {Object} t the test
   * @param {string} fails what the program has in its arguments if it fails
   * @param {string} actions the variable that GitHub sets
   * @return {Object} the status and what was printed
   */
  function lint(t, fails, actions) {
    const root = scratch(t);
    const bin = path.join(root, 'bin');
    const script = path.join(root, 'scripts/lint-workflows.sh');

    fs.mkdirSync(bin);
    fs.mkdirSync(path.dirname(script));
    fs.copyFileSync(path.join(ROOT, 'scripts/lint-workflows.sh'), script);
    fs.writeFileSync(path.join(bin, 'python3'), PYTHON, { mode: 0o755 });

    const { status, stdout, stderr } = spawnSync('bash', [script], {
      encoding: 'utf8',
      env: { PATH: `${bin}:${PATH}`, FAILS: fails, GITHUB_ACTIONS: actions },
      timeout: 60e3
    });

    assert.strictEqual(stderr, '');
    return { status, lines: stdout.trim().split('\n') };
  }

  for (const [fails, ...lines] of [
    ['ensurepip', 'not linted: python3 is missing, or its module venv'],
    [
      'urllib',
      'actionlint: left out, since GitHub cannot be reached',
      'zizmor: nothing found'
    ]
  ]) {
    it(`does what it can without ${fails}`, (t) => {
      assert.deepStrictEqual(lint(t, fails, ''), { status: 0, lines });
    });

    it(`fails without ${fails} in a workflow`, (t) => {
      assert.deepStrictEqual(lint(t, fails, 'true'), {
        status: 1,
        lines: lines.slice(0, 1)
      });
    });
  }

  it('lints all in a workflow', (t) => {
    assert.deepStrictEqual(lint(t, 'nothing', 'true'), {
      status: 0,
      lines: ['actionlint: nothing found', 'zizmor: nothing found']
    });
  });
});
