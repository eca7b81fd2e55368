'use strict';

// A server that sends every message back to where it came from. The examples
// of clients talk to it.
//
// PORT (default 8080) says where it listens.

const { WebSocketServer } = require('ferrows');

const server = new WebSocketServer({
  // Without a host it listens on all addresses of the machine.
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 8080)
});

server.on('connection', (ws) => {
  // Without a listener an error, such as a malformed frame, would be thrown.
  ws.on('error', console.error);

  // The data is a Buffer, for text too: `isBinary` tells the two apart, and
  // makes the answer be of the same kind.
  ws.on('message', (data, isBinary) => {
    console.log(isBinary ? `${data.length} bytes` : `text: ${data}`);
    ws.send(data, { binary: isBinary });
  });

  ws.on('close', (code) => console.log(`closed: ${code}`));
});

server.on('listening', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
