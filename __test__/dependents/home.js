'use strict';

// Where the packages that use `ws` live, with the package under test in its
// place. npm's `overrides` put ferrows there; for the oracle there is a copy of
// the same tree in which only the link called `ws` leads elsewhere.

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const { oracle } = require('../support/ferrows');
const installation = require('../support/installation');

const MODULES = path.join(__dirname, 'node_modules');

/** Inside of `node_modules`, so that each installation starts it anew. */
const ORACLE = path.join(MODULES, '.oracle');

/** Where the packages under test are resolved from. */
const HOME = oracle ? ORACLE : __dirname;

/** The lowest Node.js version that all of the packages support. */
const NODE = '20';

/**
 * Installs the packages unless they are there.
 *
 * @return {(string|false)} why the tests have to be skipped, if they have
 * @throws {Error} if npm fails
 */
function install() {
  const reason = installation.install(__dirname, NODE);

  if (!reason && oracle && !fs.existsSync(ORACLE)) copyForOracle();
  return reason;
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
