'use strict';

// Echo client for Autobahn: run-client.sh -- node echo-client.js
//
// It connects with the module that peer.js picks.

const { WebSocket, options } = require('./peer');

const base = process.env.AUTOBAHN_URL || 'ws://127.0.0.1:9001';
const agent = encodeURIComponent(process.env.AUTOBAHN_AGENT || 'testee');

/**
 * Talks to the testsuite over one connection.
 *
 * @param {string} path the path and query to ask for
 * @param {boolean} [echo] send every message back; errors are then expected
 * @return {Promise} resolves with the last message when the connection closed
 */
function talk(path, echo) {
  return new Promise((resolve) => {
    const ws = new WebSocket(base + path, options);
    let last;

    ws.on('error', (err) => {
      if (!echo) console.error(`${path}: ${err.message}`);
    });
    ws.on('message', (data, isBinary) => {
      last = data;
      if (echo) ws.send(data, { binary: isBinary });
    });
    ws.on('close', () => resolve(last));
  });
}

/** Runs every case, then has the reports written. */
async function main() {
  const count = Number(await talk('/getCaseCount'));

  if (!(count > 0)) throw new Error('no case count');
  for (let i = 1; i <= count; i++) {
    await talk(`/runCase?case=${i}&agent=${agent}`, true);
  }
  await talk(`/updateReports?agent=${agent}`);
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
