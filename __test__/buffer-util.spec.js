'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { lib } = require('./support/ferrows');

const { concat, mask, toArrayBuffer, toBuffer, unmask } = lib('buffer-util');
const { EMPTY_BUFFER } = lib('constants');

describe('concat', () => {
  it('joins chunks', () => {
    const joined = concat([Buffer.from('ab'), new Uint8Array([0x63])], 3);

    assert.deepStrictEqual(joined, Buffer.from('abc'));
  });

  it('gives no more than was copied', () => {
    const joined = concat([Buffer.from('ab'), Buffer.from('c')], 10);

    assert.deepStrictEqual(joined, Buffer.from('abc'));
  });

  it('throws if the chunks are longer than the total', () => {
    assert.throws(
      () => concat([Buffer.from('ab'), Buffer.from('c')], 2),
      RangeError
    );
  });

  it('gives the one empty Buffer for no chunk', () => {
    assert.strictEqual(concat([], 5), EMPTY_BUFFER);
  });

  it('gives a single chunk as it is', () => {
    const chunk = Buffer.from('abc');

    assert.strictEqual(concat([chunk], 3), chunk);
  });
});

describe('mask', () => {
  it('masks so many bytes into a place of another buffer', () => {
    const source = Buffer.from([1, 2, 3, 4, 5, 6]);
    const output = Buffer.alloc(8, 0xff);

    mask(source, Buffer.from([1, 0, 0xf0, 4]), output, 2, 5);

    assert.deepStrictEqual(
      output,
      Buffer.from([0xff, 0xff, 0, 2, 0xf3, 0, 4, 0xff])
    );
    assert.deepStrictEqual(source, Buffer.from([1, 2, 3, 4, 5, 6]));
  });

  it('masks in place', () => {
    const data = Buffer.from([1, 2, 3, 4, 5]);

    mask(data, Buffer.from([1, 2, 3, 4]), data, 0, 5);

    assert.deepStrictEqual(data, Buffer.from([0, 0, 0, 0, 4]));
  });

  it('applies the mask by its definition, at any length and offset', () => {
    const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);
    const memory = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0xff));

    for (const length of [0, 1, 3, 4, 31, 47, 48, 49, 63, 64, 65, 127, 256]) {
      for (let offset = 0; offset < 9; offset++) {
        const source = memory.subarray(offset, offset + length);
        const output = Buffer.alloc(length + offset + 1);
        const expected = Buffer.alloc(output.length);

        source.forEach((byte, i) => {
          expected[offset + i] = byte ^ key[i % 4];
        });
        mask(source, key, output, offset, length);

        assert.deepStrictEqual(output, expected);
      }
    }
  });
});

describe('unmask', () => {
  it('undoes what mask did, at any length', () => {
    const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);

    for (let length = 0; length <= 130; length++) {
      const source = Buffer.from(Array.from({ length }, (_, i) => i));
      const masked = Buffer.alloc(length);

      mask(source, key, masked, 0, length);
      if (length > 0) assert.notDeepStrictEqual(masked, source);

      unmask(masked, key);
      assert.deepStrictEqual(masked, source);
    }
  });
});

describe('toArrayBuffer', () => {
  it('gives the ArrayBuffer that the bytes fill', () => {
    const buffer = Buffer.from(new ArrayBuffer(4));

    assert.strictEqual(toArrayBuffer(buffer), buffer.buffer);
  });

  it('copies bytes that are a part of an ArrayBuffer', () => {
    const buffer = Buffer.from(new ArrayBuffer(4), 1, 2);
    buffer.write('ab');
    const copy = toArrayBuffer(buffer);

    assert.ok(copy instanceof ArrayBuffer);
    assert.notStrictEqual(copy, buffer.buffer);
    assert.deepStrictEqual(Buffer.from(copy), Buffer.from('ab'));
  });
});

describe('toBuffer', () => {
  it('gives a Buffer as it is, as read-only', () => {
    const buffer = Buffer.from('a');

    assert.strictEqual(toBuffer(buffer), buffer);
    assert.strictEqual(toBuffer.readOnly, true);
  });

  it('shows the memory of an ArrayBuffer or a view, as read-only', () => {
    const memory = new ArrayBuffer(8);

    for (const [data, offset, length] of [
      [memory, 0, 8],
      [new Uint8Array(memory, 1, 2), 1, 2],
      [new DataView(memory, 3, 4), 3, 4],
      [new Uint16Array(memory, 2, 2), 2, 4]
    ]) {
      toBuffer.readOnly = false;
      const buffer = toBuffer(data);

      assert.ok(Buffer.isBuffer(buffer));
      assert.strictEqual(buffer.buffer, memory);
      assert.strictEqual(buffer.byteOffset, offset);
      assert.strictEqual(buffer.byteLength, length);
      assert.strictEqual(toBuffer.readOnly, true);
    }
  });

  it('makes a Buffer of other data, which may be changed', () => {
    for (const data of ['hé', [0x68, 0xc3, 0xa9], { valueOf: () => 'hé' }]) {
      assert.deepStrictEqual(toBuffer(data), Buffer.from('hé'));
      assert.strictEqual(toBuffer.readOnly, false);
    }
  });

  it('throws if no bytes can be made of the data', () => {
    for (const data of [true, {}, Symbol('a'), 1n, () => {}, null]) {
      assert.throws(() => toBuffer(data), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE'
      });
    }
  });
});
