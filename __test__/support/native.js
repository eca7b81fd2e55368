'use strict';

// Connections whose sockets the addon reads and writes, in whichever way the
// environment of the tests says.

const assert = require('node:assert');
const { setImmediate: turn } = require('node:timers/promises');

const { oracle } = require('./ferrows');
const { frame, OP } = require('./frames');

/** What `ws.transport` says of such a connection. */
const NATIVE = ['loop', 'tokio'];

/** Turns of the event loop after which a connection is not adopted any more. */
const TURNS = 50;

/** Uses after which a connection is adopted in any case. */
const USES = 10;

/** The transport that the environment forces upon all connections. */
const forced = process.env.FERROWS_TRANSPORT || 'auto';

/** Whether the addon has a part in sockets on this system at all. */
const hasNative = ['linux', 'darwin'].includes(process.platform);

/** Whether connections over TCP and Unix sockets are adopted here. */
const adopts = !oracle && hasNative && forced !== 'stream';

/** Options of a test that is about such connections alone. */
const onlyNative = { skip: !adopts && 'Node reads and writes all sockets' };

/**
 * @param {WebSocket} ws a connection
 * @return {boolean} whether the addon reads and writes its socket
 */
function isNative(ws) {
  return NATIVE.includes(ws.transport);
}

/**
 * Waits until connections are adopted, if any are, as after a few messages.
 *
 * @param {...WebSocket} list the connections, open
 */
async function adopted(...list) {
  if (!oracle) {
    for (const ws of list) for (let i = 0; i < USES; i++) ws._transport.used();
  }
  for (let i = 0; i < TURNS; i++) {
    await turn();
    if (!adopts || list.every(isNative)) return;
  }
  assert.fail(`not adopted: ${list.map((ws) => ws.transport)}`);
}

/**
 * Asserts that Node reads and writes a connection's socket.
 *
 * @param {WebSocket} ws the connection
 */
function assertStream(ws) {
  if (!oracle) assert.strictEqual(ws.transport, 'stream');
}

/**
 * The frames of some texts, in one chunk.
 *
 * @param {string[]} texts the texts
 * @param {string} role that of the WebSocket which they are for
 * @return {Buffer}
 */
function chunkOf(texts, role) {
  const mask = role === 'server';
  return Buffer.concat(texts.map((text) => frame(OP.TEXT, text, { mask })));
}

/**
 * Texts that tell their place.
 *
 * @param {string} name what they begin with
 * @param {number} count how many
 * @return {string[]}
 */
function numbered(name, count) {
  return Array.from({ length: count }, (_, i) => `${name}${i}`);
}

/**
 * Writes down the texts that come.
 *
 * @param {WebSocket} ws who gets them
 * @return {{texts: string[], came: function(number): Promise}} what came, and
 *     how to wait for so many
 */
function collect(ws) {
  const texts = [];
  let look = () => {};
  ws.on('message', (data) => {
    texts.push(data.toString());
    look();
  });
  const came = (count) =>
    new Promise((resolve) => {
      look = () => texts.length >= count && resolve();
      look();
    });
  return { texts, came };
}

/** @return {string[]} the texts of frames */
const textsOf = (frames) => frames.map(({ payload }) => payload.toString());

module.exports = {
  adopted,
  adopts,
  assertStream,
  chunkOf,
  collect,
  forced,
  hasNative,
  isNative,
  NATIVE,
  numbered,
  onlyNative,
  textsOf
};
