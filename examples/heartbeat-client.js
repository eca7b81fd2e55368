'use strict';

// A client that notices when its server is gone without a word: if no ping came
// for longer than the server's interval it terminates the connection. It is
// made for a server that pings, such as heartbeat-server.js.
//
// The argument is the server's URL (default ws://127.0.0.1:8080); INTERVAL
// (default 30000) is how often the server pings, in milliseconds.

const { WebSocket } = require('ferrows');

/** How much later than expected a ping may come, in milliseconds. */
const GRACE = 1000;

const [url = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const { INTERVAL = 30e3 } = process.env;
const ws = new WebSocket(url);

ws.on('error', console.error);

ws.on('open', () => {
  const timer = setTimeout(
    () => {
      console.log('no ping: terminated');
      ws.terminate();
    },
    Number(INTERVAL) + GRACE
  );

  console.log('open');
  // The ping is answered already when this comes.
  ws.on('ping', () => {
    console.log('ping');
    timer.refresh();
  });
  ws.on('close', () => clearTimeout(timer));
});

// The place to connect again, after a pause.
ws.on('close', (code) => console.log(`closed: ${code}`));
