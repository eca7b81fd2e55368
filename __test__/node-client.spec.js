'use strict';

// WebSocket clients that share no code with ws, against our server: the one
// that is built into Node, and undici's.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const undici = require('undici');

const { WebSocketServer } = require('./support/ferrows');

const CLIENTS = [
  ['undici', undici.WebSocket],
  ['the built-in client', globalThis.WebSocket]
];

/**
 * Connects a client to a server, both for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {Function} Client the client's class
 * @param {Object} [options] more options of the server
 * @return {Promise<{client: Object, peer: WebSocket}>} both sides, open
 */
async function pair(t, Client, options) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    ...options
  });

  await once(server, 'listening');
  t.after(() => {
    for (const peer of server.clients) peer.terminate();
    server.close();
  });

  const { port } = server.address();
  const client = new Client(`ws://127.0.0.1:${port}/path?a=b`, ['x', 'y']);
  const [[peer, req]] = await Promise.all([
    once(server, 'connection'),
    nextEvent(client, 'open')
  ]);

  client.binaryType = 'arraybuffer';

  return { client, peer, req };
}

/**
 * Waits for an event of a client.
 *
 * @param {EventTarget} client the client
 * @param {string} type the event
 * @return {Promise<Event>} the event
 */
function nextEvent(client, type) {
  return new Promise((resolve, reject) => {
    client.addEventListener(type, resolve, { once: true });
    client.addEventListener('error', reject, { once: true });
  });
}

for (const [name, Client] of CLIENTS) {
  const skip = Client === undefined && 'this version of Node has none';

  describe(`our server and ${name}`, { skip, timeout: 20000 }, () => {
    it('agree on a handshake', async (t) => {
      const { client, peer, req } = await pair(t, Client, {
        handleProtocols: () => 'y'
      });

      assert.strictEqual(req.url, '/path?a=b');
      assert.strictEqual(client.protocol, 'y');
      assert.strictEqual(peer.protocol, 'y');
    });

    it('exchange text', async (t) => {
      const { client, peer } = await pair(t, Client);

      for (const text of ['', 'hello', '\u20ac\u{1f600}'.repeat(20000)]) {
        client.send(text);

        const [data, isBinary] = await once(peer, 'message');

        assert.strictEqual(isBinary, false);
        assert.strictEqual(data.toString(), text);

        peer.send(text);
        assert.strictEqual((await nextEvent(client, 'message')).data, text);
      }
    });

    it('exchange binary data', async (t) => {
      const { client, peer } = await pair(t, Client);

      for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
        const bytes = Buffer.alloc(size, 'ferrows');

        client.send(bytes);

        const [data, isBinary] = await once(peer, 'message');

        assert.strictEqual(isBinary, true);
        assert.ok(data.equals(bytes));

        peer.send(bytes);

        const event = await nextEvent(client, 'message');

        assert.ok(Buffer.from(event.data).equals(bytes));
      }
    });

    it('exchange fragments', async (t) => {
      const { client, peer } = await pair(t, Client);

      for (const part of ['a', '', 'b']) peer.send(part, { fin: false });
      peer.send('c');
      assert.strictEqual((await nextEvent(client, 'message')).data, 'abc');
    });

    it('exchange a ping and a pong', async (t) => {
      const { peer } = await pair(t, Client);

      for (const payload of ['', 'ping', 'p'.repeat(125)]) {
        peer.ping(payload);

        const [data] = await once(peer, 'pong');

        assert.strictEqual(data.toString(), payload);
      }
    });

    for (const [code, reason] of [
      [1000, ''],
      [1000, 'done'],
      [3000, 'r\u00e9ason'],
      [4999, 'x'.repeat(123)]
    ]) {
      it(`close with ${code} and ${reason.length} characters`, async (t) => {
        const ours = await pair(t, Client);
        const theirs = await pair(t, Client);
        const oursClosed = once(ours.peer, 'close');
        const theirsClosed = once(theirs.peer, 'close');

        ours.peer.close(code, reason);
        theirs.client.close(code, reason);

        const event = await nextEvent(ours.client, 'close');

        assert.strictEqual(event.wasClean, true);
        assert.strictEqual(event.code, code);
        assert.strictEqual(event.reason, reason);
        assert.strictEqual((await oursClosed)[0], code);

        const [seenCode, seenReason] = await theirsClosed;

        assert.strictEqual(seenCode, code);
        assert.strictEqual(seenReason.toString(), reason);
      });
    }

    it('close without a code', async (t) => {
      const { client, peer } = await pair(t, Client);

      client.close();

      const [[code, reason]] = await Promise.all([
        once(peer, 'close'),
        nextEvent(client, 'close')
      ]);

      assert.strictEqual(code, 1005);
      assert.strictEqual(reason.length, 0);
    });
  });
}
