'use strict';

// What the class PerMessageDeflate compresses by itself.

const inProcess = require('../in-process');
const { extensions } = require('../extension-stage');
const { Deflater, Inflater } = require('../../support/deflate');

/** A client's extension that forgets what it has written. */
const FORGETFUL = { client_no_context_takeover: [true] };

/** 2000 bytes that cannot be compressed by themselves. */
const NOISE = Buffer.from(
  Array.from({ length: 2000 }, (_, i) => (i * i * 7919 + (i >> 3) * 31) >> 2)
);

/** The major version of this Node.js. */
const major = parseInt(process.versions.node, 10);

module.exports = {
  stages: extensions,

  async 'round trips of many lengths'(stage) {
    const writer = stage.negotiated();
    const reader = stage.negotiated({ isServer: true });
    for (const length of [0, 1, 2, 100, 2000, 16383, 16384, 16385, 200000]) {
      const data = Buffer.alloc(length, 'round trip ');
      const bytes = await stage.step(
        `compressed ${length}`,
        (callback) => writer.compress(data, true, callback),
        (result) => result.length <= Math.max(length, 8)
      );
      await stage.step(
        `decompressed ${length}`,
        (callback) => reader.decompress(bytes, true, callback),
        (result) => data.equals(result)
      );
    }
  },

  async 'messages with memory'(stage) {
    const extension = stage.negotiated();
    await stage.compress(extension, new Inflater(), NOISE, NOISE, NOISE);
  },

  async 'messages without memory'(stage) {
    const extension = stage.negotiated({}, FORGETFUL);
    const inflater = new Inflater({ takeover: false });
    await stage.compress(extension, inflater, NOISE, NOISE, NOISE);
  },

  async 'memory of each side'(stage) {
    for (const isServer of [false, true]) {
      for (const name of ['client', 'server']) {
        const params = { [`${name}_no_context_takeover`]: [true] };
        const extension = stage.negotiated({ isServer }, params);
        const takeover = isServer === (name === 'client');
        stage.note(`-- ${isServer} ${name}`);
        const inflater = new Inflater({ takeover });
        await stage.compress(extension, inflater, NOISE, NOISE);
      }
    }
  },

  async 'messages in a small window'(stage) {
    for (const isServer of [false, true]) {
      for (const bits of [8, 9, 10, 12]) {
        stage.note(`-- ${isServer} ${bits}`);
        const name = isServer ? 'server' : 'client';
        const params = { [`${name}_max_window_bits`]: [`${bits}`] };
        const extension = stage.negotiated({ isServer }, params);
        // Small pieces, so that nothing out of the window is at hand.
        const inflater = new Inflater({
          windowBits: bits,
          zlib: { chunkSize: 64 }
        });
        await stage.compress(extension, inflater, NOISE, NOISE);
      }
    }
  },

  async 'parts of messages'(stage) {
    for (const takeover of [true, false]) {
      stage.note(`-- ${takeover}`);
      const extension = stage.negotiated({}, takeover ? {} : FORGETFUL);
      await stage.compress(
        extension,
        new Inflater({ takeover }),
        { part: NOISE },
        { part: NOISE },
        { part: '' },
        NOISE,
        NOISE,
        '',
        '',
        NOISE
      );
    }
  },

  async 'strings and views'(stage) {
    const memory = Buffer.from('abcdefghijkl');
    const { buffer, byteOffset } = memory;
    // The streams that ws writes to take those only from Node 20 on.
    const dataViews =
      major < 20 ? [] : [new DataView(buffer, byteOffset + 2, 3)];
    await stage.compress(
      stage.negotiated(),
      new Inflater(),
      'text \u20ac',
      '',
      new Uint8Array(buffer, byteOffset + 1, 5),
      ...dataViews,
      memory
    );
  },

  async 'the lengths of tiny messages'(stage) {
    const extension = stage.negotiated({}, FORGETFUL);
    for (const [data, fin] of [
      ['123', false],
      ['12', true],
      ['', false],
      ['data', true],
      ['data', false],
      ['', true],
      ['', true]
    ]) {
      await stage.step(
        `"${data}" ${fin}`,
        (callback) => extension.compress(data, fin, callback),
        (bytes) => bytes.length
      );
    }
  },

  async 'with each level, memory and strategy'(stage) {
    const text = Buffer.alloc(5000, 'with each level, ');
    for (const zlibDeflateOptions of [
      ...[-1, 0, 1, 6, 9].map((level) => ({ level })),
      ...[1, 8, 9].map((memLevel) => ({ memLevel })),
      ...[0, 1, 2, 3, 4].map((strategy) => ({ strategy })),
      { chunkSize: 64 },
      { flush: 0, finishFlush: 0 },
      {}
    ]) {
      stage.note(JSON.stringify(zlibDeflateOptions));
      const extension = stage.negotiated({ zlibDeflateOptions });
      const inflater = new Inflater();
      await stage.compress(extension, inflater, text, { part: NOISE }, text);
    }
  },

  async 'with another window, which does not count'(stage) {
    const zlibDeflateOptions = { windowBits: 9 };
    const extension = stage.negotiated({ zlibDeflateOptions });
    await stage.compress(extension, new Inflater(), NOISE, NOISE);
    stage.note(JSON.stringify(zlibDeflateOptions));
  },

  async 'with a dictionary'(stage) {
    const dictionary = NOISE;
    for (const params of [{}, FORGETFUL]) {
      const takeover = params !== FORGETFUL;
      const extension = stage.negotiated(
        { zlibDeflateOptions: { dictionary } },
        params
      );
      const inflater = new Inflater({ dictionary, takeover });
      await stage.compress(extension, inflater, NOISE, NOISE);
    }
  },

  async 'clean up while it compresses'(stage) {
    const extension = stage.negotiated();
    const inflated = (bytes) => `${new Inflater().fragment(bytes)}`;
    await stage.step('first', (callback) => {
      extension.compress('text', true, callback);
      extension.cleanup();
      stage.note('cleaned up');
    });
    await stage.idle();
    await stage.step(
      'second',
      (callback) => extension.compress('text', true, callback),
      inflated
    );
  },

  async 'clean up in the callback'(stage) {
    const extension = stage.negotiated();
    for (let i = 0; i < 3; i++) {
      await stage.step(`${i}`, (callback) =>
        extension.compress('text', true, (err, bytes) => {
          extension.cleanup();
          callback(err, new Inflater().fragment(bytes));
        })
      );
    }
  },

  async 'clean up between messages, and twice'(stage) {
    const extension = stage.negotiated();
    extension.cleanup();
    extension.cleanup();
    for (let i = 0; i < 2; i++) {
      await stage.compress(extension, new Inflater(), NOISE);
      await stage.decompress(extension, new Deflater().message('a'));
      extension.cleanup();
      extension.cleanup();
    }
    stage.note(JSON.stringify(extension.params));
  },

  async 'both directions at once'(stage) {
    const extension = stage.negotiated();
    const [deflater, inflater] = [new Deflater(), new Inflater()];
    for (let i = 0; i < 5; i++) {
      const results = [];
      const wait = (name, start) =>
        new Promise((resolve) => {
          start((err, bytes) => resolve((results[name] = [err, bytes])));
        });
      await Promise.all([
        wait(0, (cb) => extension.compress(`out ${i}`, true, cb)),
        wait(1, (cb) =>
          extension.decompress(deflater.message(`in ${i}`), true, cb)
        )
      ]);
      const [[, out], [, into]] = results;
      stage.note(`${inflater.fragment(out)} ${into}`);
    }
  },

  // The first instance of a process says how many may work at a time.
  'a limit of one at a time': inProcess(({ tested, note }) => {
    const { PerMessageDeflate } = tested;
    const make = (concurrencyLimit) => {
      const extension = new PerMessageDeflate({ concurrencyLimit });
      extension.accept([{}]);
      return extension;
    };
    const [first, second, third] = [make(1), make(100), make()];
    let left = 3;
    for (const [i, extension] of [first, second, third].entries()) {
      // What is longer comes first all the same.
      const data = Buffer.alloc(i === 0 ? 2e6 : 1e5, 'x');
      extension.compress(data, true, (err) => {
        note(`${i} ${err}`);
        if (--left === 0) note('done');
      });
    }
    note('after');
  })
};
