'use strict';

// The server under test, for every package that has the API of `ws`. The first
// argument is the mode, `echo` or `broadcast`; the second, if there is one, says
// how it compresses, `takeover` or `none`. It prints its port, collects its
// garbage on SIGUSR2, and ends with its standard input. If it compresses, two
// SIGURG enclose the measured time, and its last line are its own figures.

const { monitorEventLoopDelay } = require('node:perf_hooks');
const v8 = require('node:v8');
const vm = require('node:vm');

/** What a server does with each message of a connection, by mode. */
const modes = {
  echo(wss, ws) {
    ws.on('message', (data, isBinary) => {
      ws.send(data, { binary: isBinary });
    });
  },

  broadcast(wss, ws) {
    ws.on('message', (data, isBinary) => {
      for (const client of wss.clients) {
        if (client !== ws) client.send(data, { binary: isBinary });
      }
    });
  }
};

/** The option `perMessageDeflate` for each way to compress. */
const compressions = {
  takeover: true,
  none: {
    clientNoContextTakeover: true,
    serverNoContextTakeover: true,
    // otherwise small messages are compressed only if there is a context
    threshold: 0
  }
};

/** Time between two looks at the event loop, in ms. */
const RESOLUTION = 1;

/**
 * Watches for how long something keeps the event loop from turning, from one
 * SIGURG to the next.
 *
 * @return {Function} prints the longest pause as JSON if there was a SIGURG
 */
function watchPauses() {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION });

  process.on('SIGURG', () => {
    // A pause that the second one falls into is noticed at the next look.
    if (!delays.enable()) setTimeout(() => delays.disable(), 2 * RESOLUTION);
  });
  return () => {
    const pauseMillis = Math.max(0, delays.max / 1e6 - RESOLUTION);

    if (delays.count === 0) return;
    process.stdout.write(`${JSON.stringify({ pauseMillis })}\n`);
  };
}

/**
 * Serves as the command line says.
 *
 * @param {Object} implementation a package with the API of `ws`
 */
function serve({ WebSocketServer }) {
  const [, , mode, compression] = process.argv;
  const options = {
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: compressions[compression] ?? false
  };
  const wss = new WebSocketServer(options, () => {
    process.stdout.write(`${wss.address().port}\n`);
  });
  const handle = modes[mode];

  wss.on('connection', (ws) => handle(wss, ws));

  v8.setFlagsFromString('--expose-gc');
  process.on('SIGUSR2', vm.runInNewContext('gc'));

  const report = compression === undefined ? () => {} : watchPauses();

  process.stdin.resume().on('end', () => {
    report();
    process.exit();
  });
}

module.exports = serve;
