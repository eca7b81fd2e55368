'use strict';

// The class by itself: what it compresses and inflates.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const zlib = require('node:zlib');

const brokenDeflate = require('./support/broken-deflate');
const { bytesOf } = require('./support/conversation');
const { Deflater, Inflater, TAIL } = require('./support/deflate');
const { extension, lib, PerMessageDeflate } = require('./support/ferrows');

const { kStatusCode } = lib('constants');

const NAME = 'permessage-deflate';

/** The offers, or the answer, in a header. */
const parsed = (text) => extension.parse(text.replace(/\bD\b/g, NAME))[NAME];

/**
 * An extension of a client that has negotiated.
 *
 * @param {Object} [options] its options
 * @param {string} [answer] what the server has answered
 * @return {{compress: Function, decompress: Function, instance:
 *     PerMessageDeflate}} its methods, with promises
 */
function negotiated(options, answer = 'D') {
  const instance = new PerMessageDeflate({ threshold: 0, ...options });
  instance.accept(parsed(answer));
  return {
    instance,
    compress: promisify(instance.compress.bind(instance)),
    decompress: promisify(instance.decompress.bind(instance))
  };
}

describe('PerMessageDeflate', { timeout: 20000 }, () => {
  it('has the name of the extension', () => {
    assert.strictEqual(PerMessageDeflate.extensionName, NAME);
    assert.strictEqual(PerMessageDeflate, lib('permessage-deflate'));
  });

  it('needs no options', () => {
    assert.strictEqual(new PerMessageDeflate().params, null);
  });

  describe('#compress and #decompress', () => {
    it('are inverse to each other', async () => {
      const { compress, decompress } = negotiated();
      for (const data of ['', 'a', 'text', 'x'.repeat(100000)]) {
        const bytes = await compress(Buffer.from(data), true);
        assert.strictEqual(`${await decompress(bytes, true)}`, data);
      }
    });

    it('call back later', async () => {
      const { instance } = negotiated();
      const done = [];
      const called = (name) => done.push(name);
      instance.compress('text', true, () => called('compressed'));
      instance.decompress(Buffer.of(0), true, () => called('inflated'));
      assert.deepStrictEqual(done, []);
      while (done.length < 2) await new Promise(setImmediate);
    });

    it('work on parts', async () => {
      const { compress, decompress } = negotiated();
      const parts = ['one ', '', 'two ', 'three'];
      const inflater = new Inflater();
      for (const [i, part] of parts.entries()) {
        const fin = i === parts.length - 1;
        const bytes = await compress(part, fin);
        assert.strictEqual(bytes.subarray(-4).equals(TAIL), !fin);
        assert.strictEqual(`${inflater.fragment(bytes, fin)}`, part);
        assert.strictEqual(`${await decompress(bytes, fin)}`, part);
      }
    });

    it('use the memory unless it was given up', async () => {
      const noise = Buffer.from(Array.from({ length: 300 }, (_, i) => i * i));
      for (const takeover of [true, false]) {
        const answer = takeover ? 'D' : 'D; client_no_context_takeover';
        const { compress } = negotiated({}, answer);
        const inflater = new Inflater({ takeover });
        const sizes = [];
        for (let i = 0; i < 3; i++) {
          const bytes = await compress(noise, true);
          sizes.push(bytes.length);
          assert.ok(inflater.fragment(bytes).equals(noise));
        }
        assert.strictEqual(sizes[2] < sizes[0] / 2, takeover);
      }
    });

    for (const level of [1, 6, 9]) {
      const zlibDeflateOptions = { level };

      it(`know every byte, at the level ${level}`, async () => {
        const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
        for (const length of [1, 2, 5, 20, 256]) {
          const { compress } = negotiated({ zlibDeflateOptions });
          const inflater = new Inflater();
          for (let at = 0; at < 256; at += length) {
            const data = all.subarray(at, at + length);
            const bytes = await compress(data, true);
            assert.deepStrictEqual(inflater.fragment(bytes), data);
          }
        }
      });

      for (let bits = 8; bits <= 15; bits++) {
        const title = `${bits} bits, at the level ${level}`;

        it(`stay within a window of ${title}`, async () => {
          const { compress } = negotiated(
            { zlibDeflateOptions },
            `D; client_max_window_bits=${bits}`
          );
          // Small pieces, so that nothing out of the window is at hand.
          const zlib = { chunkSize: 64 };
          const inflater = new Inflater({ windowBits: bits, zlib });
          for (const kind of ['lines', 'words', 'letter', 'noise', 'lines']) {
            const data = bytesOf({ kind, length: 50000, seed: bits });
            const bytes = await compress(data, true);
            assert.ok(inflater.fragment(bytes).equals(data), kind);
          }
        });
      }
    }

    it('give the stream up at a final block', async () => {
      const { decompress } = negotiated();
      const final = zlib.deflateRawSync('final');
      const fresh = new Deflater().message('fresh');
      const inOne = Buffer.concat([final, fresh]);
      for (const bytes of [final, Buffer.concat([final, TAIL]), inOne]) {
        assert.strictEqual(`${await decompress(bytes, true)}`, 'final');
        assert.strictEqual(`${await decompress(fresh, true)}`, 'fresh');
      }
    });

    for (const { name, message, bytes } of brokenDeflate) {
      it(`report ${name}`, async () => {
        const { decompress } = negotiated();
        await assert.rejects(decompress(bytes, true), {
          name: 'Error',
          code: 'Z_DATA_ERROR',
          errno: -3,
          message,
          [kStatusCode]: 1007
        });
      });
    }

    it('report what is over the limit, and allow what is not', async () => {
      const { decompress } = negotiated({ maxPayload: 5 });
      const message = (data) => new Deflater().message(data);
      assert.strictEqual(
        `${await decompress(message('12345'), true)}`,
        '12345'
      );
      for (const data of ['123456', 'x'.repeat(1e6)]) {
        await assert.rejects(decompress(message(data), true), {
          name: 'RangeError',
          code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
          message: 'Max payload size exceeded',
          [kStatusCode]: 1009
        });
      }
    });
  });

  describe('#cleanup', () => {
    it('calls back what is being compressed, with an error', () => {
      const { instance } = negotiated();
      const results = [];
      instance.compress('text', true, (...args) => results.push(args));
      instance.cleanup();
      assert.strictEqual(results.length, 1);
      assert.strictEqual(
        results[0][0].message,
        'The deflate stream was closed while data was being processed'
      );
    });

    it('may be called at any time', async () => {
      const { compress, decompress, instance } = negotiated();
      instance.cleanup();
      const bytes = await compress('text', true);
      instance.cleanup();
      instance.cleanup();
      assert.strictEqual(`${await decompress(bytes, true)}`, 'text');
      instance.cleanup();
      assert.deepStrictEqual(await compress('text', true), bytes);
      instance.cleanup();
    });
  });
});
