'use strict';

// How what the addon reads is delivered: everything, in order, with bytes that
// nothing else is put into.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { MessageChannel } = require('node:worker_threads');

const run = require('./support/child');
const { pair, roles } = require('./support/connections');
const { itDiffers } = require('./support/ferrows');
const { frame, OP } = require('./support/frames');
const {
  adopted,
  chunkOf,
  collect,
  numbered,
  onlyNative
} = require('./support/native');

/** Lengths around those at which something changes. */
const LENGTHS = [0, 1, 125, 126, 4096, 4097, 65535, 65536, 1024 * 1024];

/**
 * Bytes that tell what they belong to.
 *
 * @param {number} length how many
 * @param {number} seed what they depend on
 * @return {Buffer}
 */
function pattern(length, seed) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7) & 0x7f;
  return bytes;
}

/**
 * @param {(Buffer|ArrayBuffer|Buffer[])} data what came
 * @return {Promise<Buffer>} its bytes
 */
async function bytesOf(data) {
  if (data instanceof Blob) return Buffer.from(await data.arrayBuffer());
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/**
 * Collects messages.
 *
 * @param {WebSocket} ws who gets them
 * @param {number} count how many
 * @return {Promise<Array>} data and kind of each
 */
function messages(ws, count) {
  const list = [];
  return new Promise((resolve) => {
    ws.on('message', (data, isBinary) => {
      list.push({ data, isBinary });
      if (list.length === count) resolve(list);
    });
  });
}

for (const role of Object.keys(roles)) {
  const mask = role === 'server';

  describe(`What a ${role} receives`, { timeout: 20000 }, () => {
    it('is in order, however much comes at once', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const inbox = collect(ws);
      const expected = numbered('message ', 20000);
      peer.socket.write(chunkOf(expected, role));
      await inbox.came(expected.length);
      assert.deepStrictEqual(inbox.texts, expected);
    });

    it('leaves ticks and microtasks their turns', onlyNative, async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      let count = 0;
      const at = {};
      const all = new Promise((resolve) => {
        ws.on('message', () => {
          if (count++ === 0) {
            process.nextTick(() => (at.tick = count));
            queueMicrotask(() => (at.microtask = count));
          }
          if (count === 1000) resolve();
        });
      });
      peer.socket.write(chunkOf(numbered('m', 1000), role));
      await all;
      for (const name of ['tick', 'microtask']) {
        assert.ok(at[name] >= 1 && at[name] <= 256, `${name}: ${at[name]}`);
      }
    });

    it('keeps its bytes', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const count = 3000;
      const came = messages(ws, count);
      const lengthOf = (i) => (i % 10 === 9 ? 5000 : i % 200);
      let list = [];
      for (let i = 0; i < count; i++) {
        list.push(frame(OP.BINARY, pattern(lengthOf(i), i), { mask }));
        if (list.length < 500) continue;
        await peer.send(Buffer.concat(list));
        list = [];
      }
      (await came).forEach(({ data, isBinary }, i) => {
        assert.ok(isBinary);
        assert.ok(data.equals(pattern(lengthOf(i), i)), `message ${i}`);
      });
    });

    it('may be changed, and no other message with it', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const count = 1000;
      const came = messages(ws, count);
      ws.on('message', (data) => data.fill(0xff));
      const list = Array.from({ length: count }, (_, i) =>
        frame(OP.BINARY, pattern(i % 100, i), { mask })
      );
      ws.prependListener('message', (data, isBinary) => {
        assert.ok(isBinary);
        assert.ok(data.every((byte) => byte < 0x80));
      });
      await peer.send(Buffer.concat(list));
      for (const { data } of await came) {
        assert.ok(data.every((byte) => byte === 0xff));
      }
    });

    it('may be posted elsewhere with its memory', onlyNative, async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const { port1, port2 } = new MessageChannel();
      t.after(() => port1.close());
      const lengths = [10, 20, 5000, 30, 100000, 40, 70000, 50, 0, 1];
      const came = messages(ws, lengths.length);
      const list = lengths.map((length, i) =>
        frame(OP.BINARY, pattern(length, i), { mask })
      );
      await peer.send(Buffer.concat(list));
      const all = await came;
      for (const index of [1, 3, 4]) {
        const { data } = all[index];
        // Some versions of Node refuse, others ignore the list.
        try {
          port1.postMessage(data, [data.buffer]);
        } catch (err) {
          assert.strictEqual(err.name, 'DataCloneError');
        }
        try {
          structuredClone(data, { transfer: [data.buffer] });
        } catch (err) {
          assert.strictEqual(err.name, 'DataCloneError');
        }
      }
      port2.close();
      all.forEach(({ data }, i) => {
        if (i === 1 || i === 3 || i === 4) return;
        assert.ok(data.equals(pattern(lengths[i], i)), `message ${i}`);
      });
      // Those that come later have memory, too.
      const later = once(ws, 'message');
      await peer.send(frame(OP.BINARY, pattern(10, 5), { mask }));
      assert.ok((await later)[0].equals(pattern(10, 5)));
    });
  });
}

describe('Messages', { timeout: 30000 }, () => {
  for (const binaryType of ['nodebuffer', 'arraybuffer', 'fragments', 'blob']) {
    it(`of all lengths arrive both ways, as ${binaryType}`, async (t) => {
      const ends = await pair(t);
      const { client, server } = ends;
      await adopted(client, server);
      for (const [from, to] of [
        [client, server],
        [server, client]
      ]) {
        to.binaryType = binaryType;
        const came = messages(to, 3 * LENGTHS.length);
        for (const length of LENGTHS) {
          const bytes = pattern(length, length);
          from.send(bytes);
          from.send(bytes.toString('latin1'));
          from.send(bytes.subarray(0, length >> 1), {
            binary: true,
            fin: false
          });
          from.send(bytes.subarray(length >> 1), { fin: true });
        }
        const list = await came;
        for (const [i, { data, isBinary }] of list.entries()) {
          const length = LENGTHS[Math.floor(i / 3)];
          assert.strictEqual(isBinary, i % 3 !== 1);
          const bytes = await bytesOf(data);
          assert.ok(bytes.equals(pattern(length, length)), `${i}: ${length}`);
          if (!isBinary) assert.ok(Buffer.isBuffer(data));
          else if (binaryType === 'nodebuffer')
            assert.ok(Buffer.isBuffer(data));
          else if (binaryType === 'fragments') assert.ok(Array.isArray(data));
          else if (binaryType === 'blob') assert.ok(data instanceof Blob);
          else assert.ok(data instanceof ArrayBuffer);
        }
      }
    });
  }

  for (const [name, mask] of [
    ['a mask', true],
    ['no mask', false]
  ]) {
    it(`of all lengths may be cut anywhere, with ${name}`, async (t) => {
      const { ws, peer } = await roles[mask ? 'server' : 'client'](t);
      await adopted(ws);
      for (const length of LENGTHS.filter((length) => length <= 65536)) {
        for (const at of [1, 2, 5, 9, 14, 15, length >> 1, length]) {
          const bytes = frame(OP.BINARY, pattern(length, at), { mask });
          const came = once(ws, 'message');
          await peer.send(bytes.subarray(0, at));
          await new Promise((resolve) => setImmediate(resolve));
          await peer.send(bytes.subarray(at));
          const [data] = await came;
          assert.ok(data.equals(pattern(length, at)), `${length} at ${at}`);
        }
      }
    });
  }

  it('come with pings, pongs, and answers in order', async (t) => {
    const { ws, peer } = await roles.server(t, { maxPendingAutoPongs: 0 });
    await adopted(ws);
    const log = [];
    for (const name of ['message', 'ping', 'pong']) {
      ws.on(name, (data) => log.push(`${name} ${data}`));
    }
    const list = [];
    const expected = [];
    for (let i = 0; i < 300; i++) {
      list.push(frame(OP.TEXT, `${i}`, { mask: true }));
      list.push(frame(OP.PING, `${i}`, { mask: true }));
      list.push(frame(OP.PONG, `${i}`, { mask: true }));
      expected.push(`message ${i}`, `ping ${i}`, `pong ${i}`);
    }
    await peer.send(Buffer.concat(list));
    const frames = await peer.framesCame(300);
    assert.deepStrictEqual(log, expected);
    frames.forEach(({ opcode, payload }, i) => {
      assert.strictEqual(opcode, OP.PONG);
      assert.strictEqual(payload.toString(), `${i}`);
    });
  });

  itDiffers('are not lost when a listener throws', async () => {
    const { code, errors, lines } = await run(
      ({ WebSocket, WebSocketServer }) => {
        const caught = [];
        process.on('uncaughtException', ({ message }) => caught.push(message));
        const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        wss.on('connection', (ws) => {
          const got = [];
          ws.on('message', (data) => {
            got.push(`${data}`);
            ws.send(`re ${data}`);
            if (data.length > 0) throw new Error(`${data}`);
          });
          ws.on('ping', () => {
            got.push('ping');
            throw new Error('ping');
          });
          ws.on('close', (status) => {
            console.log(JSON.stringify({ got, caught, status }));
          });
        });
        wss.on('listening', () => {
          const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
          let left = 600;
          ws.on('message', () => --left === 0 && ws.close(1000));
          ws.on('close', () => setTimeout(() => process.exit(), 20));
          ws.on('open', () => {
            setTimeout(() => {
              for (let i = 0; i < 600; i++) ws.send(`${i}`);
              ws.ping();
            }, 10);
          });
        });
      }
    );
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
    const { got, caught, status } = JSON.parse(lines[0]);
    const expected = [...Array.from({ length: 600 }, (_, i) => `${i}`), 'ping'];
    assert.deepStrictEqual(got, expected);
    assert.deepStrictEqual(caught, expected);
    assert.strictEqual(status, 1000);
  });

  itDiffers('end the process when a listener throws', async () => {
    const { code, errors } = await run(({ WebSocket, WebSocketServer }) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('open', () => setTimeout(() => ws.send('a'), 10));
      });
      wss.on('connection', (ws) => {
        ws.on('message', () => {
          throw new Error('nobody catches this');
        });
      });
    });
    assert.strictEqual(code, 1);
    assert.match(errors, /Error: nobody catches this/);
  });
});
