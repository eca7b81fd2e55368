'use strict';

// What goes out with permessage-deflate, in which order, and who is told.

const { deflateEverywhere } = require('../deflate-stage');
const { OP } = require('../../support/frames');

const MORE = { fin: false };

/** No memory, on which a threshold depends. */
const FORGETFUL = { ours: { takeover: false } };

/** A text that can be compressed. */
const text = (length) =>
  'compressible '.repeat(length / 13 + 1).slice(0, length);

/** 3000 bytes that cannot be compressed by themselves. */
const NOISE = Buffer.from(
  Array.from({ length: 3000 }, (_, i) => (i * i * 7919 + (i >> 3) * 31) >> 2)
);

/**
 * Sends, and waits for the callback of the last.
 *
 * @param {DeflateStage} stage the stage
 * @param {...Array} sends for each the arguments of `send()`
 */
async function send(stage, ...sends) {
  sends.forEach((args, i) => stage.ws.send(...args, stage.noted(`sent ${i}`)));
  stage.note(`buffered ${stage.ws.bufferedAmount}`);
  await stage.logged(new RegExp(`^sent ${sends.length - 1}:`));
  stage.note(`buffered ${stage.ws.bufferedAmount}`);
  await stage.framesCame(sends.length);
}

const scenarios = {
  stages: deflateEverywhere,

  async 'texts, short and long'(stage) {
    await stage.open();
    const texts = ['a', text(100), text(1023), text(1024), text(70000)];
    await send(stage, ...texts.map((data) => [data]));
    await stage.goodbye();
  },

  async 'messages with memory'(stage) {
    await stage.open();
    await send(stage, [NOISE], [NOISE], [NOISE]);
    stage.note(`${stage.log.bytes.length < 1.5 * NOISE.length}`);
    await stage.goodbye();
  },

  async 'messages without memory'(stage) {
    await stage.open({}, FORGETFUL);
    await send(stage, [NOISE], [NOISE], [NOISE]);
    stage.note(`${stage.log.bytes.length > 2.5 * NOISE.length}`);
    await stage.goodbye();
  },

  async 'the default threshold, without memory'(stage) {
    await stage.open({}, FORGETFUL);
    const lengths = [0, 1, 1023, 1024, 1025];
    await send(
      stage,
      ...lengths.map((length) => [text(length)]),
      ...lengths.map((length) => [Buffer.from(text(length))]),
      // Bytes count, not characters.
      ['\u00e9'.repeat(511)],
      ['\u00e9'.repeat(512)]
    );
    await stage.goodbye();
  },

  async 'a threshold, with memory'(stage) {
    await stage.open({ perMessageDeflate: { threshold: 3 } });
    await send(stage, [''], ['ab'], ['abc'], ['abcd'], [Buffer.from('ab')]);
    await stage.goodbye();
  },

  async 'a threshold, without memory'(stage) {
    await stage.open({ perMessageDeflate: { threshold: 3 } }, FORGETFUL);
    await send(stage, [''], ['ab'], ['abc'], ['abcd'], [Buffer.from('ab')]);
    await stage.goodbye();
  },

  async 'no threshold, without memory'(stage) {
    await stage.open({ perMessageDeflate: { threshold: 0 } }, FORGETFUL);
    await send(stage, [''], ['a'], [Buffer.alloc(0)], [NOISE]);
    await stage.goodbye();
  },

  async 'a threshold for the memory of the other side'(stage) {
    await stage.open({}, { theirs: { takeover: false } });
    await send(stage, ['a'], ['b']);
    await stage.goodbye();
  },

  async 'the first fragment and the threshold'(stage) {
    const options = { perMessageDeflate: { threshold: 5 } };
    await stage.open(options, FORGETFUL);
    await send(
      stage,
      ['abc', MORE],
      [text(2000), MORE],
      ['de'],
      ['abcde', MORE],
      ['', MORE],
      ['f'],
      ['', MORE],
      [text(2000)]
    );
    await stage.goodbye();
  },

  async 'compress or not, by message'(stage) {
    await stage.open();
    await send(
      stage,
      ['a', { compress: true }],
      ['b', { compress: false }],
      ['c', { compress: undefined }],
      ['d', { compress: 0 }],
      ['e', { compress: 1 }],
      ['f', {}],
      ['g']
    );
    await stage.goodbye();
  },

  async 'compress or not, by fragment'(stage) {
    await stage.open();
    await send(
      stage,
      ['a', { fin: false, compress: true }],
      ['b', { fin: false, compress: false }],
      ['c', { compress: false }],
      ['d', { fin: false, compress: false }],
      ['e', { fin: false, compress: true }],
      ['f', { compress: true }]
    );
    await stage.goodbye();
  },

  async 'fragments, empty ones too'(stage) {
    await stage.open();
    await send(
      stage,
      ['', MORE],
      ['', MORE],
      ['a', MORE],
      ['', MORE],
      [NOISE, MORE],
      [''],
      [Buffer.from('b'), MORE],
      [Buffer.alloc(0)],
      [''],
      [Buffer.alloc(0)]
    );
    await stage.goodbye();
  },

  async 'the lengths of tiny messages'(stage) {
    const options = { perMessageDeflate: { threshold: 0 } };
    await stage.open(options, FORGETFUL);
    await send(
      stage,
      ['123', MORE],
      ['12'],
      ['', MORE],
      ['data'],
      ['data', MORE],
      ['']
    );
    stage.note(stage.log.bytes.length);
    await stage.goodbye();
  },

  async 'each kind of data'(stage) {
    await stage.open();
    const { buffer } = new Uint8Array([97, 98, 99, 100, 101, 102, 103, 104]);
    await send(
      stage,
      ['h\u00e9llo'],
      [Buffer.from('buffer')],
      [buffer],
      [new Uint8Array(buffer, 2, 3)],
      [new Uint16Array(buffer, 2, 2)],
      [new DataView(buffer, 1, 4)],
      [[97, 98, 353]],
      [Object('boxed')],
      [5],
      [null],
      [undefined],
      [false],
      [Buffer.from('text'), { binary: false }],
      ['binary', { binary: true }],
      [new Blob(['blob'])]
    );
    stage.note(Buffer.from(buffer));
    await stage.goodbye();
  },

  async 'data that cannot be sent'(stage) {
    await stage.open();
    stage.ws.send('first', stage.noted('first'));
    for (const data of [true, {}, 1n, Symbol('s')]) {
      stage.attempt(String(data), () => stage.ws.send(data));
    }
    await send(stage, ['last']);
    await stage.goodbye();
  },

  async 'control frames behind what is compressed'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send(text(3000), stage.noted('first'));
    ws.ping('ping', undefined, stage.noted('ping'));
    ws.send(text(20), { compress: false }, stage.noted('second'));
    ws.pong('pong', undefined, stage.noted('pong'));
    ws.send(text(3000), MORE, stage.noted('third'));
    ws.ping(new Blob(['blob']), undefined, stage.noted('blob'));
    ws.send('end', stage.noted('fourth'));
    stage.note(`buffered ${ws.bufferedAmount}`);
    ws.close(1000, 'bye');
    stage.note(`[${ws.readyState}] buffered ${ws.bufferedAmount}`);
    await stage.framesCame(8);
    stage.note(`buffered ${ws.bufferedAmount}`);
    await stage.goodbye();
  },

  async 'control frames that are never compressed'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const data of ['', 'x'.repeat(125), Buffer.from('ping')]) {
      ws.ping(data, undefined, stage.noted('ping'));
      ws.pong(data, undefined, stage.noted('pong'));
    }
    ws.close(1000, 'x'.repeat(123));
    await stage.framesCame(7);
    await stage.goodbye();
  },

  async 'pongs behind what is compressed'(stage) {
    await stage.open();
    // Before the peer's ping is answered.
    stage.ws.on('ping', () =>
      stage.note(`buffered ${stage.ws.bufferedAmount}`)
    );
    stage.ws.on('message', () => stage.ws.send(text(5000)));
    stage.say([OP.TEXT, 'go'], [OP.PING, 'a'], [OP.TEXT, 'go'], [OP.PING, 'b']);
    await stage.framesCame(4);
    await stage.goodbye();
  },

  async 'blobs among what is compressed'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('text', stage.noted('text'));
    ws.send(new Blob(['blob']), stage.noted('blob'));
    ws.send('more', stage.noted('more'));
    ws.send(new Blob([text(5000)]), MORE, stage.noted('long blob'));
    ws.send(new Blob(['plain']), { compress: false }, stage.noted('end'));
    ws.send(new Blob([]), stage.noted('empty'));
    ws.send(new Blob(['x']), { compress: false }, stage.noted('plain'));
    ws.ping('', undefined, stage.noted('ping'));
    stage.note(`buffered ${ws.bufferedAmount}`);
    await stage.logged(/^ping/);
    stage.note(`buffered ${ws.bufferedAmount}`);
    await stage.framesCame(8);
    await stage.goodbye();
  },

  async 'a blob below the threshold'(stage) {
    const options = { perMessageDeflate: { threshold: 5 } };
    await stage.open(options, FORGETFUL);
    await send(
      stage,
      [new Blob(['abcd'])],
      [new Blob(['abcde'])],
      [new Blob(['ab']), MORE],
      [new Blob(['abcdefg'])]
    );
    await stage.goodbye();
  },

  async 'more than a chunk of zlib'(stage) {
    await stage.open();
    const noise = Buffer.concat(Array(30).fill(NOISE)).map((x, i) => x + i * i);
    await send(stage, [noise], [text(1000000)], [noise, MORE], [noise]);
    await stage.goodbye();
  },

  async 'many messages'(stage) {
    await stage.open();
    const list = Array.from({ length: 300 }, (_, i) => [`message ${i}`]);
    await send(stage, ...list);
    await stage.goodbye();
  }
};

for (const bits of [8, 9, 12, 15]) {
  scenarios[`a window of ${bits} bits`] = async (stage) => {
    await stage.open({}, { ours: { bits } });
    await send(stage, [NOISE], [text(3000)], [NOISE], ['a'], [text(20)]);
    await stage.goodbye();
  };
}

module.exports = scenarios;
