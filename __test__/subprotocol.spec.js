'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { lib, subprotocol } = require('./support/ferrows');

describe('subprotocol', () => {
  it('is the module of the same name', () => {
    assert.strictEqual(lib('subprotocol'), subprotocol);
  });

  describe('parse', () => {
    const valid = [
      ['a', ['a']],
      ['a,b', ['a', 'b']],
      ['b , a', ['b', 'a']],
      ['a\t,\tb', ['a', 'b']],
      ['a,A', ['a', 'A']],
      ['__proto__,constructor', ['__proto__', 'constructor']],
      ["!#$%&'*+-.^_`|~09AZaz", ["!#$%&'*+-.^_`|~09AZaz"]]
    ];
    for (const [header, names] of valid) {
      it(`understands ${JSON.stringify(header)}`, () => {
        assert.deepStrictEqual(subprotocol.parse(header), new Set(names));
        assert.deepStrictEqual([...subprotocol.parse(header)], names);
      });
    }

    const unexpected = [
      [',', 0],
      [',a', 0],
      [' a', 0],
      ['\ta', 0],
      ['"a"', 0],
      ['\u00e9', 0],
      ['a;b', 1],
      ['a b', 2],
      ['a,,b', 2],
      ['a, ,b', 3],
      ['a,b,a c', 6]
    ];
    for (const [header, index] of unexpected) {
      it(`rejects ${JSON.stringify(header)} at index ${index}`, () => {
        assert.throws(() => subprotocol.parse(header), {
          name: 'SyntaxError',
          message: `Unexpected character at index ${index}`
        });
      });
    }

    for (const header of ['', 'a ', 'a\t', 'a,', 'a, ']) {
      it(`rejects the early end of ${JSON.stringify(header)}`, () => {
        assert.throws(() => subprotocol.parse(header), {
          name: 'SyntaxError',
          message: 'Unexpected end of input'
        });
      });
    }

    for (const header of ['a,a', 'b,a,c,a', 'a,b,a,\u00e9']) {
      it(`rejects the duplicate in ${JSON.stringify(header)}`, () => {
        assert.throws(() => subprotocol.parse(header), {
          name: 'SyntaxError',
          message: 'The "a" subprotocol is duplicated'
        });
      });
    }

    it('needs time linear in the length of the header', () => {
      const header = `a${' '.repeat(1 << 20)}b`;
      assert.throws(() => subprotocol.parse(header), {
        name: 'SyntaxError',
        message: `Unexpected character at index ${header.length - 1}`
      });
    });
  });
});
