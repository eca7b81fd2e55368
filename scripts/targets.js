'use strict';

// The platforms that there is a binary for: what Rust calls them, what the
// generated loader calls them, and the oldest systems that they are built for.

/** The loader's name of each Rust target. */
const PLATFORMS = {
  'x86_64-unknown-linux-gnu': 'linux-x64-gnu',
  'aarch64-unknown-linux-gnu': 'linux-arm64-gnu',
  'x86_64-unknown-linux-musl': 'linux-x64-musl',
  'aarch64-unknown-linux-musl': 'linux-arm64-musl',
  'x86_64-apple-darwin': 'darwin-x64',
  'aarch64-apple-darwin': 'darwin-arm64',
  'x86_64-pc-windows-msvc': 'win32-x64-msvc',
  'aarch64-pc-windows-msvc': 'win32-arm64-msvc',
  'x86_64-unknown-freebsd': 'freebsd-x64'
};

/**
 * The glibc that published binaries are content with. It is what Rust itself
 * asks for at least, and older than any that Node.js 18 was built for (2.28; 2.17
 * for its unofficial builds), so that no system which can run Node is left out.
 */
const GLIBC_FLOOR = '2.17';

/**
 * The macOS that published binaries are content with: that of Node.js 18, and
 * for arm64 the first there is.
 */
const MACOS_FLOORS = { x64: '10.15', arm64: '11.0' };

/**
 * Names the file that holds the addon for a target.
 *
 * @param {string} target a Rust target
 * @return {string} the name, for example `ferrows.linux-x64-gnu.node`
 */
function fileOf(target) {
  return `ferrows.${PLATFORMS[target]}.node`;
}

module.exports = { GLIBC_FLOOR, MACOS_FLOORS, PLATFORMS, fileOf };
