'use strict';

// A client that measures how long a ping and its pong take. Every WebSocket
// server answers pings, so it needs no help of the program at the other end.
//
// The argument is the server's URL (default ws://127.0.0.1:8080).

const { performance } = require('node:perf_hooks');
const { WebSocket } = require('ferrows');

/** How many times to measure. */
const COUNT = 5;

/** The pause between two measurements, in milliseconds. */
const PAUSE = 200;

const [url = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const ws = new WebSocket(url);
const times = [];

/** Starts a measurement. A pong brings back the data of its ping. */
function measure() {
  ws.ping(String(performance.now()));
}

ws.on('error', console.error);
ws.on('open', measure);

ws.on('pong', (data) => {
  const time = performance.now() - Number(data);

  times.push(time);
  console.log(`round-trip time: ${time.toFixed(3)} ms`);
  if (times.length < COUNT) setTimeout(measure, PAUSE);
  else ws.close(1000);
});

ws.on('close', () => {
  if (times.length > 0)
    console.log(`best: ${Math.min(...times).toFixed(3)} ms`);
});
