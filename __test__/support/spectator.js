'use strict';

// A peer in a thread of its own, which tells when it got what: whether that
// was late is seen although the thread of the tests is busy.

const { once } = require('node:events');
const { Worker } = require('node:worker_threads');

const SOURCE = `
  const { once } = require('node:events');
  const net = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');

  const now = () => performance.timeOrigin + performance.now();
  const socket = net.connect(workerData.port, '127.0.0.1');
  socket.setNoDelay();
  socket.write(workerData.request);
  socket.once('data', () => {
    parentPort.postMessage('open');
    socket.on('data', (chunk) => {
      parentPort.postMessage({ time: now(), bytes: chunk });
    });
  });
  socket.on('error', () => {});
  parentPort.on('message', (bytes) => socket.write(bytes));
`;

const { requestText } = require('./upgrade');

/** @return {number} milliseconds on the clock of all threads */
function clock() {
  return performance.timeOrigin + performance.now();
}

/**
 * Keeps the thread busy.
 *
 * @param {number} milliseconds for how long
 */
function work(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/**
 * Connects such a peer to a server.
 *
 * @param {TestContext} t the test
 * @param {WebSocketServer} wss the server, listening
 * @return {Promise<{ws: WebSocket, chunks: Object[], send: function(Buffer),
 *     came: function(number): Promise<Object[]>}>} the server's WebSocket;
 *     the chunks that the peer has got, each with its time; how to have it
 *     send bytes; how to wait for so many bytes, which gives the chunks
 */
async function spectator(t, wss) {
  const worker = new Worker(SOURCE, {
    eval: true,
    workerData: { port: wss.address().port, request: requestText() }
  });
  t.after(() => worker.terminate());
  const [[ws]] = await Promise.all([
    once(wss, 'connection'),
    once(worker, 'message')
  ]);
  const chunks = [];
  let size = 0;
  let look = () => {};
  worker.on('message', (chunk) => {
    chunks.push(chunk);
    size += chunk.bytes.length;
    look();
  });
  return {
    ws,
    chunks,
    send: (bytes) => worker.postMessage(bytes),
    came: (count) =>
      new Promise((resolve) => {
        look = () => size >= count && resolve(chunks);
        look();
      })
  };
}

module.exports = { clock, spectator, work };
