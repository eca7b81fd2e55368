'use strict';

// A client that sends a line of text, prints the answer, and closes the
// connection.
//
// The first argument is the server's URL (default ws://127.0.0.1:8080), the
// second one is the text.

const { WebSocket } = require('ferrows');

const [url = 'ws://127.0.0.1:8080', text = 'hello'] = process.argv.slice(2);
const ws = new WebSocket(url);

// A server that cannot be reached is an error, too.
ws.on('error', console.error);

// Nothing can be sent before the connection is open.
ws.on('open', () => ws.send(text));

ws.on('message', (data) => {
  console.log(`received: ${data}`);
  // 1000 says that the purpose of the connection is fulfilled.
  ws.close(1000, 'that was all');
});

// Both sides have closed when this comes. Without a closing handshake the code
// is 1006.
ws.on('close', (code) => console.log(`closed: ${code}`));
