'use strict';

// The server under test, for every package that has the API of `ws`. The first
// argument is the mode, `echo` or `broadcast`. It prints its port, collects its
// garbage on SIGUSR2, and ends with its standard input.

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

/**
 * Serves in the mode that the command line names.
 *
 * @param {Object} implementation a package with the API of `ws`
 */
function serve({ WebSocketServer }) {
  const options = { host: '127.0.0.1', port: 0, perMessageDeflate: false };
  const wss = new WebSocketServer(options, () => {
    process.stdout.write(`${wss.address().port}\n`);
  });
  const handle = modes[process.argv[2]];
  wss.on('connection', (ws) => handle(wss, ws));

  v8.setFlagsFromString('--expose-gc');
  process.on('SIGUSR2', vm.runInNewContext('gc'));
  process.stdin.resume().on('end', () => process.exit());
}

module.exports = serve;
