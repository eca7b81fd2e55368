'use strict';

// A thread that sleeps while it is flooded: peers have to wait then, and what
// they sent must not pile up here. Nothing may be lost.
//
//   node __test__/stress/flood.js --seconds 10 --memory 64
//
//   --seconds S       how long the thread sleeps
//   --connections N   how many flood it
//   --size BYTES      how long a message is
//   --memory MIB      by how much the resident memory may grow
//   --timeout S       seconds after which it has failed

const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');

const { WebSocketServer } = require('../support/ferrows');
const { MIB, peakBytes, settledUsage } = require('../support/usage');

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '100' },
    size: { type: 'string', default: '1000' },
    memory: { type: 'string', default: '96' },
    timeout: { type: 'string', default: '300' }
  }
});
const { seconds, connections, size, memory, timeout } = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, Number(value)])
);

/** Milliseconds of flood before the thread sleeps. */
const BEFORE = 300;

/** @param {string} what what is wrong */
function fail(what) {
  console.log(`FAILED: ${what}`);
  process.exit(1);
}

/** Numbered messages of one connection, the last of which says so. */
class Counter {
  /** @param {WebSocket} ws the connection */
  constructor(ws) {
    this.count = 0;
    this.bytes = 0;
    this.ended = new Promise((resolve) => {
      ws.on('message', (data) => {
        const [number, last] = data.toString('latin1', 0, 20).split(':');
        if (Number(number) !== this.count) {
          fail(`the message ${number} came in the place of ${this.count}`);
        }
        this.count++;
        this.bytes += data.length;
        if (last === 'last') resolve();
      });
    });
    ws.on('close', () => fail('a connection was lost'));
  }
}

async function main() {
  setTimeout(() => fail('timeout'), timeout * 1e3);
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const counters = [];
  const all = new Promise((resolve) => {
    wss.on('connection', (ws) => {
      counters.push(new Counter(ws));
      if (counters.length === connections) resolve();
    });
  });
  await once(wss, 'listening');
  const child = fork(path.join(__dirname, 'flood-peers.js'), [
    `${wss.address().port}`,
    `${connections}`,
    `${size}`
  ]);
  child.on('exit', () => fail('the peers have left'));
  process.on('exit', () => child.kill());

  await all;
  await sleep(BEFORE);
  const { memory: before } = await settledUsage();
  const peak = peakBytes();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, seconds * 1e3);
  const asleep = Math.max(peakBytes() - peak, 0) / MIB;

  const awake = performance.now();
  await sleep(BEFORE);
  child.send('stop');
  await Promise.all(counters.map(({ ended }) => ended));
  const drained = performance.now() - awake;
  const grown = (peakBytes() - before) / MIB;

  const count = counters.reduce((sum, counter) => sum + counter.count, 0);
  const bytes = counters.reduce((sum, counter) => sum + counter.bytes, 0);
  console.log(
    `${count} messages, ${(bytes / MIB).toFixed(0)} MiB; the memory grew by ` +
      `${asleep.toFixed(1)} MiB in ${seconds} s of sleep, ` +
      `by ${grown.toFixed(1)} MiB in all; ${drained.toFixed(0)} ms to the end`
  );
  if (grown > memory) {
    fail(`the memory has grown by ${grown.toFixed(1)} MiB, not ${memory} MiB`);
  }
  console.log('ok');
  process.exit(0);
}

main().catch((err) => fail(err.stack));
