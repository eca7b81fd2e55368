'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { extension, lib } = require('./support/ferrows');

/** An object without a prototype, as the parser makes them. */
const bare = (properties) => Object.assign(Object.create(null), properties);

describe('extension', () => {
  it('is the module of the same name', () => {
    assert.strictEqual(lib('extension'), extension);
  });

  describe('parse', () => {
    const valid = [
      ['a', { a: [{}] }],
      ['a;b', { a: [{ b: [true] }] }],
      ['a;b=1', { a: [{ b: ['1'] }] }],
      ['a; b="x"', { a: [{ b: ['x'] }] }],
      ['a; b="x\\y"', { a: [{ b: ['xy'] }] }],
      ['a;b=1;b=2;b', { a: [{ b: ['1', '2', true] }] }],
      ['a;b, a;c', { a: [{ b: [true] }, { c: [true] }] }],
      ['a ;\tb , c', { a: [{ b: [true] }], c: [{}] }],
      ['a;b="x" ;c', { a: [{ b: ['x'], c: [true] }] }],
      ['a;b="x",c', { a: [{ b: ['x'] }], c: [{}] }],
      ["!#$%&'*+-.^_`|~09AZaz", { "!#$%&'*+-.^_`|~09AZaz": [{}] }]
    ];
    for (const [header, expected] of valid) {
      it(`understands ${JSON.stringify(header)}`, () => {
        const offers = Object.entries(expected).map(([name, list]) => [
          name,
          list.map(bare)
        ]);
        assert.deepStrictEqual(
          extension.parse(header),
          bare(Object.fromEntries(offers))
        );
      });
    }

    it('takes the names of `Object.prototype` as any other', () => {
      const offers = extension.parse(
        '__proto__;constructor=1, valueOf;__proto__'
      );

      assert.deepStrictEqual(Object.keys(offers), ['__proto__', 'valueOf']);
      assert.strictEqual(Object.getPrototypeOf(offers), null);
      const [first] = offers.__proto__;
      assert.deepStrictEqual(first, bare({ constructor: ['1'] }));
      const [second] = offers.valueOf;
      assert.deepStrictEqual(Object.keys(second), ['__proto__']);
      assert.strictEqual(Object.getPrototypeOf(second), null);
    });

    const unexpected = [
      [' a', 0],
      ['\ta', 0],
      [';a', 0],
      ['\u00e9', 0],
      ['\\', 0],
      ['a=b', 1],
      ['a"', 1],
      ['a =b', 2],
      ['a\tb', 2],
      ['a  b', 3],
      ['a;;b', 2],
      ['a,,b', 2],
      ['a;=b', 2],
      ['a;b= 1', 4],
      ['a;b =1', 4],
      ['a;b==', 4],
      ['a;b=\\x', 4],
      ['a;b=x"', 5],
      ['a;b=x\\', 5],
      ['a;b=""', 5],
      ['a;b="\u00e9"', 5],
      ['a;b="\\"', 6],
      ['a;b="a b"', 6],
      ['a;b="a,b"', 6],
      ['a;b="x"y', 7],
      ['a;b="x\\"y"', 7]
    ];
    for (const [header, index] of unexpected) {
      it(`rejects ${JSON.stringify(header)} at index ${index}`, () => {
        assert.throws(() => extension.parse(header), {
          name: 'SyntaxError',
          message: `Unexpected character at index ${index}`
        });
      });
    }

    for (const header of [
      '',
      'a ',
      'a,',
      'a;',
      'a;b=',
      'a;b=1 ',
      'a;b="',
      'a;b="x',
      'a;b="x\\',
      'a;b="x" '
    ]) {
      it(`rejects the early end of ${JSON.stringify(header)}`, () => {
        assert.throws(() => extension.parse(header), {
          name: 'SyntaxError',
          message: 'Unexpected end of input'
        });
      });
    }

    it('needs time linear in the length of the header', () => {
      const header = `a;b="${'x'.repeat(1 << 20)}"`;
      const [offer] = extension.parse(header).a;
      assert.strictEqual(offer.b[0].length, 1 << 20);
    });
  });

  describe('format', () => {
    const cases = [
      [{}, ''],
      [{ a: {} }, 'a'],
      [{ a: [{}] }, 'a'],
      [{ a: { b: true } }, 'a; b'],
      [{ a: { b: 1 } }, 'a; b=1'],
      [{ a: { b: false } }, 'a; b=false'],
      [{ a: [{ b: [true, 1, 'x'] }, { c: true }] }, 'a; b; b=1; b=x, a; c'],
      [{ a: { b: '1' }, d: { e: ['f'] } }, 'a; b=1, d; e=f']
    ];
    for (const [extensions, header] of cases) {
      it(`turns ${JSON.stringify(extensions)} into '${header}'`, () => {
        assert.strictEqual(extension.format(extensions), header);
      });
    }

    it('gives back what was parsed', () => {
      const header = 'a; b; c=1; c=2, a, d; __proto__=x';
      assert.strictEqual(extension.format(extension.parse(header)), header);
    });
  });
});
