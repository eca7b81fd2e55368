'use strict';

// Where the packages that use `ws` live, with the package under test in its
// place. npm's `overrides` put ferrows there; for the oracle there is a copy of
// the same tree in which only the link called `ws` leads elsewhere.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const { oracle } = require('../support/ferrows');

const MODULES = path.join(__dirname, 'node_modules');

/** Says which lockfile the installed tree comes from. */
const STAMP = path.join(MODULES, '.installed-from.json');
const LOCKFILE = path.join(__dirname, 'package-lock.json');

/** Inside of `node_modules`, so that each installation starts it anew. */
const ORACLE = path.join(MODULES, '.oracle');

/** Where the packages under test are resolved from. */
const HOME = oracle ? ORACLE : __dirname;

/** The lowest Node.js major version that all of the packages support. */
const NODE = 20;

/** How long an installation may take, in milliseconds. */
const INSTALL_TIMEOUT = 90e3;

/** npm's error codes when there is no way to the registry. */
const UNREACHABLE =
  /npm (?:ERR!|error) code (?:EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT)\b/;

/**
 * Installs the packages unless they are there.
 *
 * @return {(string|false)} why the tests have to be skipped, if they have
 * @throws {Error} if npm fails: for any reason in CI, elsewhere for any other
 *     than a registry that cannot be reached
 */
function install() {
  if (parseInt(process.versions.node, 10) < NODE) {
    return `the packages need Node.js ${NODE}`;
  }
  if (!isInstalled()) {
    const complaint = runNpm();

    if (complaint !== null) {
      if (!process.env.CI && UNREACHABLE.test(complaint)) {
        return 'the npm registry cannot be reached to install the packages';
      }
      throw new Error(`npm ci failed:\n${complaint}`);
    }
    fs.copyFileSync(LOCKFILE, STAMP);
  }
  if (oracle && !fs.existsSync(ORACLE)) copyForOracle();
  return false;
}

/**
 * Tells whether the installed tree is that of the lockfile.
 *
 * @return {boolean} true when there is nothing to install
 */
function isInstalled() {
  return (
    fs.existsSync(STAMP) &&
    fs.readFileSync(STAMP).equals(fs.readFileSync(LOCKFILE))
  );
}

/**
 * Runs `npm ci`.
 *
 * @return {?string} what npm has to say if it failed
 */
function runNpm() {
  const { error, status, stderr } = spawnSync(
    'npm',
    ['ci', '--prefer-offline', '--fetch-retries=1', '--fetch-timeout=20000'],
    {
      cwd: __dirname,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_TIMEOUT
    }
  );

  if (error) return error.message;
  return status === 0 ? null : stderr;
}

/** Copies the tree, with npm's `ws` in it. */
function copyForOracle() {
  const beside = `${ORACLE}.${process.pid}`;
  const modules = path.join(beside, 'node_modules');
  const fromTests = createRequire(path.join(__dirname, '..', 'any.js'));
  const isPackage = (name) => !name.startsWith('.') && name !== 'ws';

  fs.mkdirSync(modules, { recursive: true });
  fs.copyFileSync(
    path.join(__dirname, 'load.js'),
    path.join(beside, 'load.js')
  );
  fs.symlinkSync(
    path.dirname(fromTests.resolve('ws/package.json')),
    path.join(modules, 'ws'),
    'junction'
  );
  for (const name of fs.readdirSync(MODULES).filter(isPackage)) {
    fs.cpSync(path.join(MODULES, name), path.join(modules, name), {
      recursive: true
    });
  }
  fs.renameSync(beside, ORACLE);
}

/**
 * Loads a package as CommonJS.
 *
 * @param {string} name how a program names it
 * @return {*} what it exports
 */
const load = (name) => require(path.join(HOME, 'load.js')).require(name);

/**
 * Loads a package as an ES module.
 *
 * @param {string} name how a program names it
 * @return {Promise<Object>} its namespace
 */
const loadModule = (name) => require(path.join(HOME, 'load.js')).import(name);

module.exports = { HOME, install, load, loadModule };
