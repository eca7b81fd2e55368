'use strict';

// The tests of `suite.js`: functions of a stage and of `node:assert`.

const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const { Readable } = require('node:stream');
const { Worker } = require('node:worker_threads');

const { WebSocket, WebSocketServer } = require('../..');
const { createWebSocketStream } = require('../..');

const FIXTURES = path.join(__dirname, '..', 'fixtures');

const MIB = 1024 * 1024;

/** Sizes on either side of where the header of a frame grows. */
const SIZES = [0, 1, 125, 126, 65535, 65536, MIB];

/** Connections that are open at the same time. */
const MANY = 1000;

/** Messages after which a connection is adopted where that is possible. */
const USES = 12;

/** Bytes that are sent to somebody who does not read. */
const UNREAD = 64 * MIB;

/**
 * Opens a client.
 *
 * @param {Stage} stage the test's
 * @param {string} url where to
 * @param {Object} [options] options of the client
 * @return {Promise<WebSocket>}
 */
async function open(stage, url, options) {
  const ws = new WebSocket(url, options);
  stage.after(() => ws.terminate());
  await once(ws, 'open');
  return ws;
}

/**
 * Sends a message, and waits for the next one.
 *
 * @param {WebSocket} ws the connection
 * @param {(Buffer|string)} data the message
 * @return {Promise<Array>} the answer, and whether it is binary
 */
async function ask(ws, data) {
  const answer = once(ws, 'message');
  ws.send(data);
  return answer;
}

/**
 * Waits for the end of a connection.
 *
 * @param {WebSocket} ws the connection
 * @return {Promise<Array>} code and reason
 */
function endOf(ws) {
  // An `'error'` before it is for others to judge.
  ws.on('error', () => {});
  return new Promise((resolve) => {
    ws.on('close', (code, reason) => resolve([code, reason.toString()]));
  });
}

/**
 * Both ends of a connection, used often enough to be adopted.
 *
 * @param {Stage} stage the test's
 * @param {Object} [options] options of both
 * @return {Promise<{client: WebSocket, server: WebSocket}>}
 */
async function pair(stage, options) {
  const { wss, url } = await stage.echo(options);
  const [[server], client] = await Promise.all([
    once(wss, 'connection'),
    open(stage, url, options)
  ]);
  for (let i = 0; i < USES; i++) await ask(client, `${i}`);
  return { client, server };
}

module.exports = {
  async 'echoes text and binary messages of all sizes'(stage, assert) {
    const { client } = await pair(stage);
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      const [binary, isBinary] = await ask(client, bytes);
      assert.ok(isBinary);
      assert.ok(bytes.equals(binary), `${size} bytes`);
      const text = 'aß€😀'.repeat(size / 10);
      const [data, isText] = await ask(client, text);
      assert.ok(!isText);
      assert.ok(data.toString() === text, `${text.length} units of text`);
    }
  },

  async 'uses the transport that is expected'(stage, assert) {
    const { client, server } = await pair(stage);
    for (const { transport } of [client, server]) {
      assert.ok(stage.transports.includes(transport), transport);
    }
  },

  async 'puts fragments together'(stage, assert) {
    const { client } = await pair(stage);
    const answer = once(client, 'message');
    client.send('one ', { fin: false });
    client.ping();
    client.send('two ', { fin: false });
    client.send('three', { fin: true });
    assert.strictEqual((await answer)[0].toString(), 'one two three');
  },

  async 'tells both ends code and reason of the end'(stage, assert) {
    for (const [closing, other] of [
      ['client', 'server'],
      ['server', 'client']
    ]) {
      for (const [args, expected] of [
        [
          [1000, 'bye'],
          [1000, 'bye']
        ],
        [
          [4001, 'ß'],
          [4001, 'ß']
        ],
        [[], [1005, '']]
      ]) {
        const ends = await pair(stage);
        const both = Promise.all([endOf(ends[closing]), endOf(ends[other])]);
        ends[closing].close(...args);
        assert.deepStrictEqual(await both, [expected, expected]);
      }
    }
  },

  async 'ends both sides of a terminated connection'(stage, assert) {
    for (const name of ['client', 'server']) {
      const { client, server } = await pair(stage);
      const both = Promise.all([endOf(client), endOf(server)]);
      ({ client, server })[name].terminate();
      assert.deepStrictEqual(await both, [
        [1006, ''],
        [1006, '']
      ]);
    }
  },

  async 'closes a connection whose peer breaks the rules'(stage, assert) {
    const { client, server } = await pair(stage);
    const failed = new Promise((resolve) => server.once('error', resolve));
    const both = Promise.all([endOf(client), endOf(server)]);
    // An opcode that there is not; a client's frames are masked.
    client._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    const err = await failed;
    assert.strictEqual(err.code, 'WS_ERR_INVALID_OPCODE');
    assert.deepStrictEqual(await both, [
      [1002, ''],
      [1006, '']
    ]);
  },

  async 'answers pings'(stage, assert) {
    const { client, server } = await pair(stage);
    for (const ws of [client, server]) {
      const answer = once(ws, 'pong');
      ws.ping('are you there?');
      assert.strictEqual((await answer)[0].toString(), 'are you there?');
    }
  },

  async compresses(stage, assert) {
    for (const perMessageDeflate of [
      { threshold: 0 },
      { threshold: 0, serverNoContextTakeover: true },
      { threshold: 0, level: 9, memLevel: 4 }
    ]) {
      const { client } = await pair(stage, { perMessageDeflate });
      assert.match(client.extensions, /^permessage-deflate/);
      const answers = [];
      const over = new Promise((resolve) => {
        client.on('message', (data) => {
          if (answers.push(data.toString()) === 200) resolve();
        });
      });
      const texts = Array.from({ length: 200 }, (_, i) => {
        return `message ${i} `.repeat(i === 100 ? 20000 : i);
      });
      for (const text of texts) client.send(text);
      await over;
      assert.ok(texts.every((text, i) => text === answers[i]));
    }
  },

  async 'is a duplex stream'(stage, assert) {
    const { url } = await stage.echo();
    const ws = new WebSocket(url);
    stage.after(() => ws.terminate());
    const duplex = createWebSocketStream(ws);
    const bytes = randomBytes(4 * MIB);
    const chunks = [];
    let length = 0;
    const over = new Promise((resolve, reject) => {
      duplex.on('error', reject);
      duplex.on('data', (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length === bytes.length) resolve();
      });
    });
    const pieces = Array.from({ length: 64 }, (_, i) =>
      bytes.subarray((i * MIB) / 16, ((i + 1) * MIB) / 16)
    );
    Readable.from(pieces).pipe(duplex, { end: false });
    await over;
    assert.ok(bytes.equals(Buffer.concat(chunks)));
    const closed = once(ws, 'close');
    duplex.end();
    assert.strictEqual((await closed)[0], 1005);
  },

  async 'upgrades requests of an HTTP server'(stage, assert) {
    const server = http.createServer((req, res) => res.end('plain'));
    const servers = new Map(
      ['/a', '/b'].map((name) => [
        name,
        new WebSocketServer({ noServer: true })
      ])
    );
    server.on('upgrade', (req, socket, head) => {
      const wss = servers.get(req.url);
      if (wss === undefined) {
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      wss.handleUpgrade(req, socket, head, (ws) => ws.send(`at ${req.url}`));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stage.after(() => server.close());
    const { port } = server.address();
    for (const name of servers.keys()) {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${name}`);
      const [data] = await once(ws, 'message');
      assert.strictEqual(data.toString(), `at ${name}`);
      const closed = once(ws, 'close');
      ws.close();
      await closed;
    }
    const refused = new WebSocket(`ws://127.0.0.1:${port}/c`);
    const [err] = await once(refused, 'error');
    assert.strictEqual(err.message, 'Unexpected server response: 404');
    const [res] = await once(http.get({ port, host: '127.0.0.1' }), 'response');
    res.resume();
    assert.strictEqual(res.statusCode, 200);
  },

  async 'asks who decides about clients'(stage, assert) {
    const { url } = await stage.echo({
      handleProtocols: (protocols) => [...protocols].pop(),
      verifyClient: ({ req }, cb) => {
        const isRight = req.headers.authorization === 'right';
        setTimeout(cb, 1, isRight, 401, 'No');
      }
    });
    const headers = { Authorization: 'right' };
    const ws = new WebSocket(url, ['a', 'b'], { headers });
    stage.after(() => ws.terminate());
    await once(ws, 'open');
    assert.strictEqual(ws.protocol, 'b');
    const [err] = await once(new WebSocket(url, ['a']), 'error');
    assert.strictEqual(err.message, 'Unexpected server response: 401');
  },

  async 'works over TLS'(stage, assert) {
    const server = https.createServer({
      cert: fs.readFileSync(path.join(FIXTURES, 'localhost.crt')),
      key: fs.readFileSync(path.join(FIXTURES, 'localhost.key'))
    });
    const over = { server, host: undefined, port: undefined };
    server.listen(0, '127.0.0.1');
    stage.after(() => server.close());
    await stage.echo(over);
    const url = `wss://127.0.0.1:${server.address().port}`;
    const [err] = await once(new WebSocket(url), 'error');
    assert.match(`${err.code} ${err.message}`, /self.signed|UnknownIssuer/i);
    const ws = await open(stage, url, { rejectUnauthorized: false });
    const bytes = randomBytes(MIB);
    assert.ok(bytes.equals((await ask(ws, bytes))[0]));
    const closed = endOf(ws);
    ws.close(1000, 'bye');
    assert.deepStrictEqual(await closed, [1000, 'bye']);
  },

  async 'keeps what the peer does not read'(stage, assert) {
    const { client, server } = await pair(stage);
    server.removeAllListeners('message');
    server.pause();
    const chunk = randomBytes(64 * 1024);
    const count = UNREAD / chunk.length;
    let called = 0;
    const written = new Promise((resolve) => {
      for (let i = 0; i < count; i++) {
        client.send(chunk, () => ++called === count && resolve());
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(called < count, 'all was written though nobody has read');
    assert.ok(client.bufferedAmount > UNREAD / 2, `${client.bufferedAmount}`);
    let got = 0;
    const came = new Promise((resolve, reject) => {
      server.on('message', (data) => {
        if (!chunk.equals(data)) reject(new Error('it is another message'));
        if (++got === count) resolve();
      });
    });
    server.resume();
    await Promise.all([came, written]);
    assert.strictEqual(client.bufferedAmount, 0);
  },

  async 'has a thousand connections'(stage, assert) {
    const { wss, url } = await stage.echo({ backlog: MANY });
    const clients = [];
    while (clients.length < MANY) {
      const more = Array.from({ length: 100 }, () => open(stage, url));
      clients.push(...(await Promise.all(more)));
    }
    assert.strictEqual(wss.clients.size, MANY);
    for (let i = 0; i < 5; i++) {
      const answers = await Promise.all(
        clients.map((ws, number) => ask(ws, `${number}`))
      );
      assert.ok(answers.every(([data], number) => `${data}` === `${number}`));
    }
    const all = clients.map((ws) => once(ws, 'message'));
    for (const ws of wss.clients) ws.send('to all');
    for (const [data] of await Promise.all(all)) {
      assert.strictEqual(data.toString(), 'to all');
    }
    const ends = clients.map(endOf);
    for (const ws of clients) ws.close(1000);
    for (const [code] of await Promise.all(ends)) {
      assert.strictEqual(code, 1000);
    }
  },

  async 'survives a peer that resets the connection'(stage, assert) {
    const { wss, url } = await stage.echo();
    for (let i = 0; i < 20; i++) {
      const [[server], client] = await Promise.all([
        once(wss, 'connection'),
        open(stage, url)
      ]);
      for (let j = 0; j < USES; j++) await ask(client, 'x');
      const end = endOf(server);
      server.send(randomBytes(MIB));
      // Deno has no such method for what is no `net.Socket` of its own.
      const { _socket: socket } = client;
      if (socket instanceof net.Socket && socket.resetAndDestroy) {
        socket.resetAndDestroy();
      } else {
        socket.destroy();
      }
      assert.deepStrictEqual(await end, [1006, '']);
    }
  },

  async 'works in a worker thread that is terminated'(stage, assert) {
    const { url } = await stage.echo();
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { WebSocket } = require(workerData.root);
      const ws = new WebSocket(workerData.url);
      let count = 0;
      ws.on('open', () => ws.send('from a thread'));
      ws.on('message', (data) => {
        if (++count < ${USES}) ws.send(data);
        else parentPort.postMessage(data.toString());
      });
    `;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(program, {
        eval: true,
        workerData: { root: path.join(__dirname, '..', '..'), url }
      });
      stage.after(() => worker.terminate());
      const [text] = await once(worker, 'message');
      assert.strictEqual(text, 'from a thread');
      const exited = once(worker, 'exit');
      await worker.terminate();
      await exited;
    }
  }
};
