'use strict';

// Installs packages that only some tests need: those that a folder below
// `__test__` has a package.json and a lockfile for.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { isAtLeast } = require('../../scripts/toolchain');

/** How long an installation may take, in milliseconds. */
const TIMEOUT = 90e3;

/** npm's error codes when there is no way to the registry. */
const UNREACHABLE =
  /npm (?:ERR!|error) code (?:EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT)\b/;

/**
 * Installs a folder's packages unless they are there.
 *
 * @param {string} directory the folder
 * @param {string} node the lowest Node.js version that all of them support
 * @return {(string|false)} why the tests have to be skipped, if they have
 * @throws {Error} if npm fails: for any reason in CI, elsewhere for any other
 *     than a registry that cannot be reached
 */
function install(directory, node) {
  if (!isAtLeast(process.versions.node, node)) {
    return `the packages need Node.js ${node}`;
  }

  const lockfile = path.join(directory, 'package-lock.json');
  // Says which lockfile the installed tree comes from.
  const stamp = path.join(directory, 'node_modules', '.installed-from.json');

  if (fs.existsSync(stamp) && isSame(stamp, lockfile)) return false;

  const complaint = runNpm(directory);

  if (complaint !== null) {
    if (!process.env.CI && UNREACHABLE.test(complaint)) {
      return 'the npm registry cannot be reached to install the packages';
    }
    throw new Error(`npm ci failed:\n${complaint}`);
  }
  fs.copyFileSync(lockfile, stamp);
  return false;
}

/**
 * Tells whether two files have the same content.
 *
 * @param {string} one a file
 * @param {string} other another
 * @return {boolean} true if they have
 */
function isSame(one, other) {
  return fs.readFileSync(one).equals(fs.readFileSync(other));
}

/**
 * Runs `npm ci`.
 *
 * @param {string} directory where
 * @return {?string} what npm has to say if it failed
 */
function runNpm(directory) {
  const { error, status, stderr } = spawnSync(
    'npm',
    ['ci', '--prefer-offline', '--fetch-retries=1', '--fetch-timeout=20000'],
    {
      cwd: directory,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT
    }
  );

  if (error) return error.message;
  return status === 0 ? null : stderr;
}

module.exports = { install };
