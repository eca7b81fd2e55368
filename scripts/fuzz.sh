#!/usr/bin/env bash
# Runs each fuzz target of fuzz/ for a while: scripts/fuzz.sh [SECONDS], 60 by default.
# Ends with status 1 at the first crash; its input is kept in fuzz/artifacts/.
set -euo pipefail

seconds=${1:-60}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: $0 [SECONDS]" >&2
  exit 2
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo 'cargo-fuzz is missing; install it with: cargo install cargo-fuzz' >&2
  exit 2
fi

cd "$(dirname "$0")/.."
# The sanitizers need options of the nightly compiler, which this unlocks in the stable one.
export RUSTC_BOOTSTRAP=1
for target in $(cargo fuzz list); do
  echo "fuzzing $target for $seconds s"
  cargo fuzz run "$target" -- -max_total_time="$seconds" -max_len=4096 -print_final_stats=1
done
