'use strict';

// Makes a fresh clone ready to run: checks the toolchain, installs the npm
// packages that the tests need and builds the addon, each only when it has to.
// As a command it does all three.

const fs = require('node:fs');
const path = require('node:path');

const { addonName, buildAddon } = require('./addon');
const { command, run, say, timed } = require('./steps');
const { ROOT, SetupError, ensureToolchain } = require('./toolchain');

/** Everything that the addon is compiled from. */
const SOURCES = [
  '.cargo/config.toml',
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

/** Builds the addon unless it is newer than its sources. */
function ensureAddon() {
  const addon = path.join(ROOT, addonName());

  if (isFresh(addon)) return;

  timed('building the addon', () => buildAddon());
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
  command,
  ensureAddon,
  ensureModules,
  ensureToolchain
};
