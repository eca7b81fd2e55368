'use strict';

// The addon: what its file is called, and how it is compiled.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { version } = require('../package.json');
const { run } = require('./steps');
const { ROOT, SetupError } = require('./toolchain');

/** The architectures of each platform that the generated loader knows. */
const ARCHITECTURES = {
  android: ['arm', 'arm64'],
  darwin: ['arm64', 'x64'],
  freebsd: ['arm64', 'ppc64', 'x64'],
  linux: ['arm', 'arm64', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'],
  openharmony: ['arm', 'arm64', 'x64'],
  win32: ['arm64', 'ia32', 'x64']
};

/** Those for which the loader does not ask whether Linux has musl. */
const ALWAYS_GLIBC = ['ppc64', 's390x'];

/**
 * Tells whether Node.js runs on musl rather than on glibc, from what the loader
 * looks at, in the same order.
 *
 * @param {Object} host the `process` of that Node.js
 * @return {boolean} true on Alpine and its like
 */
function isMusl({ platform, report }) {
  if (platform !== 'linux') return false;
  try {
    return fs.readFileSync('/usr/bin/ldd', 'utf8').includes('musl');
  } catch {
    // Looking up the names of open sockets' peers would take time.
    report.excludeNetwork = true;
    return !report.getReport().header.glibcVersionRuntime;
  }
}

/**
 * Names the C library, or the ABI, as the generated loader does.
 *
 * @param {Object} host the `process` of the Node.js to name it for
 * @return {string} the end of a platform's name, for example `-gnu`
 */
function abiSuffix(host) {
  const { arch, config, platform } = host;

  if (platform === 'android') return arch === 'arm' ? '-eabi' : '';
  if (platform === 'win32') {
    const { node_target_type: type, shlib_suffix: suffix } = config.variables;
    const isMingw = suffix === 'dll.a' || type === 'shared_library';

    return arch === 'x64' && isMingw ? '-gnu' : '-msvc';
  }
  if (platform !== 'linux') return '';

  const libc = !ALWAYS_GLIBC.includes(arch) && isMusl(host) ? '-musl' : '-gnu';

  return arch === 'arm' ? `${libc}eabihf` : libc;
}

/**
 * Names the addon's file as the generated loader looks for it.
 *
 * @param {Object} [host=process] the `process` of the Node.js to name it for
 * @return {string} the name, for example `ferrows.linux-x64-gnu.node`
 * @throws {SetupError} if it looks for none on this platform
 */
function addonName(host = process) {
  const { arch, platform } = host;

  if (!ARCHITECTURES[platform]?.includes(arch)) {
    throw new SetupError(`there is no addon for ${platform}-${arch}`);
  }
  return `ferrows.${platform}-${arch}${abiSuffix(host)}.node`;
}

/**
 * Builds a package of the workspace in release mode. Cargo itself says where
 * the results went, since the target directory can be configured in several
 * places.
 *
 * @param {string} name the package
 * @param {string[]} [options] further options for `cargo build`
 * @return {Object[]} cargo's messages
 * @throws {SetupError} if it cannot be built
 */
function cargoBuild(name, options = []) {
  const messages = run(
    'cargo',
    [
      'build',
      '--release',
      `--package=${name}`,
      '--message-format=json-render-diagnostics',
      ...options
    ],
    { stdio: ['ignore', 'pipe', 2] }
  );

  return messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/**
 * Compiles the addon's crate.
 *
 * @param {string[]} [options] options for `cargo build`
 * @return {string} the path of the shared library
 */
function compile(options) {
  return cargoBuild('ferrows', options)
    .filter(({ target }) => target?.name === 'ferrows')
    .flatMap(({ filenames = [] }) => filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
}

/**
 * Loads an addon in a process of its own: Rust may build for another processor
 * than that of this Node.js.
 *
 * @param {string} file its path
 * @throws {SetupError} if it cannot be loaded, or is of another version
 */
function checkAddon(file) {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['--print', 'require(process.argv[1]).version()', file],
    { encoding: 'utf8' }
  );

  if (status === 0 && stdout.trim() === version) return;

  const reason = /^Error: .*$/m.exec(stderr)?.[0] ?? `it printed ${stdout}`;

  throw new SetupError(`what was built cannot be used: ${reason.trim()}`);
}

/**
 * Builds the addon and puts it where the loader looks first, in one step, so
 * that a process which loads it meanwhile finds the old one or the new one.
 *
 * @param {string[]} [options] options for `cargo build`
 * @return {string} the addon's path
 * @throws {SetupError} if that is not possible
 */
function buildAddon(options) {
  const addon = path.join(ROOT, addonName());
  const beside = `${addon}.${process.pid}.node`;
  // The addon is dated by the start of its build, so that a source which is
  // edited meanwhile counts as newer.
  const start = new Date();
  const library = compile(options);

  try {
    fs.copyFileSync(library, beside);
    fs.utimesSync(beside, start, start);
    checkAddon(beside);
    fs.renameSync(beside, addon);
  } catch (err) {
    if (err.code === undefined) throw err;
    throw new SetupError(`cannot write ${addon}: ${err.message}`);
  } finally {
    fs.rmSync(beside, { force: true });
  }
  return addon;
}

module.exports = { addonName, buildAddon, cargoBuild };
