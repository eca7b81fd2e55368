'use strict';

// A program: what a server and a client have to do in every runtime that loads
// the package. It needs no test runner, since those of runtimes differ. Each
// test is a line of JSON on stdout, and the process ends by itself.
//
//   node suite.js [--only REGEXP] [TRANSPORT]...
//
//   --only REGEXP   only the tests whose names match
//   TRANSPORT       what `ws.transport` may be once a connection is used

const assert = require('node:assert');
const { once } = require('node:events');
const { parseArgs } = require('node:util');

const { WebSocketServer } = require('../..');
const tests = require('./tests');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } }
});

/** Milliseconds that a test may take, on a machine that has others to run. */
const LIMIT = 60e3;

/**
 * Runs a function to its end, or to that of its time.
 *
 * @param {function(): Promise} body the function
 */
async function bounded(body) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(reject, LIMIT, new Error('it has not come to its end'));
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a test works with; ends with it. */
class Stage {
  constructor() {
    this._ends = [];
    /** Values of `ws.transport` once connections are used. */
    this.transports = positionals;
  }

  /** @param {function()} end called at the end of the test */
  after(end) {
    this._ends.push(end);
  }

  /**
   * A server whose connections answer with what they get.
   *
   * @param {Object} [options] its options
   * @return {Promise<{wss: WebSocketServer, url: string}>}
   */
  async echo(options) {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
    this.after(() => {
      for (const ws of wss.clients) ws.terminate();
      wss.close();
    });
    wss.on('connection', (ws) => {
      ws.on('error', () => {});
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
    });
    await once(wss, 'listening');
    return { wss, url: `ws://127.0.0.1:${wss.address().port}` };
  }

  /** Ends what the test has begun. */
  leave() {
    for (const end of this._ends.reverse()) end();
  }
}

/** Runs all tests, one after the other. */
async function main() {
  const only = new RegExp(values.only);
  for (const [name, test] of Object.entries(tests)) {
    if (!only.test(name)) continue;
    const stage = new Stage();
    const start = Date.now();
    let error;
    try {
      await bounded(() => test(stage, assert));
    } catch (err) {
      error = `${err?.stack ?? err}`;
    }
    stage.leave();
    console.log(JSON.stringify({ name, ms: Date.now() - start, error }));
    if (error !== undefined) process.exitCode = 1;
  }
  console.log(JSON.stringify({ done: true }));
}

main();
