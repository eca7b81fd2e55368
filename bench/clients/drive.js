'use strict';

// What all clients under test have in common. The arguments are the number of
// connections, of messages in flight on each, and of bytes in a message. The
// port of the server comes as a line on the standard input, with whose end the
// process ends. When all connections are open, each sends its messages; from
// then on it sends back whatever it gets, and the server checks that nothing is
// lost or changed.

const readline = require('node:readline');

/** The printable characters, which repeat after a message's number. */
const PRINTABLE = Array.from({ length: 95 }, (_, i) =>
  String.fromCharCode(32 + i)
).join('');

/**
 * Makes a message as the server expects it: its number, then always the same.
 *
 * @param {number} number the number
 * @param {number} length bytes of the message
 * @return {Buffer} the message
 */
function message(number, length) {
  const stamp = number.toString(16).padStart(8, '0');

  return Buffer.from(
    stamp + PRINTABLE.repeat(length / 95 + 1),
    'latin1'
  ).subarray(0, length);
}

/**
 * Opens all connections and sends the first messages.
 *
 * @param {Function} open given a URL and a function, opens a connection that
 *     sends back what it gets, and calls the function when it is open
 * @param {string} url the server's URL
 */
function begin(open, url) {
  const [connections, inFlight, length] = process.argv.slice(2).map(Number);
  const messages = Array.from({ length: inFlight }, (_, number) =>
    message(number, length)
  );
  const clients = [];
  let waiting = connections;

  const ready = () => {
    if (--waiting > 0) return;
    for (const client of clients) {
      for (const data of messages) client.send(data);
    }
  };

  for (let i = 0; i < connections; i++) clients.push(open(url, ready));
}

/**
 * Runs clients as the command line says.
 *
 * @param {Function} open as for {@link begin}; returns the connection
 */
function drive(open) {
  const lines = readline.createInterface({ input: process.stdin });

  lines.once('line', (port) => begin(open, `ws://127.0.0.1:${port}`));
  lines.once('close', () => process.exit());
}

module.exports = drive;
