'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { Sender } = require('./support/ferrows');
const { masked, OP } = require('./support/frames');

const KEY = Buffer.from([1, 2, 3, 4]);

describe('Sender.frame', () => {
  const header = (...bytes) => Buffer.from(bytes);
  const key = { mask: true, generateMask: (buffer) => KEY.copy(buffer) };

  it('gives the header alone if there is no payload', () => {
    const options = { fin: true, opcode: OP.TEXT };
    for (const data of ['', Buffer.alloc(0)]) {
      assert.deepStrictEqual(Sender.frame(data, options), [header(0x81, 0)]);
      assert.deepStrictEqual(Sender.frame(data, { ...options, ...key }), [
        header(0x81, 0x80, 1, 2, 3, 4)
      ]);
    }
  });

  it('gives data that is not masked as it is', () => {
    const data = Buffer.from('abc');
    const list = Sender.frame(data, { opcode: OP.BINARY, readOnly: true });
    assert.deepStrictEqual(list[0], header(0x02, 3));
    assert.strictEqual(list[1], data);
    assert.strictEqual(list.length, 2);
    assert.strictEqual(data.toString(), 'abc');
  });

  it('gives a string as a Buffer', () => {
    const list = Sender.frame('é', { fin: true, opcode: OP.TEXT });
    assert.deepStrictEqual(list, [header(0x81, 2), Buffer.from('é')]);
  });

  it('masks data that may be changed where it is', () => {
    const data = Buffer.from('abcde');
    const options = { opcode: OP.BINARY, readOnly: false, ...key };
    const list = Sender.frame(data, options);
    assert.deepStrictEqual(list[0], header(0x02, 0x85, 1, 2, 3, 4));
    assert.strictEqual(list[1], data);
    assert.deepStrictEqual(data, masked(Buffer.from('abcde'), KEY));
  });

  it('masks data that must not be changed in a copy', () => {
    const data = Buffer.from('abcde');
    const options = { opcode: OP.BINARY, readOnly: true, ...key };
    assert.deepStrictEqual(Sender.frame(data, options), [
      Buffer.concat([header(0x02, 0x85, 1, 2, 3, 4), masked(data, KEY)])
    ]);
    assert.strictEqual(data.toString(), 'abcde');
  });

  it('masks a string in a Buffer of its own', () => {
    const options = { fin: true, opcode: OP.TEXT, readOnly: true, ...key };
    assert.deepStrictEqual(Sender.frame('abc', options), [
      header(0x81, 0x83, 1, 2, 3, 4),
      masked(Buffer.from('abc'), KEY)
    ]);
  });

  it('leaves the data alone if the mask is zero', () => {
    const data = Buffer.from('abc');
    const list = Sender.frame(data, {
      opcode: OP.BINARY,
      readOnly: true,
      mask: true,
      generateMask: (buffer) => buffer.fill(0)
    });
    assert.deepStrictEqual(list[0], header(0x02, 0x83, 0, 0, 0, 0));
    assert.strictEqual(list[1], data);
  });

  it('sets the bits of the first byte', () => {
    const first = (options) => Sender.frame('', options)[0][0];
    assert.strictEqual(first({ opcode: OP.CONT }), 0x00);
    assert.strictEqual(first({ opcode: OP.TEXT, rsv1: true }), 0x41);
    assert.strictEqual(first({ opcode: OP.PONG, fin: true }), 0x8a);
  });

  it('writes the length in as few bytes as the standard says', () => {
    const start = (length, mask = false) => {
      const options = { opcode: OP.BINARY, fin: true, mask };
      return Sender.frame(Buffer.alloc(length), options)[0];
    };
    assert.deepStrictEqual(start(125), header(0x82, 125));
    assert.deepStrictEqual(start(126), header(0x82, 126, 0, 126));
    assert.deepStrictEqual(start(65535), header(0x82, 126, 255, 255));
    assert.deepStrictEqual(
      start(65536),
      header(0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0)
    );
    assert.strictEqual(start(65536, true).length, 14);
  });

  it('draws a mask, another one each time, without `generateMask`', () => {
    const options = { opcode: OP.BINARY, mask: true, readOnly: true };
    const keys = new Set();
    for (let i = 0; i < 3000; i++) {
      const [bytes] = Sender.frame(Buffer.from('abc'), options);
      keys.add(bytes.readUInt32BE(2));
      assert.strictEqual(
        masked(bytes.subarray(6), bytes.subarray(2, 6)).toString(),
        'abc'
      );
    }
    assert.ok(keys.size > 2990, `${keys.size} different keys`);
  });

  it('hands `maskBuffer` to `generateMask`', () => {
    const given = [];
    const generateMask = (buffer) => given.push(buffer);
    const maskBuffer = Buffer.alloc(4);
    Sender.frame(Buffer.from('a'), {
      opcode: OP.BINARY,
      mask: true,
      maskBuffer,
      generateMask
    });
    assert.strictEqual(given.length, 1);
    assert.strictEqual(given[0], maskBuffer);
  });
});
