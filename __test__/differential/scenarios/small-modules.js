'use strict';

// The header parsers, and the modules that dependents load by file name.

const { File } = require('node:buffer');

const { alone, show } = require('../plain-stage');

const TOKENS = "!#$%&'*+-.^_`|~09AZaz";

/**
 * Tries each of some arguments.
 *
 * @param {PlainStage} stage where to note what comes
 * @param {Function} fn what to call
 * @param {Array} list the arguments
 */
function attemptEach(stage, fn, list) {
  for (const value of list) {
    const title = typeof value === 'string' ? JSON.stringify(value) : value;
    stage.attempt(show(title), () => fn(value));
  }
}

module.exports = {
  stages: alone,

  'extensions that parse'(stage) {
    attemptEach(stage, stage.package.extension.parse, [
      'foo',
      'foo,foo',
      'foo,bar',
      'foo;bar',
      'foo; bar; baz=1; bar',
      'foo; bar=1; bar=2, foo; bar=3',
      'foo\t ;\t bar\t ,\t baz',
      'foo;bar="a"',
      'foo;bar="\\a\\b"',
      'foo; bar="a" ;baz',
      'foo; bar="a" , baz',
      'permessage-deflate; client_max_window_bits',
      '__proto__; __proto__=constructor',
      'a; toString, toString; a',
      TOKENS,
      `a;${TOKENS}=${TOKENS}`
    ]);
    const parsed = stage.package.extension.parse('a; b');
    stage.note(Object.getPrototypeOf(parsed));
    stage.note(Object.getPrototypeOf(parsed.a[0]));
  },

  'extensions that do not parse'(stage) {
    attemptEach(stage, stage.package.extension.parse, [
      '',
      ' foo',
      'foo ',
      'foo,',
      'foo;',
      'foo; ',
      'foo, ',
      ',foo',
      ';foo',
      'foo,,bar',
      'foo;;bar',
      'foo bar',
      'foo; bar baz',
      'foo;bar=',
      'foo;bar= 1',
      'foo;bar =1',
      'foo;bar=1 2',
      'foo;=1',
      'foo=1',
      'foo;bar=1=2',
      'foo;bar="',
      'foo;bar="a',
      'foo;bar=""',
      'foo;bar="a b"',
      'foo;bar="a"b',
      'foo;bar=a"b"',
      'foo;bar="\\"',
      'foo;bar="a\\',
      'foo;bar="\\ "',
      'foo;bar="a,b"',
      'foo"',
      'f\u00f6o',
      'foo;b\u20acr',
      'foo\u0000',
      'foo\n',
      'foo\u007f',
      'foo;"bar"'
    ]);
  },

  'extensions with each character'(stage) {
    const { parse } = stage.package.extension;
    for (let code = 0; code < 256; code++) {
      const c = String.fromCharCode(code);
      stage.attempt(`${code} a`, () => parse(`${c}a`));
      stage.attempt(`${code} b`, () => parse(`a;b${c}=1`));
      stage.attempt(`${code} c`, () => parse(`a;b=${c}, c`));
      stage.attempt(`${code} d`, () => parse(`a;b="${c}"`));
    }
  },

  'extensions, formatted'(stage) {
    attemptEach(stage, stage.package.extension.format, [
      {},
      { foo: {} },
      { foo: [{}] },
      { foo: [{}, {}] },
      { foo: { bar: true } },
      { foo: { bar: [true] } },
      { foo: { bar: 1, baz: 'x' } },
      { foo: [{ bar: ['1', '2', true] }, { baz: [true] }], qux: {} },
      { foo: { bar: false } },
      { foo: { bar: null } },
      { foo: { bar: undefined } },
      { foo: { bar: '' } }
    ]);
  },

  'subprotocols that parse'(stage) {
    attemptEach(stage, stage.package.subprotocol.parse, [
      'foo',
      'foo,bar',
      'foo, bar',
      'foo\t,\tbar',
      'foo , bar ,baz',
      'Foo,foo',
      'b,a,c',
      TOKENS
    ]);
  },

  'subprotocols that do not parse'(stage) {
    attemptEach(stage, stage.package.subprotocol.parse, [
      '',
      ' ',
      ' foo',
      'foo ',
      'foo,',
      'foo, ',
      ',foo',
      'foo,,bar',
      'foo bar',
      'foo\tbar',
      'foo,foo',
      'foo,bar, foo ',
      'foo,foo,bar baz',
      'f\u00f6o',
      'foo\u0000',
      'foo/bar',
      'foo;bar'
    ]);
  },

  'subprotocols with each character'(stage) {
    const { parse } = stage.package.subprotocol;
    for (let code = 0; code < 256; code++) {
      const c = String.fromCharCode(code);
      stage.attempt(`${code} a`, () => parse(`${c}a`));
      stage.attempt(`${code} b`, () => parse(`a${c}`));
      stage.attempt(`${code} c`, () => parse(`a${c},b`));
      stage.attempt(`${code} d`, () => parse(`a,${c}b`));
    }
  },

  'a limiter runs jobs in order'(stage) {
    const Limiter = stage.package.lib('limiter');
    const limiter = new Limiter(2);
    const running = [];
    const state = () => `${limiter.pending} ${limiter.jobs.length}`;
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      limiter.add((done) => {
        stage.note(`${name} begins, ${state()}`);
        running.push([name, done]);
      });
    }
    stage.note(state());
    while (running.length > 0) {
      const [name, done] = running.shift();
      stage.note(`${name} ends, ${state()}`);
      done();
    }
    stage.note(state());
  },

  'a limiter whose jobs end at once'(stage) {
    const Limiter = stage.package.lib('limiter');
    for (const concurrency of [0, 1, undefined, Infinity, 3]) {
      const limiter = new Limiter(concurrency);
      stage.note(`${limiter.concurrency} ${limiter.pending}`);
      for (let i = 0; i < 3; i++) {
        limiter.add((done) => {
          stage.note(`${i} of ${concurrency}`);
          if (i === 1) limiter.add((end) => (stage.note('added'), end()));
          done();
        });
      }
      stage.note(`${limiter.jobs.length} ${limiter.pending}`);
    }
  },

  concat(stage) {
    const { concat } = stage.package.lib('buffer-util');
    const { EMPTY_BUFFER } = stage.package.lib('constants');
    const one = Buffer.from('one');
    const two = Buffer.from('two');
    stage.note(concat([], 0) === EMPTY_BUFFER);
    stage.note(concat([], 5) === EMPTY_BUFFER);
    stage.note(concat([one], 3) === one);
    stage.note(concat([one], 99) === one);
    for (const total of [6, 7, 100]) {
      stage.attempt(total, () => concat([one, two], total));
    }
    stage.attempt('views', () => concat([new Uint8Array([1, 2]), two], 5));
    stage.attempt('too short', () => concat([one, two], 5));
  },

  isValidUTF8(stage) {
    const { isValidUTF8 } = stage.package.lib('validation');
    const valid = (hex) =>
      stage.note(`${hex} ${isValidUTF8(Buffer.from(hex, 'hex'))}`);
    for (const hex of ['', '00', '7f', '80', 'c280', 'c080', 'c1bf', 'dfbf']) {
      valid(hex);
    }
    for (const hex of ['e0a080', 'e09fbf', 'ed9fbf', 'eda080', 'efbfbf']) {
      valid(hex);
      valid(hex.slice(0, 4));
    }
    for (const hex of ['f0908080', 'f08fbfbf', 'f48fbfbf', 'f4908080']) {
      valid(hex);
      valid(hex.slice(0, 6));
    }
    for (const hex of [
      'f888808080',
      'fe',
      'ff',
      '61c3',
      '61c3a962',
      'efbbbf'
    ]) {
      valid(hex);
    }
    for (let first = 0x80; first < 0x100; first++) {
      for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf]) {
        valid(Buffer.from([first, second, 0x80, 0x80]).toString('hex'));
        valid(Buffer.from([first, second]).toString('hex'));
      }
    }
  },

  'status codes and tokens'(stage) {
    const { isBlob, isValidStatusCode, tokenChars } =
      stage.package.lib('validation');
    for (let code = -1; code < 5200; code++) {
      if (isValidStatusCode(code)) stage.note(code);
    }
    stage.note(`${Array.from(tokenChars)}`);
    const blob = { arrayBuffer() {}, stream() {}, type: '' };
    for (const tag of ['Blob', 'File', 'Bloc']) {
      stage.attempt(tag, () => isBlob({ ...blob, [Symbol.toStringTag]: tag }));
    }
    attemptEach(stage, isBlob, [new Blob([]), new File([], 'x'), {}, blob, '']);
  },

  'the constants'(stage) {
    const { EMPTY_BUFFER, NOOP, hasBlob, ...constants } =
      stage.package.lib('constants');
    stage.note(`${EMPTY_BUFFER.length} ${Buffer.isBuffer(EMPTY_BUFFER)}`);
    stage.note(`${NOOP()} ${NOOP.length} ${hasBlob}`);
    for (const name of Object.keys(constants).sort()) {
      stage.note(`${name} ${String(constants[name])}`);
    }
  },

  'the event classes'(stage) {
    const classes = stage.package.lib('event-target');
    const options = {
      code: 1000,
      reason: 'why',
      wasClean: true,
      error: 'error',
      message: 'text',
      data: 'data'
    };
    for (const name of ['Event', 'CloseEvent', 'ErrorEvent', 'MessageEvent']) {
      const Tested = classes[name];
      const parent = Object.getPrototypeOf(Tested).name;
      stage.note(`${Tested.name} ${Tested.length} ${parent}`);
      const { prototype } = Tested;
      for (const [key, found] of Object.entries(
        Object.getOwnPropertyDescriptors(prototype)
      ).sort()) {
        stage.note(
          `${key} ${typeof found.get} ${typeof found.set} ` +
            `${found.enumerable} ${found.configurable}`
        );
      }
      for (const event of [new Tested('a'), new Tested('b', options)]) {
        const seen = [];
        for (const key in event) seen.push(`${key}=${event[key]}`);
        stage.note(seen.sort());
        stage.note(Object.keys(event));
        stage.attempt('written', () => (event.type = 'c'));
      }
    }
  }
};
