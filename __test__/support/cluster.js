'use strict';

// A program: two processes that share a port (`node:cluster`), and clients in
// the first one. Prints what came of it, as JSON.

const cluster = require('node:cluster');
const { once } = require('node:events');

const { WebSocket, WebSocketServer } = require('./ferrows');

const CLIENTS = 20;

/** The servers: each answers with its name. */
function serve() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  wss.on('connection', (ws) => {
    ws.on('message', (data) => ws.send(`${cluster.worker.id} ${data}`));
  });
  process.on('message', () => {
    for (const ws of wss.clients) ws.close();
    wss.close();
    process.disconnect();
  });
}

/** The first process. */
async function main() {
  cluster.setupPrimary({ exec: __filename, execArgv: [], args: [] });
  const workers = [cluster.fork(), cluster.fork()];
  const [[{ port }]] = await Promise.all(
    workers.map((worker) => once(worker, 'listening'))
  );
  const names = new Set();
  let echoes = 0;
  const talk = async (number) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}`);
    const closed = once(ws, 'close');
    await once(ws, 'open');
    // Not before they are adopted.
    await new Promise((resolve) => setTimeout(resolve, 20));
    ws.send(`${number}`);
    const [data] = await once(ws, 'message');
    const [name, text] = data.toString().split(' ');
    names.add(name);
    if (text === `${number}`) echoes++;
    return { closed };
  };
  const numbers = Array.from({ length: CLIENTS }, (_, i) => i);
  const ends = await Promise.all(numbers.map(talk));
  const exits = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.send('leave');
  await Promise.all(ends.map(({ closed }) => closed));
  const codes = (await Promise.all(exits)).map(([code]) => code);
  console.log(JSON.stringify({ codes, echoes, workers: names.size }));
  process.exit();
}

if (cluster.isPrimary) main();
else serve();
