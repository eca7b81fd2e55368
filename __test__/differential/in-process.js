'use strict';

// Scenarios that are whole processes.

const run = require('../support/child');

const PACKAGE = require.resolve('../support/ferrows');

/** Milliseconds that a process may take. */
const PATIENCE = 8000;

/**
 * Connects two WebSockets in the process of a program.
 *
 * @param {Object} tested the package
 * @param {function({wss: WebSocketServer, client: WebSocket, peer: WebSocket})}
 *     then called when both are open
 */
function connect({ WebSocket, WebSocketServer }, then) {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => {
    const { port } = wss.address();
    const client = new WebSocket(`ws://127.0.0.1:${port}`, {
      perMessageDeflate: false
    });
    wss.on('connection', (peer) => {
      client.on('open', () => then({ wss, client, peer }));
    });
  });
}

/**
 * Makes a scenario of a program.
 *
 * @param {function(Object)} program nothing is around it but what it is given:
 *     `tested`, the package; `connect`, bound to it; `note`, which logs; and
 *     `inWorker`, which runs such a program in a thread
 * @return {function(PlainStage): Promise} the scenario
 */
function inProcess(program) {
  const source = `function start(tested) {
    const { Worker } = require('node:worker_threads');
    const note = (text) => require('node:fs').writeSync(1, text + '\\n');
    const connect = (then) => (${connect})(tested, then);
    const inWorker = (program) =>
      new Worker(
        '(' + program + ')({ tested: require(' +
          ${JSON.stringify(JSON.stringify(PACKAGE))} + ') })',
        { eval: true }
      );
    process.on('exit', (code) => note('exit ' + code));
    (${program})({ tested, connect, note, inWorker });
  }`;

  return async (stage) => {
    const { code, signal, lines, errors } = await run(source, {
      timeout: PATIENCE
    });
    for (const line of lines) stage.note(line);
    stage.note(`ended ${code} ${signal}`);
    // The rest of what Node.js says has places in files.
    const told = /^\w*Error\b.*|^Emitted .* on WebSocket\b|\w+Warning: .*/gm;
    for (const line of errors.match(told) ?? []) stage.note(line);
  };
}

module.exports = inProcess;
