'use strict';

const path = require('node:path');

const execute = require('./execute');
const underTest = require('../../support/ferrows');

const oracle = {
  WebSocket: require('ws'),
  ...constantsOf(
    require(path.join(path.dirname(require.resolve('ws')), 'lib', 'constants'))
  )
};
const ferrows = {
  WebSocket: underTest.WebSocket,
  ...constantsOf(underTest.lib('constants'))
};

/**
 * Runs a program with npm's `ws` and with the package under test.
 *
 * @param {Object} program see `generate()`
 * @param {Object} [subject] what to run instead of the package under test
 * @return {Promise<{expected: string, actual: string, equal: boolean}>} the
 *     logs of both
 */
async function compare(program, subject = ferrows) {
  const expected = await execute(program, oracle);
  const actual = await execute(program, subject);
  return { expected, actual, equal: isSame(expected, actual) };
}

module.exports = { compare, ferrows };

/**
 * Compares logs. With `allowSynchronousEvents: false`, a chunk that waits
 * behind broken input makes `ws` throw a TypeError that nobody can catch; what
 * ferrows does then, to answer as always, has nothing to be compared with.
 *
 * @param {string} expected the log of `ws`
 * @param {string} actual the log of the package under test
 * @return {boolean}
 */
function isSame(expected, actual) {
  const [before, crash] = expected.split(/^(\d+: uncaught TypeError)/m);
  if (crash === undefined) return expected === actual;
  return actual.startsWith(before);
}

/**
 * What a run needs of the module `constants`.
 *
 * @param {Object} constants the module
 * @return {Object}
 */
function constantsOf({ EMPTY_BUFFER, kStatusCode }) {
  return { EMPTY_BUFFER, kStatusCode };
}
