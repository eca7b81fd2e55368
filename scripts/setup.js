'use strict';

// Makes a fresh clone ready to run: checks the toolchain, installs the npm
// packages that the tests need and builds the addon, each only when it has to.
// As a command it does all three.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { ROOT, SetupError, ensureToolchain } = require('./toolchain');

/** Everything that the addon is compiled from. */
const SOURCES = [
  'Cargo.lock',
  'Cargo.toml',
  'build.rs',
  'src',
  'crates/engine/Cargo.toml',
  'crates/engine/src',
  'crates/protocol/Cargo.toml',
  'crates/protocol/src'
];

/**
 * Prints a line of progress on stderr.
 *
 * @param {string} message the line
 */
function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

/**
 * Runs a step between a line that announces it and one that says how long it
 * took.
 *
 * @param {string} name what the step does
 * @param {Function} step the step
 */
function timed(name, step) {
  const start = Date.now();

  say(`${name} ...`);
  step();
  say(`${name}: done in ${((Date.now() - start) / 1e3).toFixed(1)} s`);
}

/**
 * Runs a command in the repository's root with the user's terminal.
 *
 * @param {string} command the program
 * @param {string[]} args its arguments
 * @param {Object} [options] options of `spawnSync`
 * @return {string} what it wrote on stdout, if `options.stdio` pipes that
 * @throws {SetupError} if it cannot be started or fails
 */
function run(command, args, options) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: Infinity,
    // stdout stays free for what the calling command has to say
    stdio: ['ignore', 2, 2],
    ...options
  });

  if (result.error) {
    throw new SetupError(`cannot run ${command}: ${result.error.message}`);
  }
  if (result.status !== 0) {
    throw new SetupError(`${command} ${args[0]} failed`);
  }
  return result.stdout;
}

/**
 * Tells whether `node_modules` holds what the lockfile asks for. Optional
 * packages do not count: those of other platforms are never installed.
 *
 * @return {boolean} true when there is nothing to install
 */
function modulesMatch() {
  const installed = path.join(ROOT, 'node_modules', '.package-lock.json');

  if (!fs.existsSync(installed)) return false;

  const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages;
  const have = read(installed);
  const want = Object.entries(read(path.join(ROOT, 'package-lock.json')));

  return want.every(
    ([name, { optional, integrity }]) =>
      name === '' || optional || have[name]?.integrity === integrity
  );
}

/** Installs the development dependencies unless they are there. */
function ensureModules() {
  if (modulesMatch()) return;

  timed('installing npm packages', () =>
    run('npm', ['ci'], { shell: process.platform === 'win32' })
  );
}

/**
 * Tells whether this Node.js runs on musl rather than on glibc.
 *
 * @return {boolean} true on Alpine and its like
 */
function isMusl() {
  // Looking up the names of open sockets' peers would take time.
  process.report.excludeNetwork = true;
  return (
    process.platform === 'linux' &&
    !process.report.getReport().header.glibcVersionRuntime
  );
}

/**
 * Names the addon's file as the generated loader looks for it.
 *
 * @return {string} the name, for example `ferrows.linux-x64-gnu.node`
 */
function addonName() {
  const { platform, arch } = process;
  let abi = '';

  if (platform === 'linux') abi = isMusl() ? '-musl' : '-gnu';
  else if (platform === 'win32') abi = '-msvc';

  return `ferrows.${platform}-${arch}${abi}.node`;
}

/**
 * Finds the latest modification below a path. Directories count, so that a
 * removed file is noticed too.
 *
 * @param {string} file a file or directory
 * @return {number} milliseconds since the epoch
 */
function newest(file) {
  const stat = fs.statSync(file);

  if (!stat.isDirectory()) return stat.mtimeMs;
  return fs
    .readdirSync(file)
    .reduce(
      (latest, name) => Math.max(latest, newest(path.join(file, name))),
      stat.mtimeMs
    );
}

/**
 * Tells whether the addon is at least as new as all of its sources.
 *
 * @param {string} addon the addon's path
 * @return {boolean} true when there is nothing to build
 */
function isFresh(addon) {
  if (!fs.existsSync(addon)) return false;

  const { mtimeMs } = fs.statSync(addon);

  return SOURCES.every((source) => newest(path.join(ROOT, source)) <= mtimeMs);
}

/**
 * Builds a package of the workspace in release mode. Cargo itself says where
 * the results went, since the target directory can be configured in several
 * places.
 *
 * @param {string} name the package
 * @param {Object} [env=process.env] the environment
 * @return {Object[]} cargo's messages
 * @throws {SetupError} if it cannot be built
 */
function cargoBuild(name, env = process.env) {
  const messages = run(
    'cargo',
    [
      'build',
      '--release',
      `--package=${name}`,
      '--message-format=json-render-diagnostics'
    ],
    { env, stdio: ['ignore', 'pipe', 2] }
  );

  return messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/**
 * Compiles the addon's crate.
 *
 * @return {string} the path of the shared library
 */
function compile() {
  const env = { ...process.env };

  // A musl target links its C library statically unless told not to, and then
  // cannot make a shared library at all.
  if (isMusl()) {
    env.RUSTFLAGS = `${env.RUSTFLAGS || ''} -C target-feature=-crt-static`;
  }

  return cargoBuild('ferrows', env)
    .filter(({ target }) => target?.name === 'ferrows')
    .flatMap(({ filenames = [] }) => filenames)
    .find((file) => /\.(so|dylib|dll)$/.test(file));
}

/** Builds the addon unless it is newer than its sources. */
function ensureAddon() {
  const addon = path.join(ROOT, addonName());

  if (isFresh(addon)) return;

  timed('building the addon', () => {
    // The addon is dated by the start of its build, so that a source which is
    // edited meanwhile counts as newer.
    const start = new Date();
    const beside = `${addon}.${process.pid}.node`;

    fs.copyFileSync(compile(), beside);
    fs.utimesSync(beside, start, start);
    fs.renameSync(beside, addon);
  });
}

/**
 * Runs the body of a command; a {@link SetupError} ends it with its message
 * alone and exit status 1.
 *
 * @param {Function} body the command
 */
function command(body) {
  try {
    body();
  } catch (err) {
    if (!(err instanceof SetupError)) throw err;
    say(err.message);
    process.exit(1);
  }
}

if (require.main === module) {
  command(() => {
    ensureToolchain();
    ensureModules();
    ensureAddon();
    say(`ready, after ${process.uptime().toFixed(1)} s`);
  });
}

module.exports = {
  SetupError,
  addonName,
  cargoBuild,
  command,
  ensureAddon,
  ensureModules,
  ensureToolchain
};
