'use strict';

// A server that passes every message on to all clients, the sender included.
//
// PORT (default 8080) says where it listens.

const { WebSocket, WebSocketServer } = require('ferrows');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 8080)
});

server.on('connection', (ws) => {
  ws.on('error', console.error);

  ws.on('message', (data, isBinary) => {
    let count = 0;

    // `clients` also has those whose closing handshake is not over yet.
    for (const client of server.clients) {
      if (client.readyState !== WebSocket.OPEN) continue;
      client.send(data, { binary: isBinary });
      count++;
    }
    console.log(`to ${count} clients: ${data}`);
  });
});

server.on('listening', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
