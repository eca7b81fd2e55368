'use strict';

// The child process of `flood.js`: connections that send as much as they can,
// until they are told to stop. They are npm's `ws`, so that what is lost can
// only have been lost on the other side.

const { once } = require('node:events');
const { WebSocket } = require('ws');

const [port, connections, size] = process.argv.slice(2).map(Number);

/** Messages of a connection at a time. */
const BATCH = 20;

/** Bytes that may wait in a connection. */
const LIMIT = 64 * 1024;

let isStopped = false;

process.on('message', () => (isStopped = true));
process.on('disconnect', () => process.exit());

/** Floods, over one connection. */
async function flood() {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false
  });
  await once(ws, 'open');
  let count = 0;
  const send = (what) => ws.send(`${count++}:${what}:`.padEnd(size, '.'));
  while (!isStopped) {
    for (let i = 0; i < BATCH; i++) send('more');
    if (ws._socket.writableLength > LIMIT) await drained(ws);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  send('last');
}

/**
 * @param {WebSocket} ws a connection that keeps much
 * @return {Promise} settles when it keeps nothing
 */
async function drained({ _socket: socket }) {
  if (socket.writableLength > 0) await once(socket, 'drain');
}

for (let i = 0; i < connections; i++) flood();
