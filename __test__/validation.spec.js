'use strict';

const assert = require('node:assert');
const { Blob } = require('node:buffer');
const { describe, it } = require('node:test');

const { lib } = require('./support/ferrows');

const { isBlob, isValidStatusCode, isValidUTF8, tokenChars } =
  lib('validation');

/** Makes a Buffer of bytes in hex. */
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('isValidUTF8', () => {
  it('accepts nothing', () => {
    assert.strictEqual(isValidUTF8(Buffer.alloc(0)), true);
  });

  it('accepts the first and last character of each length', () => {
    for (const bytes of [
      '00',
      '7f',
      'c280',
      'dfbf',
      'e0a080',
      'efbfbf',
      'f0908080',
      'f48fbfbf'
    ]) {
      assert.strictEqual(isValidUTF8(hex(bytes)), true, bytes);
    }
  });

  it('accepts the neighbours of the surrogates', () => {
    assert.strictEqual(isValidUTF8(hex('ed9fbf ee8080')), true);
  });

  it('accepts long text, whatever the offset of its bytes', () => {
    const text = Buffer.from('aé€𐍈'.repeat(1000));

    for (let offset = 0; offset < 16; offset++) {
      const memory = Buffer.alloc(text.length + offset);
      text.copy(memory, offset);

      assert.strictEqual(isValidUTF8(memory.subarray(offset)), true);
    }
  });

  for (const [what, bytes] of [
    ['a continuation byte on its own', '80'],
    ['overlong characters of two bytes', 'c0af'],
    ['overlong characters of three bytes', 'e09fbf'],
    ['overlong characters of four bytes', 'f08fbfbf'],
    ['high surrogates', 'eda080'],
    ['low surrogates', 'edbfbf'],
    ['what is above U+10FFFF', 'f4908080'],
    ['bytes that are never used', 'ff'],
    ['characters of five bytes', 'f888808080'],
    ['a missing continuation byte', 'e28241'],
    ['a character that is cut off', 'e282']
  ]) {
    it(`rejects ${what}`, () => {
      const bad = hex(bytes);

      assert.strictEqual(isValidUTF8(bad), false);
      for (const length of [1, 15, 64, 1000]) {
        const good = Buffer.alloc(length, 'a');

        assert.strictEqual(isValidUTF8(Buffer.concat([good, bad])), false);
      }
    });
  }

  it('agrees with a decoder on every sequence of three bytes', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const edges = [
      0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
      0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff
    ];
    const decodes = (bytes) => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };

    for (const first of edges) {
      for (const second of edges) {
        for (const third of edges) {
          const bytes = Buffer.from([first, second, third]);

          assert.strictEqual(
            isValidUTF8(bytes),
            decodes(bytes),
            bytes.toString('hex')
          );
        }
      }
    }
  });
});

describe('isValidStatusCode', () => {
  it('accepts exactly the codes that may be sent', () => {
    const ranges = [
      [1000, 1003],
      [1007, 1014],
      [3000, 4999]
    ];

    for (let code = 0; code <= 5100; code++) {
      assert.strictEqual(
        isValidStatusCode(code),
        ranges.some(([first, last]) => first <= code && code <= last),
        `${code}`
      );
    }
  });

  it('rejects what is not a number', () => {
    assert.strictEqual(isValidStatusCode(undefined), false);
    assert.strictEqual(isValidStatusCode(NaN), false);
  });
});

describe('isBlob', () => {
  it('accepts a Blob and what looks like a Blob or a File', () => {
    const lookalike = (tag) => ({
      arrayBuffer() {},
      stream() {},
      type: '',
      [Symbol.toStringTag]: tag
    });

    assert.strictEqual(isBlob(new Blob([])), true);
    assert.strictEqual(isBlob(lookalike('Blob')), true);
    assert.strictEqual(isBlob(lookalike('File')), true);
    assert.strictEqual(isBlob(lookalike('Request')), false);
  });

  it('rejects other data', () => {
    for (const data of ['Blob', 1, undefined, {}, Buffer.alloc(1)]) {
      assert.strictEqual(isBlob(data), false);
    }
  });
});

describe('tokenChars', () => {
  it('marks the characters of a token', () => {
    const marked = tokenChars
      .map((mark, code) => (mark === 1 ? String.fromCharCode(code) : ''))
      .join('');

    assert.strictEqual(tokenChars.length, 128);
    assert.strictEqual(
      marked,
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`" +
        'abcdefghijklmnopqrstuvwxyz|~'
    );
  });
});
