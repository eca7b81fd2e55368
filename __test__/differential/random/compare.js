'use strict';

const path = require('node:path');

const execute = require('./execute');
const underTest = require('../../support/ferrows');

const oracle = {
  readsOn: true,
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
 *     logs of both, and whether they are equal as far as they can be compared
 */
async function compare(program, subject = ferrows) {
  const expected = await execute(program, oracle);
  const actual = await execute(program, subject);
  const length = expected.comparable;
  return {
    expected: expected.text,
    actual: actual.text,
    equal: expected.text.slice(0, length) === actual.text.slice(0, length)
  };
}

module.exports = { compare, ferrows };

/**
 * What a run needs of the module `constants`.
 *
 * @param {Object} constants the module
 * @return {Object}
 */
function constantsOf({ EMPTY_BUFFER, kStatusCode }) {
  return { EMPTY_BUFFER, kStatusCode };
}
