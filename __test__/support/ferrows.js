'use strict';

// The package under test. `FERROWS_ORACLE=ws` puts npm's `ws` in its place, so
// that the tests themselves can be checked against the behaviour they claim.

const { it } = require('node:test');
const path = require('node:path');

const oracle = process.env.FERROWS_ORACLE === 'ws';
const root = oracle
  ? path.dirname(require.resolve('ws/package.json'))
  : path.join(__dirname, '..', '..');

module.exports = Object.assign(require(root), {
  /** True when the tests run against `ws` itself. */
  oracle,

  /**
   * Loads a file of the package's `lib` folder.
   *
   * @param {string} name the file's name without `.js`
   * @return {*} what the module exports
   */
  lib: (name) => require(path.join(root, 'lib', name)),

  /**
   * A test of a behaviour in which ferrows deliberately differs from `ws`
   * (a row of docs/compat.md). Left out when the oracle is under test.
   *
   * @param {string} name what ferrows does
   * @param {Function} fn the test
   */
  itDiffers: (name, fn) =>
    it(name, { skip: oracle && 'ferrows differs from ws here' }, fn)
});
