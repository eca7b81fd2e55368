'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');

/** Something that the user has to put right; its message says how. */
class SetupError extends Error {}

/**
 * Compares two dotted version numbers.
 *
 * @param {string} version the version to judge, for example `1.88.0`
 * @param {string} minimum the lowest version that will do, for example `1.88`
 * @return {boolean} true when `version` is `minimum` or later
 */
function isAtLeast(version, minimum) {
  const have = version.split('.').map(Number);
  const need = minimum.split('.').map(Number);

  for (let i = 0; i < need.length; i++) {
    if (have[i] !== need[i]) return have[i] > need[i];
  }
  return true;
}

/**
 * Reads the lowest Node.js version that the package accepts.
 *
 * @return {string} a version number
 */
function minimumNode() {
  const { engines } = require('../package.json');

  return engines.node.replace('>=', '');
}

/**
 * Reads the lowest Rust version that the workspace accepts.
 *
 * @return {string} a version number
 */
function minimumRust() {
  const manifest = fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8');

  return /^rust-version = "([\d.]+)"$/m.exec(manifest)[1];
}

/**
 * Checks that Node.js is recent enough, and that cargo is there and so too.
 *
 * @throws {SetupError} naming what is missing and where to get it
 */
function ensureToolchain() {
  const node = minimumNode();
  const rust = minimumRust();

  if (!isAtLeast(process.versions.node, node)) {
    throw new SetupError(
      `Node.js ${node} or newer is needed, this is ` +
        `${process.versions.node}: get it from https://nodejs.org`
    );
  }

  const { stdout } = spawnSync('cargo', ['--version'], {
    cwd: ROOT,
    encoding: 'utf8'
  });
  const found = /^cargo ([\d.]+)/.exec(stdout || '');

  if (found === null || !isAtLeast(found[1], rust)) {
    const state =
      found === null ? 'cargo was not found' : `this is ${found[1]}`;

    throw new SetupError(
      `Rust ${rust} or newer is needed to build the addon, ${state}: ` +
        'get it from https://rustup.rs'
    );
  }
}

module.exports = { ROOT, SetupError, ensureToolchain, isAtLeast };
