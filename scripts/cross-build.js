'use strict';

// Builds the addon for platforms, as it is published: for an old system, and
// checked (see check-binary.js).
//
//   node scripts/cross-build.js [--out DIR] [--build-std] TARGET ...
//
//   TARGET        a Rust target of `napi.targets` in package.json
//   --out DIR     where `ferrows.<platform>.node` is put, the root by default
//   --build-std   compile the standard library too, for a target that rustup has
//                 not installed; `rustup component add rust-src` has it
//
// The linker is zig's, by way of cargo-zigbuild (`pip install ziglang
// cargo-zigbuild`), which links for any Linux, macOS or FreeBSD on any system.
// On macOS and Windows, that system's own linker is used for its own targets.
// Those of Windows can be built nowhere else; those of macOS can, but zig exports
// from them whatever is public, so that they fail the check and are left out of
// it: they show that the addon can be linked, and are not published.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { checkFiles } = require('./check-binary');
const { SetupError, command } = require('./setup');
const { GLIBC_FLOOR, MACOS_FLOORS, fileOf } = require('./targets');
const { ROOT, ensureToolchain } = require('./toolchain');
const { napi } = require('../package.json');

/** What a target for a system's own linker ends with. */
const OWN = { darwin: '-apple-darwin', win32: '-pc-windows-msvc' };

/**
 * Tells how a target is linked.
 *
 * @param {string} target a Rust target
 * @param {string} [host] the system that builds it
 * @return {string} cargo's command for it
 * @throws {SetupError} if it cannot be linked here
 */
function builderOf(target, host = process.platform) {
  if (OWN[host] !== undefined && target.endsWith(OWN[host])) return 'build';
  if (target.endsWith(OWN.win32)) {
    throw new SetupError(`${target} can be built on Windows only`);
  }
  return 'zigbuild';
}

/**
 * @param {string} target a Rust target
 * @param {string} [host] the system that builds it
 * @return {boolean} whether what is built here may be published
 */
function isPublishable(target, host = process.platform) {
  return !target.endsWith(OWN.darwin) || host === 'darwin';
}

/**
 * Chooses the oldest system that a binary is for.
 *
 * @param {string} target a Rust target
 * @return {string} what cargo-zigbuild takes as a target
 */
function withFloor(target) {
  return target.endsWith('-linux-gnu') ? `${target}.${GLIBC_FLOOR}` : target;
}

/**
 * Makes the environment for a build.
 *
 * @param {string} target a Rust target
 * @param {boolean} buildStd whether the standard library is compiled too
 * @return {Object} the environment
 */
function environment(target, buildStd) {
  const cpu = target.startsWith('aarch64-') ? 'arm64' : 'x64';

  return {
    ...process.env,
    ...(target.endsWith(OWN.darwin) && {
      MACOSX_DEPLOYMENT_TARGET: MACOS_FLOORS[cpu]
    }),
    // Building the standard library is not stable; what it makes is.
    ...(buildStd && { RUSTC_BOOTSTRAP: '1' })
  };
}

/**
 * @throws {SetupError} if cargo-zigbuild is missing, saying where to get it
 */
function ensureZigbuild() {
  if (spawnSync('cargo-zigbuild', ['--version']).status !== 0) {
    throw new SetupError(
      'cargo-zigbuild was not found: `pip install ziglang cargo-zigbuild`'
    );
  }
}

/**
 * Compiles the addon's crate.
 *
 * @param {string} target a Rust target
 * @param {boolean} buildStd whether the standard library is compiled too
 * @return {string} the path of the shared library
 * @throws {SetupError} if it cannot be compiled
 */
function compile(target, buildStd) {
  const builder = builderOf(target);

  if (builder === 'zigbuild') ensureZigbuild();

  const { status, stdout } = spawnSync(
    'cargo',
    [
      builder,
      '--locked',
      '--release',
      '--package=ferrows',
      `--target=${builder === 'zigbuild' ? withFloor(target) : target}`,
      '--message-format=json-render-diagnostics',
      ...(buildStd ? ['-Zbuild-std=std,panic_abort'] : [])
    ],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: environment(target, buildStd),
      maxBuffer: Infinity,
      stdio: ['ignore', 'pipe', 2]
    }
  );

  if (status !== 0) throw new SetupError(`${target} could not be built`);
  // Cargo itself says where the results went.
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.target?.name === 'ferrows')
    .flatMap(({ filenames = [] }) => filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
}

/**
 * Checks what is asked for.
 *
 * @param {string[]} targets what to build
 * @throws {SetupError} if there is no such target, or none
 */
function checkTargets(targets) {
  const known = napi.targets.join('\n  ');

  if (targets.length === 0) throw new SetupError(`name a target:\n  ${known}`);
  for (const target of targets) {
    if (!napi.targets.includes(target)) {
      throw new SetupError(`${target} is none of\n  ${known}`);
    }
  }
}

if (require.main === module) {
  command(() => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string', default: ROOT },
        'build-std': { type: 'boolean', default: false }
      }
    });

    checkTargets(positionals);
    ensureToolchain();
    fs.mkdirSync(values.out, { recursive: true });
    for (const target of positionals) {
      const file = path.join(values.out, fileOf(target));

      fs.copyFileSync(compile(target, values['build-std']), file);
      if (isPublishable(target)) checkFiles([file]);
      else
        console.log(
          `${file}: linked by zig, so neither checked nor to be published`
        );
    }
  });
}

module.exports = { builderOf, isPublishable, withFloor };
