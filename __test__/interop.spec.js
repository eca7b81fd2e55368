'use strict';

// npm's `ws` as the other side, in both roles, over each kind of socket.

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const { describe, it } = require('node:test');

const ws = require('ws');

const ferrows = require('./support/ferrows');
const { identity, socketPath } = require('./support/peer');

const ROLES = [
  ['our client and the server of ws', ferrows, ws],
  ['the client of ws and our server', ws, ferrows]
];
const SOCKETS = ['TCP', 'TLS', 'a Unix socket'];
const KINDS = SOCKETS.flatMap((socket) => [
  { socket, compressed: false },
  { socket, compressed: true }
]);
const MEBIBYTE = 1 << 20;

/**
 * Starts an HTTP server.
 *
 * @param {TestContext} t the test
 * @param {string} kind the kind of socket, one of SOCKETS
 * @return {Promise<{server: http.Server, url: string}>} the server and the
 *     URL that clients connect to
 */
async function listen(t, kind) {
  const server =
    kind === 'TLS' ? https.createServer(identity) : http.createServer();
  const file = kind === 'a Unix socket' && socketPath(t);

  server.listen(...(file ? [file] : [0, '127.0.0.1']));
  await once(server, 'listening');

  const { port } = server.address();
  const urls = {
    TCP: `ws://127.0.0.1:${port}/`,
    TLS: `wss://127.0.0.1:${port}/`,
    'a Unix socket': `ws+unix:${file}:/`
  };

  return { server, url: urls[kind] };
}

/**
 * Opens a connection for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {Object} kind the kind of connection, one of KINDS
 * @param {Function} Client the package of the client
 * @param {Function} Server the package of the server
 * @return {Promise<WebSocket[]>} both ends, open
 */
async function pair(t, { socket, compressed }, Client, Server) {
  const { server, url } = await listen(t, socket);
  const perMessageDeflate = compressed;
  const wss = new Server.WebSocketServer({ server, perMessageDeflate });
  const client = new Client.WebSocket(url, {
    ca: identity.cert,
    perMessageDeflate
  });

  t.after(async () => {
    client.terminate();
    for (const peer of wss.clients) peer.terminate();
    server.close();
    await once(server, 'close');
  });

  const [[peer]] = await Promise.all([
    once(wss, 'connection'),
    once(client, 'open')
  ]);

  const extensions = compressed ? 'permessage-deflate' : '';
  assert.strictEqual(client.extensions, extensions);
  assert.strictEqual(peer.extensions, extensions);
  return [client, peer];
}

/**
 * Waits for messages.
 *
 * @param {WebSocket} websocket the receiving end
 * @param {number} count how many
 * @return {Promise<Array>} data and `isBinary` of each
 */
function messages(websocket, count) {
  const list = [];

  return new Promise((resolve) => {
    websocket.on('message', function onMessage(...args) {
      if (list.push(args) < count) return;

      websocket.off('message', onMessage);
      resolve(list);
    });
  });
}

for (const [who, Client, Server] of ROLES) {
  for (const kind of KINDS) {
    const how = `${kind.socket}${kind.compressed ? ', compressed' : ''}`;

    describe(`${who} over ${how}`, { timeout: 60000 }, () => {
      /**
       * Defines a test that is run in both directions.
       *
       * @param {string} name what happens
       * @param {function(WebSocket, WebSocket)} test given both ends
       */
      function bothWays(name, test) {
        it(`${name}, from client to server`, async (t) => {
          await test(...(await pair(t, kind, Client, Server)));
        });

        it(`${name}, from server to client`, async (t) => {
          await test(...(await pair(t, kind, Client, Server)).reverse());
        });
      }

      bothWays('text arrives', async (from, to) => {
        const texts = ['', 'hello', '\u20ac\u{1f600}', 'x'.repeat(70000)];
        const received = messages(to, texts.length);

        for (const text of texts) from.send(text);
        assert.deepStrictEqual(
          (await received).map(([data, isBinary]) => [`${data}`, isBinary]),
          texts.map((text) => [text, false])
        );
      });

      bothWays('binary data arrives', async (from, to) => {
        const sizes = [0, 1, 7, 125, 126, 127, 65535, 65536, 65537];
        const buffers = sizes.map((size) => Buffer.alloc(size, 'ferrows'));
        const received = messages(to, sizes.length);

        for (const buffer of buffers) from.send(buffer);
        for (const [i, [data, isBinary]] of (await received).entries()) {
          assert.strictEqual(isBinary, true);
          assert.ok(data.equals(buffers[i]), `${sizes[i]} bytes`);
        }
      });

      bothWays('fragments become one message', async (from, to) => {
        const received = messages(to, 2);
        const pings = once(to, 'ping');

        // The first character is cut in two.
        from.send(Buffer.from([0xe2]), { binary: false, fin: false });
        from.ping('between');
        from.send(Buffer.from([0x82, 0xac]), { fin: false });
        from.send('', { fin: false });
        from.send(' end');
        from.send(Buffer.alloc(70000, 1), { fin: false });
        from.send(Buffer.alloc(70000, 2));

        const [text, binary] = await received;

        assert.deepStrictEqual([`${text[0]}`, text[1]], ['\u20ac end', false]);
        assert.strictEqual(binary[1], true);
        assert.ok(
          binary[0].equals(
            Buffer.concat([Buffer.alloc(70000, 1), Buffer.alloc(70000, 2)])
          )
        );
        assert.strictEqual(`${(await pings)[0]}`, 'between');
      });

      bothWays('pings are answered', async (from, to) => {
        for (const payload of ['', 'ping', 'p'.repeat(125)]) {
          const pinged = once(to, 'ping');

          from.ping(payload);
          assert.strictEqual(`${(await once(from, 'pong'))[0]}`, payload);
          assert.strictEqual(`${(await pinged)[0]}`, payload);
        }

        from.pong('unasked');
        assert.strictEqual(`${(await once(to, 'pong'))[0]}`, 'unasked');
      });

      bothWays('1 MiB messages come back', async (from, to) => {
        to.on('message', (data, binary) => to.send(data, { binary }));

        for (let i = 0; i < 4; i++) {
          const sent = Buffer.alloc(MEBIBYTE, `ferrows ${i}`);
          const received = messages(from, 1);

          from.send(sent, { binary: i % 2 === 0 });

          const [[data, isBinary]] = await received;

          assert.strictEqual(isBinary, i % 2 === 0);
          assert.ok(data.equals(sent));
        }
      });

      bothWays('1,000 messages keep their order', async (from, to) => {
        const received = messages(to, 1000);

        for (let i = 0; i < 1000; i++) from.send(`${i}`.repeat((i % 50) + 1));
        for (const [i, [data]] of (await received).entries()) {
          assert.strictEqual(`${data}`, `${i}`.repeat((i % 50) + 1));
        }
      });

      for (const [args, code, reason] of [
        [[], 1005, ''],
        [[1000], 1000, ''],
        [[1013, 'later'], 1013, 'later'],
        [[4999, '\u00e9'.repeat(61)], 4999, '\u00e9'.repeat(61)]
      ]) {
        bothWays(`close(${args.join(', ')}) closes both`, async (from, to) => {
          const closed = Promise.all([once(from, 'close'), once(to, 'close')]);
          const received = messages(to, 1);

          from.send('last words');
          from.close(...args);
          assert.strictEqual(`${(await received)[0][0]}`, 'last words');

          for (const [seenCode, seenReason] of await closed) {
            assert.strictEqual(seenCode, code);
            assert.strictEqual(`${seenReason}`, reason);
          }
        });
      }

      bothWays('terminate() is seen as 1006', async (from, to) => {
        const closed = Promise.all([once(from, 'close'), once(to, 'close')]);

        from.terminate();

        for (const [code, reason] of await closed) {
          assert.strictEqual(code, 1006);
          assert.strictEqual(reason.length, 0);
        }
      });
    });
  }
}
