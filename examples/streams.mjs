// A connection as a stream: what comes from standard input is sent, what is
// received goes to standard output. The end of the input closes the connection.
//
// The argument is the server's URL (default ws://127.0.0.1:8080).

import { pipeline } from 'node:stream/promises';
import { createWebSocketStream, WebSocket } from 'ferrows';

const [url = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const ws = new WebSocket(url);

// Chunks of bytes would be sent as binary messages. These are strings, and
// `decodeStrings: false` keeps them so: they are sent as text.
process.stdin.setEncoding('utf8');
const duplex = createWebSocketStream(ws, { decodeStrings: false });

// Once the server has closed there is nobody to read for.
ws.on('close', () => process.stdin.destroy());

try {
  // The pipeline waits on both sides: input is not read while the connection
  // cannot take more, and the connection not while the output cannot.
  await pipeline(process.stdin, duplex, process.stdout);
} catch (err) {
  console.error(err.message);
  process.exitCode = 1;
}
