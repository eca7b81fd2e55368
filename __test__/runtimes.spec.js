'use strict';

// The suite that other runtimes have to pass (`scripts/runtimes.js`), in this
// one.

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { runSuite } = require('../scripts/runtimes/suite');
const { oracle } = require('./support/ferrows');
const { forced, NATIVE } = require('./support/native');

describe('The suite of runtimes', { skip: oracle && 'ferrows alone' }, () => {
  it('passes in this Node.js', { timeout: 240000 }, async () => {
    const { passed, failures } = await runSuite([process.execPath], {
      asked: process.env.FERROWS_TRANSPORT ?? '',
      got: forced === 'auto' ? NATIVE : [forced]
    });
    assert.deepStrictEqual(failures, []);
    assert.ok(passed > 10, `${passed} tests`);
  });

  it('finds a transport that is none of those expected', async () => {
    const { failures } = await runSuite([process.execPath], {
      asked: 'stream',
      got: ['loop'],
      only: 'the transport'
    });
    assert.strictEqual(failures.length, 1);
    assert.match(failures[0], /^uses the transport that is expected: /);
  });
});
