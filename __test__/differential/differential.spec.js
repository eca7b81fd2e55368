'use strict';

// The same programs with npm's `ws` and with ferrows: what they log has to be
// the same, line by line. Bytes are compared as a whole, since the borders of
// writes differ.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { promisify } = require('node:util');

const { oracle } = require('../support/ferrows');

const PROGRAM = path.join(__dirname, 'perform.js');

/** Files of scenarios to leave it at, with commas between them. */
const ONLY = process.env.FERROWS_SCENARIOS?.split(',');

/** Processes for each package: scenarios wait more than they work. */
const LANES = 2;

/**
 * @param {string} name `ws` or `ferrows`
 * @return {Promise<Object>} the logs of all scenarios
 */
async function logsOf(name) {
  const files = fs
    .readdirSync(path.join(__dirname, 'scenarios'))
    .map((file) => path.basename(file, '.js'))
    .filter((name) => ONLY === undefined || ONLY.includes(name))
    .sort();
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    perform(
      name,
      files.filter((file, i) => i % LANES === lane)
    )
  );
  return Object.assign({}, ...(await Promise.all(lanes)));
}

/**
 * @param {string} name `ws` or `ferrows`
 * @param {string[]} files names of files with scenarios
 * @return {Promise<Object>} the logs of their scenarios
 */
async function perform(name, files) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, ...files],
    {
      env: { ...process.env, FERROWS_ORACLE: name },
      maxBuffer: Infinity,
      timeout: 110e3
    }
  );
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
        // Two logs of a scenario that broke off would be alike, too.
        assert.doesNotMatch(JSON.stringify(expected), /\*\*\*/);
        assert.deepStrictEqual(ferrows[title], expected);
      });
    }
  });
});
