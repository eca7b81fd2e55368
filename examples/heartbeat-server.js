'use strict';

// A server that notices when a client is gone without a word, as when a cable
// is pulled: it pings every client in turns, and terminates those that gave no
// sign of life since the turn before.
//
// PORT (default 8080) says where it listens, INTERVAL (default 30000) how long
// a turn is, in milliseconds.

const { WebSocketServer } = require('ferrows');

const { INTERVAL = 30e3, PORT = 8080 } = process.env;

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(PORT) });

/** The clients that were pinged and have not been heard of since. */
const silent = new Set();

server.on('connection', (ws) => {
  const alive = () => silent.delete(ws);

  ws.on('error', console.error);
  // Clients answer pings by themselves. What else they send is as good.
  ws.on('pong', alive);
  ws.on('message', alive);
  ws.on('close', (code) => {
    silent.delete(ws);
    console.log(`closed: ${code}`);
  });
});

const timer = setInterval(() => {
  for (const ws of server.clients) {
    if (silent.has(ws)) {
      console.log('no sign of life: terminated');
      // A closing handshake would wait for an answer that does not come.
      ws.terminate();
    } else {
      silent.add(ws);
      ws.ping();
    }
  }
}, Number(INTERVAL));

server.on('close', () => clearInterval(timer));

server.on('listening', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
