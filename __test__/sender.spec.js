'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { itDiffers, Sender } = require('./support/ferrows');
const { OP, readFrames } = require('./support/frames');

const KEY = Buffer.from([1, 2, 3, 4]);
const PLAIN = { fin: true };

/** The least that a sender needs of a socket; it keeps what is written. */
class MockSocket {
  constructor() {
    this.calls = [];
    this.destroyed = false;
  }

  cork() {
    this.calls.push('cork');
  }

  uncork() {
    this.calls.push('uncork');
  }

  write(chunk, callback) {
    this.calls.push(chunk);
    callback?.();
  }

  /** Everything written. */
  get bytes() {
    const chunks = this.calls.filter(
      (call) => call !== 'cork' && call !== 'uncork'
    );
    return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
  }

  /** Every frame written, as opcode, FIN and payload. */
  get frames() {
    const { frames, rest } = readFrames(this.bytes);
    assert.strictEqual(rest.length, 0);
    return frames.map(({ opcode, fin, payload }) => [
      opcode,
      fin,
      payload.toString()
    ]);
  }
}

/** Fills a mask key with `KEY`; counts calls, and remembers the Buffers. */
function countingMask() {
  const generateMask = (buffer) => {
    generateMask.calls++;
    generateMask.buffers.add(buffer);
    KEY.copy(buffer);
  };
  generateMask.calls = 0;
  generateMask.buffers = new Set();
  return generateMask;
}

/** A sender on a mock socket. */
function mock(...args) {
  const socket = new MockSocket();
  return { socket, sender: new Sender(socket, ...args) };
}

describe('Sender', { timeout: 10000 }, () => {
  describe('#send', () => {
    it('writes a string as a string, between `cork` and `uncork`', () => {
      const { socket, sender } = mock();
      sender.send('é', PLAIN);
      assert.deepStrictEqual(socket.calls, [
        'cork',
        Buffer.from([0x81, 2]),
        'é',
        'uncork'
      ]);
    });

    it('writes an empty frame at once', () => {
      const { socket, sender } = mock();
      sender.send('', PLAIN);
      assert.deepStrictEqual(socket.calls, [Buffer.from([0x81, 0])]);
    });

    it('does not copy data that is not masked', () => {
      const { socket, sender } = mock();
      const data = Buffer.from('abc');
      const memory = new ArrayBuffer(8);
      sender.send(data, { ...PLAIN, binary: true });
      sender.send(memory, { ...PLAIN, binary: true });
      assert.strictEqual(socket.calls[2], data);
      assert.strictEqual(socket.calls[6].buffer, memory);
    });

    it('never changes the data of the user', () => {
      const { socket, sender } = mock();
      const memory = Buffer.from('abcdefgh');
      const { buffer, byteOffset } = memory;
      for (const data of [
        memory,
        new Uint8Array(buffer, byteOffset, 8),
        new DataView(buffer, byteOffset, 8),
        buffer.slice(byteOffset, byteOffset + 8)
      ]) {
        sender.send(data, { ...PLAIN, binary: true, mask: true });
        assert.strictEqual(memory.toString(), 'abcdefgh');
      }
      assert.deepStrictEqual(
        socket.frames,
        Array(4).fill([OP.BINARY, true, 'abcdefgh'])
      );
    });

    it('makes continuations of what follows an open message', () => {
      const { socket, sender } = mock();
      sender.send('a', { fin: false });
      sender.ping('b', false);
      sender.send(Buffer.from('c'), { fin: false, binary: true });
      sender.send('', PLAIN);
      sender.send('d', PLAIN);
      assert.deepStrictEqual(socket.frames, [
        [OP.TEXT, false, 'a'],
        [OP.PING, true, 'b'],
        [OP.CONT, false, 'c'],
        [OP.CONT, true, ''],
        [OP.TEXT, true, 'd']
      ]);
    });

    it('throws for what no Buffer can be made of', () => {
      const { socket, sender } = mock();
      for (const data of [{}, true, 5, undefined, Symbol('a')]) {
        assert.throws(() => sender.send(data, PLAIN), {
          code: 'ERR_INVALID_ARG_TYPE'
        });
      }
      assert.deepStrictEqual(socket.calls, []);
    });

    it('goes on after it threw as if it had not been called', () => {
      const { socket, sender } = mock();
      assert.throws(() => sender.send({}, { fin: false }));
      sender.send('a', { fin: false });
      assert.throws(() => sender.send({}, PLAIN));
      sender.send('b', PLAIN);
      assert.deepStrictEqual(socket.frames, [
        [OP.TEXT, false, 'a'],
        [OP.CONT, true, 'b']
      ]);
    });

    it('calls `generateMask` once a masked frame, with one Buffer', () => {
      const generateMask = countingMask();
      const { socket, sender } = mock({}, generateMask);
      sender.send('abc', { ...PLAIN, mask: true });
      sender.send('abc', PLAIN);
      sender.send('', { ...PLAIN, mask: true });
      sender.ping('a', true);
      sender.pong('a', true);
      sender.pong('a', false);
      sender.close(1000, '', true);
      assert.strictEqual(generateMask.calls, 5);
      assert.strictEqual(generateMask.buffers.size, 1);
      const [buffer] = generateMask.buffers;
      assert.ok(Buffer.isBuffer(buffer));
      assert.strictEqual(buffer.length, 4);
      const { frames } = readFrames(socket.bytes);
      assert.deepStrictEqual(
        frames.map(({ mask }) => mask),
        [KEY, null, KEY, KEY, KEY, null, KEY]
      );
    });
  });

  for (const method of ['ping', 'pong']) {
    describe(`#${method}`, () => {
      const opcode = method === 'ping' ? OP.PING : OP.PONG;

      it('sends up to 125 bytes of any kind of data', () => {
        const { socket, sender } = mock();
        for (const data of [
          'é'.repeat(62),
          Buffer.alloc(125, 'a'),
          new Uint8Array([98]),
          new Uint8Array([99]).buffer,
          [100]
        ]) {
          sender[method](data, false);
        }
        assert.deepStrictEqual(
          socket.frames,
          ['é'.repeat(62), 'a'.repeat(125), 'b', 'c', 'd'].map((text) => [
            opcode,
            true,
            text
          ])
        );
      });

      it('throws for more than 125 bytes', () => {
        const { socket, sender } = mock();
        for (const data of [
          'é'.repeat(63),
          Buffer.alloc(126),
          new Blob([Buffer.alloc(126)])
        ]) {
          assert.throws(
            () => sender[method](data, false),
            (err) =>
              err.constructor === RangeError &&
              err.message === 'The data size must not be greater than 125 bytes'
          );
        }
        assert.deepStrictEqual(socket.calls, []);
      });
    });
  }

  describe('#close', () => {
    it('sends the code and the reason', () => {
      const { socket, sender } = mock();
      sender.close();
      sender.close(undefined, 'ignored');
      sender.close(1000);
      sender.close(1000, '');
      sender.close(1000, 'é');
      sender.close(1000, new Uint8Array([97, 98]));
      sender.close(4999, 'x'.repeat(123));
      const body = (hex, text = '') =>
        Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from(text)]).toString();
      assert.deepStrictEqual(
        socket.frames,
        [
          '',
          '',
          body('03e8'),
          body('03e8'),
          body('03e8', 'é'),
          body('03e8', 'ab'),
          body('1387', 'x'.repeat(123))
        ].map((text) => [OP.CLOSE, true, text])
      );
    });

    const noCode = [
      TypeError,
      'First argument must be a valid error code number'
    ];
    const tooLong = [
      RangeError,
      'The message must not be greater than 123 bytes'
    ];
    const noText = [
      TypeError,
      'Second argument must be a string or a Uint8Array'
    ];
    const cases = [
      ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, NaN, '1000', null].map(
        (code) => [[code], ...noCode]
      ),
      [[1005, 'x'.repeat(124)], ...noCode],
      [[1000, 'x'.repeat(124)], ...tooLong],
      [[1000, 'é'.repeat(62)], ...tooLong],
      [[1000, new Uint8Array(124)], ...tooLong],
      [[1000, new Float32Array(31)], ...tooLong],
      [[1000, new Float32Array(2)], ...noText]
    ];

    for (const [args, Class, message] of cases) {
      const what = args.map((arg) => String(arg).slice(0, 12)).join(', ');

      it(`throws "${message}" for (${what})`, () => {
        const { socket, sender } = mock();
        assert.throws(
          () => sender.close(...args),
          (err) => err.constructor === Class && err.message === message
        );
        assert.deepStrictEqual(socket.calls, []);
      });
    }
  });

  describe('#sendFrame', () => {
    it('writes one chunk as it is', () => {
      const { socket, sender } = mock();
      const called = [];
      const chunk = Buffer.from('a');
      sender.sendFrame([chunk], (...args) => called.push(args));
      assert.strictEqual(socket.calls[0], chunk);
      assert.strictEqual(socket.calls.length, 1);
      assert.deepStrictEqual(called, [[]]);
    });

    it('writes two chunks between `cork` and `uncork`', () => {
      const { socket, sender } = mock();
      let called = 0;
      sender.sendFrame([Buffer.from('a'), 'b'], () => called++);
      const expected = ['cork', Buffer.from('a'), 'b', 'uncork'];
      assert.deepStrictEqual(socket.calls, expected);
      assert.strictEqual(called, 1);
    });
  });

  describe('with a Blob', () => {
    /** Sends a bit of everything; gives the log of the callbacks. */
    function sendAll(sender, first) {
      const log = [];
      const cb = (name) => (err) => log.push([name, err?.message]);
      sender.onerror = (err) => log.push(['onerror', err.message]);
      sender.send(first, { ...PLAIN, binary: true }, cb('blob'));
      sender.send('cd', PLAIN, cb('text'));
      sender.ping('p', false, cb('ping'));
      sender.send(new Blob(['efg']), PLAIN, cb('second blob'));
      sender.close(1000, '', false, cb('close'));
      return log;
    }

    const names = ['blob', 'text', 'ping', 'second blob', 'close'];

    it('sends everything else after it, in order', async () => {
      const { socket, sender } = mock();
      const log = sendAll(sender, new Blob(['ab']));
      assert.strictEqual(sender._state, 2);
      assert.strictEqual(sender._bufferedBytes, 10);
      assert.deepStrictEqual(socket.calls, []);

      while (log.length < 5) await sleep(1);
      assert.deepStrictEqual(
        log,
        names.map((name) => [name, undefined])
      );
      assert.strictEqual(sender._state, 0);
      assert.strictEqual(sender._bufferedBytes, 0);
      assert.deepStrictEqual(
        socket.frames.map(([opcode, , text]) => [opcode, text]).slice(0, 4),
        [
          [OP.BINARY, 'ab'],
          [OP.TEXT, 'cd'],
          [OP.PING, 'p'],
          [OP.TEXT, 'efg']
        ]
      );
      assert.strictEqual(socket.frames[4][0], OP.CLOSE);
    });

    it('fails everything if the socket is destroyed meanwhile', async () => {
      const { socket, sender } = mock();
      const log = sendAll(sender, new Blob(['ab']));
      socket.destroyed = true;
      while (log.length < 5) await sleep(1);
      const message = 'The socket was closed while the blob was being read';
      assert.deepStrictEqual(
        log,
        names.map((name) => [name, message])
      );
      assert.deepStrictEqual(socket.calls, []);
    });

    it('fails everything, and says so, if it cannot be read', async () => {
      const { socket, sender } = mock();
      const log = sendAll(sender, {
        arrayBuffer: () => Promise.reject(new Error('unreadable')),
        size: 2,
        stream() {},
        type: '',
        [Symbol.toStringTag]: 'Blob'
      });
      while (log.length < 6) await sleep(1);
      assert.deepStrictEqual(
        log,
        [...names, 'onerror'].map((name) => [name, 'unreadable'])
      );
      assert.deepStrictEqual(socket.calls, []);
    });

    itDiffers(
      'takes no longer for each of many messages behind it',
      async () => {
        const { sender } = mock();
        const count = 200000;
        let start;
        const sent = new Promise((resolve) => {
          sender.send(new Blob(['a']), PLAIN, () => {
            start = performance.now();
          });
          for (let i = 1; i < count; i++) sender.send('b', PLAIN);
          sender.send('c', PLAIN, resolve);
        });
        await sent;
        // Less than a second, where moving all the rest each time takes fifteen.
        const time = performance.now() - start;
        assert.ok(time < 8000, `${time} ms`);
      }
    );
  });
});
