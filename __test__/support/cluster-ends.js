'use strict';

// A program: of two processes that share a port one is killed, and the other one
// told to leave. Prints what their connections notice, as JSON.

const cluster = require('node:cluster');
const { once } = require('node:events');

const { WebSocket, WebSocketServer } = require('./ferrows');

/** Connections that are opened at first. */
const CLIENTS = 8;

/** Messages after which a connection is adopted. */
const USES = 12;

/** The servers: each answers with its number. */
function serve() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  wss.on('connection', (ws) => {
    ws.on('error', () => {});
    ws.on('message', () => ws.send(`${cluster.worker.id}`));
  });
}

/**
 * Asks who is at the other end.
 *
 * @param {WebSocket} ws a connection
 * @return {Promise<number>} the number of the process
 */
async function ask(ws) {
  const answer = once(ws, 'message');
  ws.send('who?');
  return Number((await answer)[0]);
}

/**
 * Opens a connection and uses it.
 *
 * @param {string} url where to
 * @return {Promise<{ws: WebSocket, id: number, closed: Promise<number>}>}
 */
async function connect(url) {
  const ws = new WebSocket(url);
  const closed = new Promise((resolve) => ws.on('close', resolve));
  await once(ws, 'open');
  let id;
  for (let i = 0; i < USES; i++) id = await ask(ws);
  return { ws, id, closed };
}

/** The first process. */
async function main() {
  cluster.setupPrimary({ exec: __filename, execArgv: [], args: [] });
  const workers = [cluster.fork(), cluster.fork()];
  const [[{ port }]] = await Promise.all(
    workers.map((worker) => once(worker, 'listening'))
  );
  const url = `ws://127.0.0.1:${port}`;
  const clients = [];
  for (let i = 0; i < CLIENTS; i++) clients.push(await connect(url));
  const [killed, leaving] = workers;
  const of = (worker) => clients.filter(({ id }) => id === worker.id);
  const result = { both: of(killed).length > 0 && of(leaving).length > 0 };

  const death = once(killed, 'exit');
  killed.process.kill('SIGKILL');
  result.ofKilled = await Promise.all(of(killed).map(({ closed }) => closed));
  result.signal = (await death)[1];
  result.answers = await Promise.all(of(leaving).map(({ ws }) => ask(ws)));
  const late = await connect(url);
  result.newcomer = late.id;

  const exit = once(leaving, 'exit');
  leaving.disconnect();
  // The port is the other process's until it has closed it.
  await refusal(url);
  result.afterwards = await Promise.all(of(leaving).map(({ ws }) => ask(ws)));
  for (const { ws } of [...of(leaving), late]) ws.close(1000);
  result.ofLeaving = await Promise.all(of(leaving).map(({ closed }) => closed));
  result.code = (await exit)[0];
  result.leaving = leaving.id;
  console.log(JSON.stringify(result));
  process.exit();
}

/**
 * Waits until there is nobody who takes connections.
 *
 * @param {string} url where
 */
async function refusal(url) {
  for (;;) {
    const ws = new WebSocket(url);
    const isOpen = await new Promise((resolve) => {
      ws.on('open', () => resolve(true));
      ws.on('error', () => resolve(false));
    });
    ws.terminate();
    if (!isOpen) return;
  }
}

if (cluster.isPrimary) main();
else serve();
