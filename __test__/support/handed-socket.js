'use strict';

// A program: accepts a connection, and hands its socket to another process,
// which upgrades it. Prints what came of it, as JSON.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');

const { WebSocket, WebSocketServer } = require('./ferrows');

/** Messages after which a connection is adopted. */
const USES = 12;

/**
 * Sends a message, and waits for the next one.
 *
 * @param {WebSocket} ws a connection
 * @param {string} text the message
 * @return {Promise<string>} the answer
 */
async function ask(ws, text) {
  const answer = once(ws, 'message');
  ws.send(text);
  return (await answer)[0].toString();
}

/** The other process: echoes, and leaves when its connection is closed. */
function upgrade() {
  const server = http.createServer();
  const wss = new WebSocketServer({ server });
  wss.on('connection', (ws) => {
    ws.on('message', (data) => {
      if (data.toString() !== 'transport?') ws.send(data);
      else ws.send(`${ws.transport}`);
    });
    ws.on('close', () => process.disconnect());
  });
  process.on('message', (what, socket) => {
    server.emit('connection', socket);
    socket.resume();
  });
}

/** The first process. */
async function main() {
  const child = fork(__filename, ['upgrade'], { execArgv: [] });
  const exited = once(child, 'exit');
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    child.send('socket', socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  await once(ws, 'open');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const echoes = [];
  for (let i = 0; i < USES; i++) echoes.push(await ask(ws, `${i}`));
  const transport = await ask(ws, 'transport?');
  ws.close();
  await once(ws, 'close');
  const [code] = await exited;
  console.log(JSON.stringify({ codes: [code], echoes, transport }));
  process.exit();
}

if (process.argv[2] === 'upgrade') upgrade();
else main();
