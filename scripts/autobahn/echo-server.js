'use strict';

// Echo server for Autobahn: run-server.sh -- node echo-server.js
//
// It serves with the module that peer.js picks, on $HOST (default 127.0.0.1)
// and $PORT (default 9001).

const { WebSocketServer, options } = require('./peer');

const server = new WebSocketServer({
  host: process.env.HOST || '127.0.0.1',
  port: Number(process.env.PORT || 9001),
  ...options
});

server.on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
});
