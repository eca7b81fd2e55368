'use strict';

// The `WebSocket` that is built into Bun, run by Bun itself, with the same
// contract as node.js beside it. The server declines compression.

const drive = require('./drive');

drive((url, ready) => {
  const ws = new WebSocket(url);

  ws.binaryType = 'nodebuffer';
  ws.onopen = ready;
  ws.onmessage = ({ data }) => ws.send(data);
  ws.onerror = ({ message }) => {
    process.stderr.write(`${message}\n`);
    process.exit(1);
  };
  return ws;
});
