'use strict';

// A thread of `lifecycle.js`: connections to a server of its own, and to that
// of the main thread, until it ends in the way it was told to. Nobody ends it
// during a handshake: Node's parser of HTTP aborts the process then.

const { once } = require('node:events');
const { parentPort, workerData } = require('node:worker_threads');

const { WebSocket } = require('../support/ferrows');
const Stage = require('./stage');

const { seed, connections, counter, ending, url } = workerData;

/** How it ends itself, before its connections do. */
const LEAVING = ['exit', 'throw'];

/** Leaves in the middle of a handler. */
function leave() {
  if (ending === 'throw') throw new Error('thrown in a handler');
  process.exit(0);
}

/**
 * Talks to the main thread's server.
 *
 * @return {Promise<WebSocket>} the connection, open
 */
async function talk() {
  const ws = new WebSocket(url);
  ws.on('error', () => {});
  await once(ws, 'open');
  for (let i = 0; i < 40; i++) ws.send(Buffer.alloc(i * 100));
  return ws;
}

async function main() {
  const stage = new Stage();
  await stage.open();
  parentPort.postMessage('ready');
  await once(parentPort, 'message');
  let ws;
  await stage.runTogether(connections, {
    seed,
    async onOpen() {
      ws = await talk();
      let left = 1 + (seed % 40);
      ws.on('message', (data) => {
        ws.send(data);
        ws.send(data);
        if (LEAVING.includes(ending) && --left === 0) leave();
      });
      // The main thread may terminate this one from now on.
      parentPort.postMessage('open');
    },
    onEnd: () => Atomics.add(counter, 0, 1)
  });
  ws.close();
  await stage.close();
}

main();
