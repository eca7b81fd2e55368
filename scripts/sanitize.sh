#!/usr/bin/env bash
# Runs the tests of the engine and of the protocol under ThreadSanitizer and AddressSanitizer, and the
# engine's loom tests: scripts/sanitize.sh [--short | --addon].
#
#   --short   what CI runs, in a few minutes: the protocol's tests with few random cases, and not
#             under ThreadSanitizer, since they have one thread
#   --addon   besides everything, JavaScript tests with the addon under AddressSanitizer
#
# Ends with status 1 if anything was found. What could not run is skipped, and listed at the end.
set -euo pipefail

form=${1:-}
if [ $# -gt 1 ] || ! [[ $form =~ ^(|--short|--addon)$ ]]; then
  echo "usage: $0 [--short | --addon]" >&2
  exit 2
fi

cd "$(dirname "$0")/.."
# The sanitizers need options of the nightly compiler, which this unlocks in the stable one.
export RUSTC_BOOTSTRAP=1
# Without any optimisation, inflating takes minutes.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/sanitize
export CARGO_TARGET_DIR
host=$(rustc -vV | sed -n 's/^host: //p')
libraries=$(rustc --print sysroot)/lib/rustlib
found=()
skipped=()

# Runs a command under a headline, and notes if it fails.
check() {
  local name=$1
  shift
  echo "sanitizing: $name"
  "$@" || found+=("$name")
}

# Notes what is not run, and why.
skip() {
  skipped+=("$1: $2")
}

# Whether the compiler has the library of a sanitizer, for example tsan, for this machine.
has_runtime() {
  compgen -G "$libraries/$host/lib/librustc*_rt.$1.*" >/dev/null
}

# Whether the source of the standard library is there, to be built under the sanitizer as well.
has_std_source() {
  [ -e "$libraries/src/rust/library/std/Cargo.toml" ]
}

# Options for a sanitizer when the standard library is the usual one: newer compilers want to be told
# that this is meant.
mixed_flags() {
  local mix=-Cunsafe-allow-abi-mismatch=sanitizer
  echo "-Zsanitizer=$1"
  if rustc "$mix" --print cfg >/dev/null 2>&1; then echo "$mix"; fi
}

# Runs the tests of packages under a sanitizer: its name, whether to build the standard library, then
# what `cargo test` is given.
sanitized_test() {
  local sanitizer=$1 build_std=$2 flags
  shift 2
  if [ "$build_std" = true ]; then
    RUSTFLAGS=-Zsanitizer=$sanitizer cargo test -Zbuild-std --target "$host" \
      --no-fail-fast --lib --tests "$@"
  else
    flags=$(mixed_flags "$sanitizer" | tr '\n' ' ')
    RUSTFLAGS=$flags cargo test --target "$host" --no-fail-fast --lib --tests "$@"
  fi
}

# The locks and channels of the standard library are code like any other. If that is not built under
# ThreadSanitizer, too, whatever they guard counts as a race: dozens of reports, in the very code that
# is tested, so that suppressing them would leave nothing to find.
thread_sanitizer() {
  local name=ThreadSanitizer packages=(--package ferrows-engine) filter=(--quiet)
  if ! has_runtime tsan; then
    skip "$name" "this compiler has none for $host"
    return
  fi
  if ! has_std_source; then
    skip "$name" 'the source of the standard library is missing: rustup component add rust-src'
    return
  fi
  # tokio gives the kernel the address of what an event is for, by a duplicate of the descriptor from
  # which another thread gets it back. ThreadSanitizer knows the way through epoll, not duplicates.
  echo 'race:tokio::runtime::io::driver::dispatch_event' >"$CARGO_TARGET_DIR/suppressions"
  if ! type -P llvm-symbolizer >/dev/null; then
    skip "$name, tests of net::remote" 'without llvm-symbolizer, suppressions have no effect'
    filter+=(--skip net::remote)
  fi
  export TSAN_OPTIONS="suppressions=$CARGO_TARGET_DIR/suppressions"
  if [ "$form" != --short ]; then packages+=(--package ferrows-protocol); fi
  check "$name" sanitized_test thread true "${packages[@]}" -- "${filter[@]}"
}

# What the standard library does with memory is checked even if it is the usual one: the allocator is
# the sanitizer's, and generic code is built here.
address_sanitizer() {
  local name=AddressSanitizer
  if ! has_runtime asan; then
    skip "$name" "this compiler has none for $host"
    return
  fi
  if [ "$form" = --short ]; then export PROPTEST_CASES=16; fi
  check "$name" sanitized_test address false \
    --package ferrows-engine --package ferrows-protocol -- --quiet
}

# Every interleaving of the threads of small tests.
loom() {
  local file name
  for file in crates/engine/tests/loom_*.rs; do
    name=$(basename "$file" .rs)
    if ! [ -e "$file" ]; then
      skip loom 'there are no tests for it'
      return
    fi
    check "loom, $name" env RUSTFLAGS='--cfg ferrows_loom' \
      cargo test --release --package ferrows-engine --test "$name"
  done
}

# Node itself knows nothing of the sanitizer, whose library is to be there before all others. The
# compiler has it to be linked into programs; a library must not have the part that starts it early.
addon() {
  local name='addon under AddressSanitizer' directory=$CARGO_TARGET_DIR/addon flags
  local runtime=("$libraries/$host/lib/"librustc*_rt.asan.a)
  if ! [[ $host == *-linux-gnu && -e ${runtime[0]} ]] || ! type -P node cc ar >/dev/null; then
    skip "$name" 'it takes Linux with glibc, node, cc and ar'
    return
  fi
  mkdir -p "$directory"
  cp "${runtime[0]}" "$directory/runtime.a"
  ar d "$directory/runtime.a" asan_preinit.cpp.o
  cc -shared -o "$directory/runtime.so" -Wl,--whole-archive "$directory/runtime.a" \
    -Wl,--no-whole-archive -lpthread -ldl -lm -lrt
  flags=$(mixed_flags address | tr '\n' ' ')
  RUSTFLAGS=$flags cargo build --target "$host" --package ferrows
  cp "$CARGO_TARGET_DIR/$host/debug/libferrows.so" "$directory/ferrows.node"
  # What Node leaves to the end of the process looks like leaks.
  check "$name" env LD_PRELOAD="$directory/runtime.so" ASAN_OPTIONS=detect_leaks=0 \
    NAPI_RS_NATIVE_LIBRARY_PATH="$directory/ferrows.node" \
    node --test "${specs[@]}"
}

# Files of tests in which much crosses the boundary, and that do not measure memory or time.
specs=()
for name in native native-delivery native-inflation native-lifecycle native-slice native-threads \
  permessage-deflate-messages receiver sender stream-transport websocket-close websocket-send; do
  specs+=("__test__/$name.spec.js")
done

mkdir -p "$CARGO_TARGET_DIR"
thread_sanitizer
address_sanitizer
loom
if [ "$form" = --addon ]; then addon; fi

if [ ${#skipped[@]} -gt 0 ]; then printf 'skipped: %s\n' "${skipped[@]}"; fi
if [ ${#found[@]} -gt 0 ]; then
  printf 'found something: %s\n' "${found[@]}"
  exit 1
fi
echo 'nothing was found'
