'use strict';

// What comes in with permessage-deflate, and in which order.

const { deflateEverywhere } = require('../deflate-stage');
const { show } = require('../plain-stage');
const { Deflater, RSV1 } = require('../../support/deflate');
const { OP } = require('../../support/frames');

const MORE = { fin: false };

/** Bytes that are not a text. */
const BYTES = Buffer.from([0, 1, 2, 0xff, 0xfe, 0xfd]);

/**
 * Sends bytes in pieces.
 *
 * @param {DeflateStage} stage the stage
 * @param {Buffer} bytes the bytes
 * @param {number} size how long the pieces are
 */
async function trickle(stage, bytes, size) {
  for (let at = 0; at < bytes.length; at += size) {
    stage.peer.write(bytes.subarray(at, at + size));
    await new Promise(setImmediate);
  }
}

const scenarios = {
  stages: deflateEverywhere,

  async 'texts, short and long'(stage) {
    await stage.open();
    stage.tell('a', '', 'h\u00e9llo \u20ac \u{1f600}', 'x'.repeat(40));
    stage.say(
      stage.compressed('y'.repeat(100000), OP.BINARY),
      stage.compressed('last')
    );
    await stage.logged(/^message "last"/);
    await stage.goodbye();
  },

  async 'binary messages of each type'(stage) {
    await stage.open();
    for (const type of ['nodebuffer', 'arraybuffer', 'fragments', 'blob']) {
      stage.ws.binaryType = type;
      const count = stage.log.ws.length;
      stage.say(
        stage.compressed(BYTES, OP.BINARY),
        stage.compressed('', OP.BINARY),
        ...stage.fragmented(['ab', '', BYTES, 'c'], OP.BINARY),
        ...stage.fragmented(['', ''], OP.BINARY),
        [OP.BINARY, 'plain'],
        stage.compressed('a text'),
        ...stage.fragmented(['a text ', 'in parts'])
      );
      await stage.until(() => stage.log.ws.length >= count + 7);
    }
    await stage.goodbye();
  },

  async 'what is in a blob'(stage) {
    await stage.open();
    stage.ws.binaryType = 'blob';
    stage.ws.on('message', async (blob) => {
      stage.note(`blob ${blob.size} ${show(await blob.arrayBuffer())}`);
    });
    stage.say(stage.compressed(BYTES, OP.BINARY));
    await stage.logged(/^blob/);
    stage.say(...stage.fragmented([BYTES, 'abc'], OP.BINARY));
    await stage.logged(/^blob/, 2);
    await stage.goodbye();
  },

  async 'what is empty'(stage) {
    await stage.open();
    const { EMPTY_BUFFER } = stage.package.lib('constants');
    stage.ws.on('message', (data) => stage.note(data === EMPTY_BUFFER));
    stage.say(
      stage.compressed(''),
      stage.compressed('', OP.BINARY),
      ...stage.fragmented(['', '', ''], OP.BINARY)
    );
    await stage.logged(/^message/, 3);
    await stage.goodbye();
  },

  async 'messages for listeners of the other kind'(stage) {
    await stage.open();
    stage.ws.addEventListener('message', ({ data }) =>
      stage.note(`${typeof data} ${show(data)}`)
    );
    stage.say(stage.compressed('text'), stage.compressed(BYTES, OP.BINARY));
    await stage.logged(/^object/);
    await stage.goodbye();
  },

  async 'control frames between messages and fragments'(stage) {
    await stage.open();
    const [first, second, third] = stage.fragmented(['a', 'b', 'c']);
    stage.say(
      [OP.PING, '1'],
      stage.compressed('before'),
      [OP.PING, '2'],
      first,
      [OP.PONG, '3'],
      second,
      [OP.PING, '4'],
      third,
      [OP.PING, '5'],
      stage.compressed('behind'),
      [OP.PONG, '6']
    );
    await stage.logged(/^pong Buffer 1 36/);
    await stage.framesCame(4);
    await stage.goodbye();
  },

  async 'messages that are not compressed, among others'(stage) {
    await stage.open();
    stage.say(
      [OP.TEXT, 'plain'],
      stage.compressed('compressed'),
      [OP.TEXT, 'plain ', MORE],
      [OP.CONT, 'in parts'],
      ...stage.fragmented(['compressed ', 'in parts']),
      [OP.BINARY, ''],
      stage.compressed('compressed')
    );
    await stage.logged(/^message/, 6);
    await stage.goodbye();
  },

  async 'messages in pieces'(stage) {
    await stage.open();
    for (const size of [1, 2, 5, 11]) {
      const bytes = stage.encode(
        stage.compressed('in pieces'),
        ...stage.fragmented(['of ', 'several ', 'sizes']),
        [OP.PING, 'p'],
        stage.compressed(BYTES, OP.BINARY)
      );
      await trickle(stage, bytes, size);
      stage.note(`-- ${size}`);
      await stage.idle();
    }
    await stage.goodbye();
    // Where a message comes among the pieces is left to chance.
    stage.log.ws = stage.log.ws.filter((line) => !line.startsWith('--'));
  },

  async 'fragments cut anywhere'(stage) {
    await stage.open();
    const text = 'cut where nothing was flushed';
    for (const size of [1, 2, 7]) {
      const [opcode, bytes, { rsv }] = stage.compressed(text);
      const frames = [];
      for (let at = 0; at < bytes.length; at += size) {
        frames.push([
          at === 0 ? opcode : OP.CONT,
          bytes.subarray(at, at + size),
          { fin: at + size >= bytes.length, rsv: at === 0 ? rsv : 0 }
        ]);
      }
      stage.say(...frames);
    }
    await stage.logged(/^message/, 3);
    await stage.goodbye();
  },

  async 'right behind the handshake'(stage) {
    const early = new Deflater().message('early');
    const bytes = stage.encode([OP.TEXT, early, { rsv: RSV1 }]);
    await stage.open({}, {}, [bytes]);
    await stage.logged(/^message/);
    await stage.goodbye();
  },

  async 'each in its own tick'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    const ticks = [];
    stage.ws.on('message', () => {
      const { length } = stage.log.ws;
      process.nextTick(() => ticks.push(stage.log.ws.length - length));
    });
    stage.say(
      stage.compressed('a'),
      [OP.PING, 'b'],
      stage.compressed('c', OP.BINARY),
      stage.compressed('d', OP.BINARY),
      [OP.TEXT, 'e'],
      [OP.TEXT, 'f'],
      stage.compressed('g'),
      [OP.PONG, 'h']
    );
    await stage.logged(/^pong/);
    stage.note(`${ticks}`);
    await stage.goodbye();
  },

  async 'many messages, with memory'(stage) {
    await stage.open();
    for (let i = 0; i < 300; i++) stage.tell(`message ${i}, with memory`);
    await stage.logged(/^message/, 300);
    await stage.goodbye();
  },

  async 'messages without memory'(stage) {
    await stage.open({}, { theirs: { takeover: false } });
    stage.tell('without memory', 'without memory', '', 'without memory');
    stage.say(...stage.fragmented(['in parts, ', 'in parts, ', 'in parts']));
    await stage.logged(/^message/, 5);
    await stage.goodbye();
  },

  async 'messages that need a memory there is not'(stage) {
    await stage.open({}, { theirs: { takeover: false } });
    stage.deflater = new Deflater();
    stage.tell('without memory', 'without memory');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'memory of the other side'(stage) {
    await stage.open({}, { ours: { takeover: false } });
    stage.tell('with memory', 'with memory');
    await stage.logged(/^message/, 2);
    await stage.goodbye();
  }
};

for (const bits of [8, 9, 10, 12, 15]) {
  scenarios[`a window of ${bits} bits`] = async (stage) => {
    await stage.open({}, { theirs: { bits } });
    const far = ['a word', 'x'.repeat(500), 'y'.repeat(9000), 'a word'].join();
    stage.say(
      stage.compressed(far, OP.BINARY),
      stage.compressed('a word'),
      stage.compressed(far, OP.BINARY)
    );
    await stage.logged(/^message/, 3);
    await stage.goodbye();
  };
}

module.exports = scenarios;
