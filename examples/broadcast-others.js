'use strict';

// A server that passes every message on to all clients but the sender.
//
// PORT (default 8080) says where it listens.

const { WebSocket, WebSocketServer } = require('ferrows');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 8080)
});

/**
 * Lists the clients that a message of one of them is for.
 *
 * @param {WebSocket} sender where the message came from
 * @return {WebSocket[]} the others, as far as they are open
 */
function others(sender) {
  return [...server.clients].filter(
    (client) => client !== sender && client.readyState === WebSocket.OPEN
  );
}

server.on('connection', (ws) => {
  ws.on('error', console.error);

  ws.on('message', (data, isBinary) => {
    const clients = others(ws);

    for (const client of clients) client.send(data, { binary: isBinary });
    console.log(`to ${clients.length} others: ${data}`);
  });
});

server.on('listening', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
