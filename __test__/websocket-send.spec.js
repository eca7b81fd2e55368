'use strict';

// What can be sent, what becomes of it, and when callbacks are called.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { endOf, roles } = require('./support/connections');
const { WebSocket } = require('./support/ferrows');
const { OP } = require('./support/frames');

const NOT_OPEN = 'WebSocket is not open: readyState';

/** Waits for frames; gives opcode and text of each. */
const framesOf = async (peer, count) =>
  (await peer.framesCame(count)).map(({ opcode, payload }) => [
    opcode,
    payload.toString()
  ]);

/** A WebSocket that stays CONNECTING. */
function connecting(t) {
  const agent = { addRequest() {} };
  const ws = new WebSocket('ws://127.0.0.1', { agent });
  ws.on('error', () => {});
  t.after(() => ws.terminate());
  return ws;
}

describe('A WebSocket that connects', () => {
  for (const method of ['send', 'ping', 'pong']) {
    it(`throws in \`${method}()\``, (t) => {
      const ws = connecting(t);
      assert.throws(
        () => ws[method]('a', assert.fail),
        (err) =>
          err.constructor === Error &&
          err.message === `${NOT_OPEN} 0 (CONNECTING)`
      );
      assert.strictEqual(ws.bufferedAmount, 0);
    });
  }

  it('cannot be paused or resumed', (t) => {
    const ws = connecting(t);
    ws.pause();
    assert.strictEqual(ws.isPaused, false);
    ws.resume();
  });

  it('counts what is sent after it failed', async (t) => {
    const ws = connecting(t);
    const end = endOf(ws);
    ws.terminate();
    await end;
    ws.send('é');
    ws.ping(Buffer.alloc(3));
    ws.pong([1]);
    ws.send(new Blob(['four']));
    ws.send(12345);
    ws.send();
    assert.strictEqual(ws.bufferedAmount, 15);
  });
});

for (const [role, connect] of Object.entries(roles)) {
  describe(`A ${role}'s WebSocket`, { timeout: 20000 }, () => {
    describe('#send', () => {
      it('takes data of every kind', async (t) => {
        const { ws, peer } = await connect(t);
        const bytes = Buffer.from('a buffer');
        const { buffer, byteOffset, length } = bytes;
        const cases = [
          ['', OP.TEXT, ''],
          ['text é€😀', OP.TEXT, 'text é€😀'],
          [42, OP.TEXT, '42'],
          [0, OP.TEXT, '0'],
          [NaN, OP.TEXT, 'NaN'],
          [undefined, OP.BINARY, ''],
          [null, OP.BINARY, ''],
          [false, OP.BINARY, ''],
          [bytes, OP.BINARY, 'a buffer'],
          [new Uint8Array([97, 98]), OP.BINARY, 'ab'],
          [new Uint16Array([0x6161]), OP.BINARY, 'aa'],
          [new Float32Array(0), OP.BINARY, ''],
          [new Uint8Array(buffer, byteOffset, length), OP.BINARY, 'a buffer'],
          [new DataView(buffer, byteOffset + 2, 3), OP.BINARY, 'buf'],
          [new Uint8Array([99]).buffer, OP.BINARY, 'c'],
          [[97, 98.9, 355], OP.BINARY, 'abc'],
          [{ length: 1, 0: 97 }, OP.BINARY, 'a'],
          [{ valueOf: () => 'value' }, OP.BINARY, 'value'],
          [{ [Symbol.toPrimitive]: () => 'prim' }, OP.BINARY, 'prim'],
          [new Blob(['blob']), OP.BINARY, 'blob'],
          [new Blob([]), OP.BINARY, ''],
          ['last', OP.TEXT, 'last']
        ];
        for (const [data] of cases) ws.send(data);
        assert.deepStrictEqual(
          await framesOf(peer, cases.length),
          cases.map(([, opcode, text]) => [opcode, text])
        );
        assert.strictEqual(bytes.toString(), 'a buffer');
        for (const { mask } of peer.frames) {
          assert.strictEqual(mask !== null, role === 'client');
        }
      });

      it('throws for other data, and goes on', async (t) => {
        const { ws, peer } = await connect(t);
        for (const data of [{}, true, 1n, Symbol('a')]) {
          assert.throws(() => ws.send(data), { code: 'ERR_INVALID_ARG_TYPE' });
        }
        ws.send('fine');
        assert.deepStrictEqual(await framesOf(peer, 1), [[OP.TEXT, 'fine']]);
      });

      it('replaces halves of surrogate pairs', async (t) => {
        const { ws, peer } = await connect(t);
        const text = 'a\ud800b\udc00';
        ws.send(text);
        ws.send(`${text}${'x'.repeat(9000)}`);
        const [[, first], [, second]] = await framesOf(peer, 2);
        assert.strictEqual(first, 'a\ufffdb\ufffd');
        assert.strictEqual(second.slice(0, 5), 'a\ufffdb\ufffdx');
        assert.strictEqual(second.length, 9004);
      });

      for (const length of [125, 126, 4095, 4096, 65535, 65536, 3000000]) {
        it(`sends ${length} bytes, as text and binary`, async (t) => {
          const { ws, peer } = await connect(t);
          const data = Buffer.alloc(length, 'abcdefghijklm');
          const text = data.toString();
          for (let i = 0; i < 2; i++) {
            ws.send(data);
            ws.send(text);
          }
          assert.ok(data.equals(Buffer.from(text)));
          const frames = await peer.framesCame(4);
          for (const [i, { opcode, payload }] of frames.entries()) {
            assert.strictEqual(opcode, i % 2 === 0 ? OP.BINARY : OP.TEXT);
            assert.ok(payload.equals(data));
          }
        });
      }

      it('honours its options, also those that are undefined', async (t) => {
        const { ws, peer } = await connect(t);
        ws.send('a', { binary: true });
        ws.send(Buffer.from('b'), { binary: false });
        ws.send(Buffer.from('c'), { binary: undefined });
        ws.send('d', { fin: false });
        ws.send(Buffer.from('e'), { fin: false });
        ws.ping('f');
        ws.send('g');
        ws.send('h', { mask: role === 'server' });
        const frames = await peer.framesCame(8);
        assert.deepStrictEqual(
          frames.map(({ opcode, fin }) => [opcode, fin]),
          [
            [OP.BINARY, true],
            [OP.TEXT, true],
            [OP.TEXT, true],
            [OP.TEXT, false],
            [OP.CONT, false],
            [OP.PING, true],
            [OP.CONT, true],
            [OP.TEXT, true]
          ]
        );
        assert.strictEqual(frames[7].mask !== null, role === 'server');
        assert.strictEqual(frames[7].payload.toString(), 'h');
      });

      it('calls back in order, once each, without an error', async (t) => {
        const { ws, peer } = await connect(t);
        const log = [];
        const cb = (name) => (err) => log.push([name, err ?? null]);
        ws.send('a', cb('a'));
        ws.send(Buffer.alloc(100000), { fin: true }, cb('large'));
        ws.send('b');
        ws.ping(cb('ping'));
        ws.ping('c', cb('ping with data'));
        ws.pong('d', undefined, cb('pong'));
        ws.send('e', {}, cb('e'));
        assert.deepStrictEqual(log, []);
        await peer.framesCame(7);
        while (log.length < 6) await sleep(1);
        await sleep(5);
        const names = ['a', 'large', 'ping', 'ping with data', 'pong', 'e'];
        assert.deepStrictEqual(
          log,
          names.map((name) => [name, null])
        );
      });

      it('masks with what `generateMask` fills in', async (t) => {
        if (role === 'server') return;
        const buffers = new Set();
        let calls = 0;
        const generateMask = (buffer) => {
          buffers.add(buffer);
          buffer.writeUInt32BE(++calls);
        };
        const { ws, peer } = await connect(t, { generateMask });
        const texts = ['a', 'bc', 'd'.repeat(5000), 'e'.repeat(70000)];
        for (const text of texts) ws.send(text);
        ws.send(Buffer.from('f'));
        const frames = await peer.framesCame(5);
        assert.deepStrictEqual(
          frames.map(({ mask }) => mask.readUInt32BE()),
          [1, 2, 3, 4, 5]
        );
        assert.deepStrictEqual(
          frames.map(({ payload }) => payload.toString()),
          [...texts, 'f']
        );
        assert.strictEqual(buffers.size, 1);
      });
    });

    describe('that is not open', () => {
      it('gives callbacks an error on the next tick, and counts', async (t) => {
        const { ws, peer } = await connect(t);
        const log = [];
        const cb = ({ message }) => log.push(message);
        const tried = (expected) => {
          ws.send('ab', cb);
          ws.send(Buffer.alloc(3), {}, cb);
          ws.ping(12, cb);
          ws.pong(new Blob(['four']), false, cb);
          ws.send();
          assert.deepStrictEqual(log.splice(0), []);
          assert.strictEqual(ws.bufferedAmount, expected);
          return new Promise((resolve) => process.nextTick(resolve));
        };
        ws.close();
        await peer.framesCame(1);
        await tried(11);
        const closing = `${NOT_OPEN} 2 (CLOSING)`;
        assert.deepStrictEqual(log.splice(0), Array(4).fill(closing));

        ws.terminate();
        await once(ws, 'close');
        await tried(22);
        const closed = `${NOT_OPEN} 3 (CLOSED)`;
        assert.deepStrictEqual(log, Array(4).fill(closed));
      });

      it('gives callbacks the error of a destroyed socket', async (t) => {
        const { ws } = await connect(t);
        const log = [];
        ws._socket.destroy();
        assert.strictEqual(ws.readyState, WebSocket.OPEN);
        for (const text of 'abc') ws.send(text, (err) => log.push(err.code));
        await once(ws, 'close');
        await sleep(1);
        assert.deepStrictEqual(log, Array(3).fill('ERR_STREAM_DESTROYED'));
      });

      it('gives callbacks the error of an ended socket', async (t) => {
        const { ws } = await connect(t);
        const log = [];
        const end = endOf(ws);
        ws._socket.end();
        for (const text of 'abc') ws.send(text, (err) => log.push(err.code));
        assert.strictEqual((await end).code, 1006);
        assert.deepStrictEqual(
          log,
          Array(3).fill('ERR_STREAM_WRITE_AFTER_END')
        );
      });
    });

    describe('#bufferedAmount', () => {
      it('counts the bytes that the kernel has not taken', async (t) => {
        const { ws, peer } = await connect(t);
        assert.strictEqual(ws.bufferedAmount, 0);
        peer.socket.pause();
        const head = role === 'client' ? 14 : 10;
        let done = 0;
        for (let i = 0; i < 60; i++) {
          ws.send(Buffer.alloc(1 << 20), () => done++);
        }
        assert.ok(ws.bufferedAmount > 30 << 20);
        ws._socket.cork();
        const before = ws.bufferedAmount;
        ws.send(Buffer.alloc(70000));
        assert.strictEqual(ws.bufferedAmount - before, 70000 + head);
        ws._socket.uncork();
        peer.socket.resume();
        while (done < 60 || ws.bufferedAmount > 0) await sleep(1);
      });

      it('is 0 after sends that the kernel took', async (t) => {
        const { ws, peer } = await connect(t);
        for (let i = 0; i < 10; i++) ws.send('a');
        assert.strictEqual(ws.bufferedAmount, 0);
        await peer.framesCame(10);
        assert.strictEqual(ws.bufferedAmount, 0);
      });

      it('counts the Blobs, and what waits for them', async (t) => {
        const { ws, peer } = await connect(t);
        ws.send(new Blob(['abc']));
        ws.send('defg');
        ws.ping('h');
        assert.strictEqual(ws.bufferedAmount, 8);
        await peer.framesCame(3);
        assert.strictEqual(ws.bufferedAmount, 0);
      });
    });

    describe('with an unreadable Blob', () => {
      it('fails: callbacks first, then `error`, then `close`', async (t) => {
        const { ws, peer } = await connect(t);
        const log = [];
        ws.on('error', (err) => log.push(`${err.message} ${ws.readyState}`));
        const end = endOf(ws);
        const blob = {
          arrayBuffer: () => Promise.reject(new Error('unreadable')),
          size: 2,
          stream() {},
          type: '',
          [Symbol.toStringTag]: 'Blob'
        };
        ws.send('before');
        ws.send(blob, ({ message }) => log.push(`blob: ${message}`));
        ws.send('after', ({ message }) => log.push(`text: ${message}`));
        ws.send('without callback');
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        const { code } = await end;
        assert.strictEqual(code, 1006);
        assert.deepStrictEqual(log, [
          'blob: unreadable',
          'text: unreadable',
          'unreadable 2'
        ]);
        assert.strictEqual(peer.frames.length, 1);
      });

      it('fails its callbacks if the socket closes meanwhile', async (t) => {
        const { ws } = await connect(t);
        const log = [];
        const cb = ({ message }) => log.push(message);
        ws.send(new Blob(['a']), cb);
        ws.send('b', cb);
        ws.terminate();
        while (log.length < 2) await sleep(1);
        const message = 'The socket was closed while the blob was being read';
        assert.deepStrictEqual(log, [message, message]);
      });
    });
  });
}
