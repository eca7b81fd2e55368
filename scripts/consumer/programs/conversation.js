'use strict';

// Given a package with the API of ws, holds a small conversation, and prints
// what came back and which native file did it, as JSON.

const { createRequire } = require('node:module');

/** How long it may take, in milliseconds. */
const TIMEOUT = 20e3;

/**
 * Holds it.
 *
 * @param {Object} ws the package
 */
module.exports = ({ WebSocket, WebSocketServer }) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const timer = setTimeout(() => process.exit(3), TIMEOUT);

  server.on('connection', (client) => {
    client.on('message', (data, isBinary) => {
      client.send(data, { binary: isBinary });
    });
  });
  server.on('listening', () => {
    const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);

    ws.on('open', () => ws.send('hello'));
    ws.on('message', (data) => {
      const loaded = Object.keys(createRequire(__filename).cache);

      console.log(
        JSON.stringify({
          echo: String(data),
          transport: ws.transport,
          files: loaded.filter((file) => file.endsWith('.node'))
        })
      );
      ws.close();
    });
    ws.on('close', () => {
      clearTimeout(timer);
      server.close();
    });
  });
};
