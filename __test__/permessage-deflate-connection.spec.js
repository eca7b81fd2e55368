'use strict';

// Two WebSockets that have negotiated permessage-deflate, and many of them.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const {
  setImmediate: turn,
  setTimeout: sleep
} = require('node:timers/promises');

const { pair } = require('./support/connections');
const { createWebSocketStream, WebSocket } = require('./support/ferrows');
const { listen } = require('./support/server');

const NAME = 'permessage-deflate';

/** A text that can be compressed. */
const LONG = 'compressible '.repeat(5000);

/** What a callback gets when the connection is gone. */
const CLOSED = 'The socket was closed while data was being compressed';

/** Waits until a list has as many elements. */
async function grown(list, length) {
  while (list.length < length) await sleep(1);
  return list;
}

/**
 * A server that compresses, for the length of a test.
 *
 * @param {TestContext} t the test
 * @return {Promise<{wss: WebSocketServer, url: string}>}
 */
async function serve(t) {
  const wss = await listen({ perMessageDeflate: true });
  t.after(() => wss.close());
  return { wss, url: `ws://127.0.0.1:${wss.address().port}` };
}

describe('The extension', { timeout: 20000 }, () => {
  const compressed = { perMessageDeflate: { threshold: 0 } };

  it('is negotiated by a client and a server', async (t) => {
    const both = await pair(t, { perMessageDeflate: true });
    for (const ws of [both.client, both.server]) {
      assert.strictEqual(ws.extensions, NAME);
    }
    both.client.send(LONG);
    const [data] = await once(both.server, 'message');
    assert.strictEqual(data.toString(), LONG);
    assert.ok(both.server._socket.bytesRead < LONG.length / 10);
  });

  it('is offered by a client that says nothing about it', async (t) => {
    const { url } = await serve(t);
    const ws = new WebSocket(url);
    await once(ws, 'open');
    assert.strictEqual(ws.extensions, NAME);
    ws.terminate();
  });

  it('keeps the memory over 10000 messages in both directions', async (t) => {
    const both = await pair(t, { perMessageDeflate: true });
    const count = 10000;
    const text = (i) => `{"message":${i},"text":"${'ab'.repeat(i % 50)}"}`;
    const ends = [both.client, both.server].map(
      (ws) =>
        new Promise((resolve, reject) => {
          let next = 0;
          ws.on('message', (data) => {
            if (`${data}` !== text(next)) reject(new Error(`${next}: ${data}`));
            if (++next === count) resolve();
          });
        })
    );
    for (let i = 0; i < count; i++) {
      both.client.send(text(i));
      both.server.send(text(i));
    }
    await Promise.all(ends);
  });

  it('keeps the order on each of 100 connections', async (t) => {
    const { wss, url } = await serve(t);
    wss.on('connection', (ws) =>
      ws.on('message', (data, binary) => ws.send(data, { binary }))
    );
    const large = Buffer.alloc(200 * 1024, LONG);
    const message = (id, i) =>
      i % 5 === 2 ? Buffer.concat([Buffer.of(id, i), large]) : `${id} ${i}`;

    const converse = async (id) => {
      const ws = new WebSocket(url);
      await once(ws, 'open');
      const received = [];
      ws.on('message', (data) => received.push(data));
      for (let i = 0; i < 20; i++) ws.send(message(id, i));
      await grown(received, 20);
      received.forEach((data, i) =>
        assert.ok(data.equals(Buffer.from(message(id, i))), `${id} ${i}`)
      );
      ws.close();
      await once(ws, 'close');
    };
    await Promise.all(Array.from({ length: 100 }, (_, id) => converse(id)));
  });

  it('takes messages that are compressed and others in turns', async (t) => {
    const both = await pair(t, compressed);
    const received = [];
    both.server.on('message', (data, binary) => received.push([data, binary]));
    const bytes = Buffer.from([0, 1, 2, 0xff]);
    const list = [LONG, bytes, '', Buffer.alloc(0), 'a', Buffer.from(LONG)];
    for (let i = 0; i < 60; i++) {
      both.client.send(list[i % 6], { compress: i % 7 !== 0 });
    }
    await grown(received, 60);
    received.forEach(([data, binary], i) => {
      assert.ok(data.equals(Buffer.from(list[i % 6])));
      assert.strictEqual(binary, typeof list[i % 6] !== 'string');
    });
  });

  it('compresses what is piped through streams', async (t) => {
    const both = await pair(t, compressed);
    const [near, far] = [both.client, both.server].map((ws) =>
      createWebSocketStream(ws)
    );
    const chunks = [];
    far.on('data', (chunk) => chunks.push(chunk));
    for (let i = 0; i < 100; i++) near.write(`${i} ${LONG}`);
    near.end();
    await once(far, 'end');
    const expected = Array.from({ length: 100 }, (_, i) => `${i} ${LONG}`);
    assert.strictEqual(Buffer.concat(chunks).toString(), expected.join(''));
    far.end();
    await once(near.resume(), 'end');
  });

  for (const name of ['terminate', 'close']) {
    it(`calls back once and in order, whenever it is to ${name}`, async (t) => {
      for (let turns = 0; turns < 12; turns++) {
        const { client, server } = await pair(t, compressed);
        const log = [];
        const count = 8;
        const texts = [];
        server.on('message', (data) => texts.push(data));
        for (let i = 0; i < count; i++) {
          client.send(`${i}${LONG}`, (err) => log.push([i, err?.message]));
        }
        for (let i = 0; i < turns; i++) await turn();
        client[name]();
        await Promise.all([once(client, 'close'), once(server, 'close')]);
        await grown(log, count);
        await turn();

        const order = Array.from({ length: count }, (_, i) => i);
        assert.deepStrictEqual(
          log.map(([i]) => i),
          order
        );
        texts.forEach((data, i) =>
          assert.ok(data.equals(Buffer.from(i + LONG)))
        );
        if (name === 'close') {
          assert.ok(log.every(([, message]) => message === undefined));
          assert.strictEqual(texts.length, count);
        }
        if (name === 'terminate' && turns === 0) {
          assert.ok(log.every(([, message]) => message === CLOSED));
        }
      }
    });

    it(`ends whenever the receiver is to ${name}`, async (t) => {
      for (let turns = 0; turns < 12; turns++) {
        const { client, server } = await pair(t, compressed);
        const received = [];
        client.on('message', (data) => received.push(data));
        for (let i = 0; i < 8; i++) server.send(`${i}${LONG}`);
        for (let i = 0; i < turns; i++) await turn();
        client[name]();
        await Promise.all([once(client, 'close'), once(server, 'close')]);
        received.forEach((data, i) =>
          assert.ok(data.equals(Buffer.from(i + LONG)))
        );
        if (name === 'close') assert.strictEqual(received.length, 8);
      }
    });
  }

  it('outlives a peer that goes away at any moment', async (t) => {
    for (let turns = 0; turns < 12; turns++) {
      const { client, server } = await pair(t, compressed);
      let left = 8;
      for (let i = 0; i < 8; i++) client.send(LONG, () => left--);
      for (let i = 0; i < turns; i++) await turn();
      server._socket.destroy();
      await Promise.all([once(client, 'close'), once(server, 'close')]);
      while (left > 0) await sleep(1);
    }
  });
});
