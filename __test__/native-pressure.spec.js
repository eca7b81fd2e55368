'use strict';

// Peers that do not read, and what the counters of a connection say.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const {
  setImmediate: turn,
  setTimeout: sleep
} = require('node:timers/promises');

const run = require('./support/child');
const { endOf, pair, roles } = require('./support/connections');
const { createWebSocketStream } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');
const { adopted, chunkOf, collect, numbered } = require('./support/native');

const MIB = 1024 * 1024;

/**
 * @param {string} role who sends
 * @param {number} length a payload's
 * @return {number} bytes of its frame
 */
function frameSize(role, length) {
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  return 2 + extended + (role === 'client' ? 4 : 0) + length;
}

/**
 * Fills the kernel's buffers.
 *
 * @param {WebSocket} ws a connection whose peer does not read
 * @return {number} bytes of the payloads
 */
function fill(ws) {
  let bytes = 0;
  while (ws.bufferedAmount === 0) {
    ws.send(Buffer.alloc(MIB));
    bytes += MIB;
  }
  return bytes;
}

for (const role of Object.keys(roles)) {
  describe(`A ${role} whose peer does not read`, { timeout: 20000 }, () => {
    it('counts what is buffered, to the byte', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      assert.strictEqual(ws.bufferedAmount, 0);
      peer.socket.pause();
      await turn();
      fill(ws);
      let expected = ws.bufferedAmount;
      for (const [data, length] of [
        ['a', 1],
        ['some text', 9],
        [Buffer.alloc(125), 125],
        [Buffer.alloc(126), 126],
        [Buffer.alloc(65535), 65535],
        ['x'.repeat(65536), 65536],
        [Buffer.alloc(200000), 200000],
        ['x'.repeat(300000), 300000]
      ]) {
        ws.send(data);
        expected += frameSize(role, length);
        assert.strictEqual(ws.bufferedAmount, expected);
      }
      ws.ping('ping');
      ws.pong();
      expected += frameSize(role, 4) + frameSize(role, 0);
      assert.strictEqual(ws.bufferedAmount, expected);
      assert.strictEqual(ws._socket.writableLength, expected);

      const drained = once(ws._socket, 'drain');
      peer.socket.resume();
      await drained;
      assert.strictEqual(ws.bufferedAmount, 0);
      const { length } = peer.bytes;
      await peer.until(({ bytes }) => bytes.length >= length);
    });

    it('drains once, and all of it arrives', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      let drains = 0;
      ws._socket.on('drain', () => drains++);
      ws.send('not buffered');
      await sleep(2);
      assert.strictEqual(drains, 0);
      peer.socket.pause();
      await turn();
      let total = frameSize(role, 12);
      total += (fill(ws) / MIB) * frameSize(role, MIB);
      for (const text of numbered('more ', 100)) {
        ws.send(text);
        total += frameSize(role, text.length);
      }
      peer.socket.resume();
      await peer.until(
        ({ chunks }) =>
          chunks.reduce((sum, { length }) => sum + length, 0) === total
      );
      assert.strictEqual(peer.frames.at(-1).payload.toString(), 'more 99');
      await sleep(2);
      assert.strictEqual(drains, 1);
      ws.send('again');
      await peer.until(
        ({ chunks }) =>
          chunks.reduce((sum, { length }) => sum + length, 0) ===
          total + frameSize(role, 5)
      );
    });

    it('receives all the same', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const inbox = collect(ws);
      peer.socket.pause();
      await turn();
      // More than a kernel gives room for while it takes some.
      fill(ws);
      for (let i = 0; i < 16; i++) ws.send(Buffer.alloc(MIB));
      peer.socket.write(chunkOf(numbered('m', 500), role));
      await inbox.came(500);
      assert.deepStrictEqual(inbox.texts, numbered('m', 500));
      assert.ok(ws.bufferedAmount > 0);
    });

    it('is closed when its close frame is out', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const end = endOf(ws);
      peer.socket.pause();
      await turn();
      const count = fill(ws) / MIB;
      ws.close(1000, 'done');
      peer.socket.resume();
      const frames = await peer.framesCame(count + 1);
      assert.deepStrictEqual(frames[count].payload, closeBody(1000, 'done'));
      const mask = role === 'server';
      peer.socket.end(frame(OP.CLOSE, closeBody(1000), { mask }));
      assert.strictEqual((await end).code, 1000);
    });
  });

  describe(`The socket of a ${role}`, { timeout: 20000 }, () => {
    /** Asserts that both ends have counted the same. */
    const compare = async ({ ws, peer }, socket = ws._socket) => {
      // The end of a write may not be known yet.
      for (let i = 0; i < 200; i++) {
        if (peer.socket.bytesRead === socket.bytesWritten) break;
        await sleep(1);
      }
      assert.strictEqual(socket.bytesWritten, peer.socket.bytesRead);
      assert.strictEqual(socket.bytesRead, peer.socket.bytesWritten);
    };

    it('counts bytes, whoever reads and writes them', async (t) => {
      const stage = await roles[role](t);
      const { ws, peer } = stage;
      const socket = ws._socket;
      const inbox = collect(ws);
      await compare(stage);
      await adopted(ws);
      await compare(stage);
      let count = 0;
      const talk = async () => {
        for (const size of [0, 1, 126, 20000, 100000]) {
          ws.send(Buffer.alloc(size));
          ws.send('x'.repeat(size));
        }
        peer.socket.write(chunkOf(numbered('m', 400), role));
        await inbox.came((count += 400));
        await compare(stage);
      };
      await talk();
      socket.write(frame(OP.PONG, 'raw', { mask: role === 'client' }));
      await talk();
      ws.pause();
      await compare(stage);
      ws.resume();
      await talk();
      await adopted(ws);
      await talk();
      socket.cork();
      socket.uncork();
      await talk();
      const closed = once(ws, 'close');
      ws.close();
      const mask = role === 'server';
      await peer.until(({ frames }) => frames.at(-1).opcode === OP.CLOSE);
      peer.socket.end(frame(OP.CLOSE, '', { mask }));
      await closed;
      await compare(stage, socket);
    });

    it('counts bytes that only Node has', async (t) => {
      const stage = await roles[role](t);
      const { ws, peer } = stage;
      await adopted(ws);
      const socket = ws._socket;
      const before = socket.bytesWritten;
      peer.socket.pause();
      await turn();
      const count = fill(ws) / MIB;
      const expected = before + count * frameSize(role, MIB);
      assert.strictEqual(socket.bytesWritten, expected);
      peer.socket.resume();
      await peer.framesCame(count);
      await compare(stage);
    });
  });
}

describe('Memory', { timeout: 60000 }, () => {
  it('holds what a slow peer does not read, and not much more', async () => {
    const { errors, lines } = await run(
      ({ WebSocket, WebSocketServer }) => {
        const net = require('node:net');
        const SIZE = 64 * 1024;
        const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
          const key = 'dGhlIHNhbXBsZSBub25jZQ==';
          const { port } = wss.address();
          const socket = net.connect(port, '127.0.0.1');
          socket.write(
            'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n' +
              `Upgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n` +
              'Sec-WebSocket-Version: 13\r\n\r\n'
          );
          // Nobody reads.
        });
        wss.on('connection', (ws) => {
          const send = (left) => {
            for (let i = 0; i < 8; i++) ws.send('x'.repeat(SIZE));
            if (left > 0) return setImmediate(send, left - 1);
            global.gc();
            setTimeout(() => {
              global.gc();
              const grown = process.memoryUsage.rss() - before;
              const { bufferedAmount } = ws;
              console.log(JSON.stringify({ grown, bufferedAmount }));
              process.exit();
            }, 20);
          };
          let before;
          setTimeout(() => {
            global.gc();
            before = process.memoryUsage.rss();
            send(99);
          }, 20);
        });
        return WebSocket;
      },
      { flags: ['--expose-gc'] }
    );
    assert.strictEqual(errors, '');
    const { grown, bufferedAmount } = JSON.parse(lines[0]);
    assert.ok(bufferedAmount > 40 * MIB, lines[0]);
    // What is the garbage's is given back late: by Node 24, and over musl.
    assert.ok(grown < bufferedAmount * 1.25 + 24 * MIB, lines[0]);
  });

  it('is bounded by the high-water mark of streams', async (t) => {
    const { client, server } = await pair(t);
    await adopted(client, server);
    const from = createWebSocketStream(client);
    const to = createWebSocketStream(server);
    t.after(() => {
      from.destroy();
      to.destroy();
    });
    let written = 0;
    let waits = 0;
    const write = async () => {
      while (written < 40 * MIB) {
        const chunk = Buffer.alloc(MIB, written / MIB);
        written += MIB;
        if (!from.write(chunk)) {
          waits++;
          await once(from, 'drain');
        }
      }
    };
    const all = write();
    await sleep(100);
    // Nobody has read yet, so that most of it must still be there.
    assert.ok(written < 30 * MIB, `${written} bytes`);
    let read = 0;
    to.on('data', (chunk) => {
      for (const at of [0, chunk.length - 1]) {
        assert.strictEqual(chunk[at], Math.floor((read + at) / MIB));
      }
      read += chunk.length;
    });
    await all;
    while (read < 40 * MIB) await sleep(1);
    assert.ok(waits >= 39, `${waits} waits`);
  });
});
