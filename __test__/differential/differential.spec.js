'use strict';

// The same programs with npm's `ws` and with ferrows: what they log has to be
// the same, line by line. Bytes are compared as a whole, since the borders of
// writes differ.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { promisify } = require('node:util');

const { oracle } = require('../support/ferrows');

const PROGRAM = path.join(__dirname, 'perform.js');

/**
 * @param {string} name `ws` or `ferrows`
 * @return {Promise<Object>} the logs of all scenarios
 */
async function logsOf(name) {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], {
    env: { ...process.env, FERROWS_ORACLE: name },
    maxBuffer: Infinity,
    timeout: 110e3
  });
  return JSON.parse(stdout);
}

describe('ferrows and ws', { skip: oracle && 'compares both' }, () => {
  let ws;
  let ferrows;

  before(async () => {
    [ws, ferrows] = await Promise.all([logsOf('ws'), logsOf('ferrows')]);
  });

  it('do the same in every scenario', async (t) => {
    for (const [title, expected] of Object.entries(ws)) {
      await t.test(title, () => {
        assert.deepStrictEqual(ferrows[title], expected);
      });
    }
  });
});
