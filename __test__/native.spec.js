'use strict';

// The addon by itself: whatever is given to its functions, in whatever order,
// ends in a result or in an exception.

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');

const { oracle } = require('./support/ferrows');

const native = oracle ? undefined : require('../lib/native');

/** A masked text frame, `Hi`. */
const HI = [0x81, 0x82, 1, 2, 3, 4, 0x49, 0x6b];

/** The same in two fragments, with a binary opcode. */
const FRAGMENTS = [0x02, 0x81, 0, 0, 0, 0, 7, 0x80, 0x82, 0, 0, 0, 0, 8, 9];

/** What `decode` says of any argument that it cannot use. */
const WRONG_TYPE = { name: 'TypeError', message: /argument of the wrong type/ };

/** @return {Object} a decoder of a server without limits */
function createDecoder() {
  return native.createDecoder(0x3, 0, 0, 0);
}

describe('the addon', { skip: oracle && 'ws has none' }, () => {
  describe('decode', () => {
    it('refuses an External of somebody else', async (t) => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = net.connect(server.address().port, '127.0.0.1');
      t.after(() => {
        socket.destroy();
        server.close();
      });
      await once(socket, 'connect');

      const foreign = socket._handle._externalStream;
      const decode = () =>
        native.decode(foreign, Buffer.from(HI), 0, new Uint32Array(32), []);
      assert.throws(decode, WRONG_TYPE);
    });

    it('refuses whatever is no decoder, no bytes or no number', () => {
      const words = new Uint32Array(32);
      const right = [createDecoder(), Buffer.from(HI), 0, words, []];
      const anything = [undefined, null, 1, 'x', Symbol('x'), {}, [], 1n];

      for (const place of [0, 1, 2, 3]) {
        for (const wrong of anything) {
          if (place === 2 && typeof wrong === 'number') continue;
          const args = Object.assign([...right], { [place]: wrong });
          assert.throws(() => native.decode(...args), WRONG_TYPE);
        }
      }
      assert.throws(() => native.decode(), WRONG_TYPE);
      assert.strictEqual(native.decode(...right), 1);
    });

    it('refuses descriptors in the memory of the chunk', () => {
      const words = new Uint32Array(32);
      const chunk = Buffer.from(words.buffer, 64, 32);
      chunk.set(HI);
      const decode = () => native.decode(createDecoder(), chunk, 0, words, []);
      assert.throws(decode, WRONG_TYPE);
    });

    it('lets go of everything before it fills `owned`', () => {
      const decoder = createDecoder();
      const words = new Uint32Array(32);
      const caught = [];
      let nested = 0;
      const owned = new Proxy([], {
        set(target, key, value) {
          // The call that made `value` is over: this one is like any other.
          const inner = new Uint32Array(32);
          nested = native.decode(decoder, Buffer.from(HI), 0, inner, []);
          // Only once: newer versions of Node refuse to do it again.
          if (caught.length === 0) {
            structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
          }
          caught.push(value);
          return Reflect.set(target, key, value);
        }
      });
      const chunk = Buffer.from(Uint8Array.from(FRAGMENTS).buffer);

      assert.strictEqual(native.decode(decoder, chunk, 0, words, owned), 1);
      assert.strictEqual(nested, 1);
      assert.deepStrictEqual([...caught[0]], [1, 2]);
      assert.deepStrictEqual(caught[1], Buffer.from([7, 8, 9]));
    });

    it('takes a chunk whose memory is gone for an empty one', () => {
      const decoder = createDecoder();
      const words = new Uint32Array(32);
      const bytes = Uint8Array.from(HI);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });

      assert.strictEqual(native.decode(decoder, bytes, 0, words, []), 0);
      assert.strictEqual(
        native.decode(decoder, Buffer.from(HI), 0, words, []),
        1
      );
    });
  });

  describe('encode', () => {
    /** A binary frame without a mask. */
    const HEAD = 0x82;

    it('takes a payload from the place where the frame goes', () => {
      const memory = Buffer.from('abcdefghijklmnop');
      for (const at of [0, 1, 2, 3, 4, 5]) {
        const target = Buffer.from(memory);
        const payload = target.subarray(3, 8);
        assert.strictEqual(native.encode(target, at, HEAD, payload, 0), at + 7);
        assert.strictEqual(
          target.toString('latin1', at, at + 7),
          '\x82\x05defgh'
        );
      }
    });

    it('gives 0 and writes nothing when the frame does not fit', () => {
      const target = Buffer.alloc(8);
      const payload = Buffer.from('abc');
      assert.strictEqual(native.encode(target, 4, HEAD, payload, 0), 0);
      assert.strictEqual(native.encode(target, 9, HEAD, payload, 0), 0);
      assert.strictEqual(
        native.encode(target, 2 ** 32 - 1, HEAD, payload, 0),
        0
      );
      assert.deepStrictEqual(target, Buffer.alloc(8));
      assert.strictEqual(native.encode(target, 3, HEAD, payload, 0), 8);
    });
  });

  describe('mask', () => {
    it('masks onto itself, with the key in the same memory, too', () => {
      const bytes = Buffer.from('....abcdefgh....');
      const key = bytes.subarray(4, 8);
      const expected = Buffer.from('abcdefgh').map(
        (byte, i) => byte ^ 'abcd'.charCodeAt(i % 4)
      );
      native.mask(bytes.subarray(4, 12), key, bytes, 6, 8);
      assert.deepStrictEqual(bytes.subarray(6, 14), expected);
    });

    it('refuses what is longer than its memory', () => {
      const bytes = Buffer.alloc(8);
      const key = Buffer.alloc(4);
      for (const [offset, length] of [
        [0, 9],
        [1, 8],
        [9, 0],
        [0, 2 ** 32 + 8],
        [2 ** 53 - 1, 8],
        [-1, 1],
        [0, NaN]
      ]) {
        const mask = () => native.mask(bytes, key, bytes, offset, length);
        assert.throws(mask, WRONG_TYPE);
      }
    });
  });
});
