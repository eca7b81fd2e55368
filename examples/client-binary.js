'use strict';

// A client that sends numbers as binary data and reads numbers from the answer.
//
// The argument is the server's URL (default ws://127.0.0.1:8080).

const { WebSocket } = require('ferrows');

const [url = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const ws = new WebSocket(url);

// Binary messages come as an ArrayBuffer of their own, so a typed array fits on
// it. The default, a Buffer, may start at any offset of a larger ArrayBuffer.
ws.binaryType = 'arraybuffer';

ws.on('error', console.error);

ws.on('open', () => {
  // Buffers, ArrayBuffers, views on them and Blobs are sent as they are: here
  // eight bytes for each number, in the byte order of this machine.
  ws.send(Float64Array.of(0.5, -1, Math.PI));
});

ws.on('message', (data, isBinary) => {
  if (isBinary) console.log('received:', new Float64Array(data));
  ws.close(1000);
});

ws.on('close', (code) => console.log(`closed: ${code}`));
