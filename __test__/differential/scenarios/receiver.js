'use strict';

// A receiver by itself, as tools use it: bytes are written, events come.

const brokenInput = require('../../support/broken-input');
const { closeBody, frame, OP } = require('../../support/frames');
const { alone, describe, show } = require('../plain-stage');

const MORE = { fin: false };

/**
 * A receiver whose events are logged.
 *
 * @param {PlainStage} stage where to log them
 * @param {Object} [options] the receiver's options
 * @return {Receiver}
 */
function watched(stage, options) {
  const { kStatusCode, EMPTY_BUFFER } = stage.package.lib('constants');
  const receiver = new stage.package.Receiver(options);
  const shown = (data) => `${show(data)}${data === EMPTY_BUFFER ? ' it' : ''}`;

  receiver.on('message', (data, isBinary) =>
    stage.note(`message ${shown(data)} ${isBinary}`)
  );
  receiver.on('ping', (data) => stage.note(`ping ${shown(data)}`));
  receiver.on('pong', (data) => stage.note(`pong ${shown(data)}`));
  receiver.on('conclude', (code, reason) =>
    stage.note(`conclude ${code} ${shown(reason)}`)
  );
  receiver.on('error', (err) =>
    stage.note(`error ${describe(err)} ${err[kStatusCode]}`)
  );
  for (const name of ['drain', 'finish', 'close']) {
    receiver.on(name, () => stage.note(name));
  }
  return receiver;
}

/**
 * Frames without masks in one Buffer.
 *
 * @param {...Array} frames for each the arguments of `frame`
 * @return {Buffer}
 */
const encode = (...frames) =>
  Buffer.concat(frames.map((args) => frame(...args)));

/**
 * Writes bytes in pieces.
 *
 * @param {PlainStage} stage the stage
 * @param {Receiver} receiver where to
 * @param {Buffer} bytes what to write
 * @param {number} size how long the pieces are
 */
async function feed(stage, receiver, bytes, size) {
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    receiver.write(chunk, stage.noted(`written ${at}`));
    await new Promise(setImmediate);
  }
  await stage.idle();
}

const programs = {
  async 'all kinds of frames at once'(stage) {
    const receiver = watched(stage);
    const bytes = encode(
      [OP.TEXT, 'text'],
      [OP.BINARY, 'binary'],
      [OP.TEXT, ''],
      [OP.BINARY, ''],
      [OP.PING, 'ping'],
      [OP.PING, ''],
      [OP.PONG, 'pong'],
      [OP.PONG, ''],
      [OP.TEXT, 'a', MORE],
      [OP.PING, 'between'],
      [OP.CONT, '', MORE],
      [OP.CONT, 'b'],
      [OP.CLOSE, closeBody(1000, 'bye')]
    );
    stage.note(`write ${receiver.write(bytes, stage.noted('written'))}`);
    stage.note('after');
    await stage.idle();
  },

  async 'all kinds of frames in pieces of each size'(stage) {
    const bytes = encode(
      [OP.TEXT, 'h\u00e9llo'],
      [OP.BINARY, Buffer.alloc(130, 7), MORE],
      [OP.PONG, 'x'],
      [OP.CONT, Buffer.alloc(5, 8)],
      [OP.CLOSE, closeBody(4000)]
    );
    for (const size of [1, 2, 3, 7, 50, 500]) {
      await feed(stage, watched(stage), bytes, size);
    }
  },

  async 'close frames'(stage) {
    for (const body of [
      '',
      closeBody(1000),
      closeBody(1001, 'why'),
      closeBody(4999, 'x'.repeat(123)),
      closeBody(1014, '\u00e9')
    ]) {
      const receiver = watched(stage);
      receiver.write(
        encode([OP.CLOSE, body], [OP.TEXT, 'late']),
        stage.noted('written')
      );
      stage.note('after');
      await stage.idle();
      receiver.write(encode([OP.TEXT, 'later']), stage.noted('later'));
      await stage.idle();
    }
  },

  async 'a close frame within a message, and at its end'(stage) {
    const receiver = watched(stage);
    receiver.write(encode([OP.TEXT, 'a', MORE]), stage.noted('written'));
    receiver.write(encode([OP.CLOSE, '']), stage.noted('closed'));
    await stage.idle();
  },

  async 'masked frames, in one chunk and in pieces'(stage) {
    const mask = { mask: true };
    for (const size of [500, 1, 9]) {
      // Made anew each time, since masks are taken off in place.
      const bytes = encode(
        [OP.TEXT, 'masked', mask],
        [OP.BINARY, Buffer.alloc(200, 1), mask],
        [OP.PING, '', mask],
        [OP.CLOSE, closeBody(1000, 'bye'), mask]
      );
      await feed(stage, watched(stage, { isServer: true }), bytes, size);
    }
  },

  async 'lengths in a longer form than needed'(stage) {
    const receiver = watched(stage);
    receiver.write(
      encode(
        [OP.TEXT, 'a', { form: 126 }],
        [OP.BINARY, 'b', { form: 127 }],
        [OP.TEXT, '', { form: 126 }]
      )
    );
    await stage.idle();
  },

  async 'each binary type'(stage) {
    for (const binaryType of ['nodebuffer', 'arraybuffer', 'fragments']) {
      const receiver = watched(stage, { binaryType });
      receiver.write(
        encode(
          [OP.BINARY, 'whole'],
          [OP.TEXT, 'text'],
          [OP.BINARY, ''],
          [OP.BINARY, 'a', MORE],
          [OP.CONT, '', MORE],
          [OP.CONT, 'bc']
        )
      );
      await stage.idle();
    }
    const blobs = watched(stage, { binaryType: 'blob' });
    blobs.removeAllListeners('message');
    blobs.on('message', async (data) =>
      stage.note(`${data.constructor.name} ${data.size} ${await data.text()}`)
    );
    blobs.write(encode([OP.BINARY, 'ab', MORE], [OP.CONT, 'c']));
    await stage.logged(/^Blob/);
  },

  async 'a payload exactly at maxPayload'(stage) {
    const receiver = watched(stage, { maxPayload: 5 });
    receiver.write(
      encode(
        [OP.TEXT, '12345'],
        [OP.BINARY, '12', MORE],
        [OP.PING, '1234567'],
        [OP.CONT, '345'],
        [OP.TEXT, '1234', MORE],
        [OP.CONT, '56']
      ),
      stage.noted('written')
    );
    await stage.idle();
  },

  async 'as many fragments as allowed, and one more'(stage) {
    const receiver = watched(stage, { maxFragments: 3 });
    const two = [
      [OP.TEXT, 'a', MORE],
      [OP.CONT, '', MORE]
    ];
    receiver.write(
      encode(...two, [OP.CONT, 'b'], ...two, [OP.CONT, 'b', MORE], [OP.CONT]),
      stage.noted('written')
    );
    await stage.idle();
  },

  async 'as many buffered chunks as allowed, and one more'(stage) {
    for (const maxBufferedChunks of [1, 2, 3]) {
      const receiver = watched(stage, { maxBufferedChunks });
      const bytes = encode([OP.BINARY, '123456']);
      await feed(stage, receiver, bytes.subarray(0, 5), 1);
      await feed(stage, receiver, bytes.subarray(5), 9);
    }
  },

  async 'buffered chunks are counted anew for each frame'(stage) {
    const receiver = watched(stage, { maxBufferedChunks: 4 });
    const bytes = encode([OP.TEXT, 'ab'], [OP.TEXT, 'cd'], [OP.PING, 'ef']);
    await feed(stage, receiver, bytes, 1);
  },

  async 'limits of 0 and below are none'(stage) {
    for (const limit of [0, -1]) {
      const receiver = watched(stage, {
        maxBufferedChunks: limit,
        maxFragments: limit,
        maxPayload: limit
      });
      const frames = encode(
        [OP.BINARY, 'abc', MORE],
        [OP.CONT, 'def', MORE],
        [OP.CONT, 'ghi']
      );
      await feed(stage, receiver, frames, 2);
    }
  },

  async 'text that is not UTF-8, unchecked'(stage) {
    const receiver = watched(stage, { skipUTF8Validation: true });
    const bad = Buffer.from('c328ff', 'hex');
    receiver.write(
      encode(
        [OP.TEXT, bad],
        [OP.TEXT, bad, MORE],
        [OP.CONT, bad],
        [OP.CLOSE, closeBody(1000, bad)]
      )
    );
    await stage.idle();
  },

  async 'a character cut by fragments'(stage) {
    const receiver = watched(stage);
    const text = Buffer.from('\u00e9\u20ac\u{1f600}');
    receiver.write(
      encode(
        ...Array.from(text, (byte, i) => [
          i === 0 ? OP.TEXT : OP.CONT,
          Buffer.from([byte]),
          { fin: i === text.length - 1 }
        ])
      )
    );
    await stage.idle();
  },

  async 'each event in its own tick'(stage) {
    const receiver = watched(stage, { allowSynchronousEvents: false });
    receiver.on('message', (data) => {
      process.nextTick(() => stage.note(`tick ${data}`));
      Promise.resolve().then(() => stage.note(`microtask ${data}`));
    });
    const bytes = encode(
      [OP.TEXT, 'a'],
      [OP.PING, 'b'],
      [OP.TEXT, 'c'],
      [OP.PONG, 'd'],
      [OP.TEXT, 'e'],
      [OP.CLOSE, '']
    );
    receiver.write(bytes, stage.noted('written'));
    stage.note('after');
    await stage.logged(/close/);
  },

  async 'each event in its own tick, and many writes'(stage) {
    const receiver = watched(stage, { allowSynchronousEvents: false });
    for (const text of ['a', 'b', 'c', 'd']) {
      receiver.write(encode([OP.TEXT, text]), stage.noted(text));
    }
    stage.note('after');
    receiver.end(stage.noted('end'));
    await stage.logged(/close/);
  },

  async 'an end without a close frame'(stage) {
    const receiver = watched(stage);
    receiver.write(encode([OP.TEXT, 'a'], [OP.TEXT, 'b', MORE]));
    receiver.end(stage.noted('end'));
    stage.note('after');
    await stage.logged(/^close/);
  },

  async 'bytes after an error'(stage) {
    const receiver = watched(stage);
    const bad = encode([OP.TEXT, 'a'], [3, ''], [OP.TEXT, 'b']);
    receiver.write(bad, stage.noted('bad'));
    stage.note(`destroyed ${receiver.destroyed}`);
    receiver.write(encode([OP.TEXT, 'c']), stage.noted('late'));
    await stage.idle();
    receiver.write(encode([OP.TEXT, 'd']), stage.noted('later'));
    await stage.idle();
  },

  async 'called as a tool does, without write'(stage) {
    const receiver = watched(stage);
    const bytes = encode([OP.TEXT, 'a'], [OP.BINARY, 'b'], [OP.PING, 'c']);
    receiver._write(bytes, 'buffer', stage.noted('written'));
    stage.note('after');
    receiver._write(bytes.subarray(0, 4), 'buffer', stage.noted('part'));
    receiver._write(bytes.subarray(4), 'buffer', stage.noted('rest'));
    receiver._write(encode([3, '']), 'buffer', stage.noted('bad'));
    await stage.idle();
  },

  async 'writes of strings and of other views'(stage) {
    const receiver = watched(stage);
    receiver.write('\u0001\u0001a\u0009\u0000', stage.noted('string'));
    await stage.idle();
    const other = watched(stage);
    other.write(new Uint8Array([0x81, 1, 97]), stage.noted('view'));
    stage.attempt('null', () => other.write(null));
    stage.attempt('number', () => other.write(1));
    await stage.idle();
  },

  async 'without arguments, it is a client'(stage) {
    for (const options of [undefined, {}, { isServer: undefined }]) {
      const receiver = watched(stage, options);
      stage.note(
        `${receiver.writableHighWaterMark} ${receiver.writableObjectMode} ` +
          `${receiver.writable} ${receiver._isServer} ${receiver._binaryType}`
      );
      receiver.write(encode([OP.TEXT, 'a', { mask: true }]));
      await stage.idle();
    }
  },

  async 'destroyed by the program'(stage) {
    const receiver = watched(stage, { allowSynchronousEvents: false });
    receiver.write(
      encode([OP.TEXT, 'a'], [OP.TEXT, 'b'], [OP.TEXT, 'c']),
      stage.noted('written')
    );
    receiver.destroy();
    stage.note('after');
    await stage.idle();
    receiver.write(encode([OP.TEXT, 'd']), stage.noted('late'));
    await stage.idle();
  }
};

for (const isServer of [true, false]) {
  const role = isServer ? 'server' : 'client';

  for (const [how, size] of [
    ['whole', Infinity],
    ['byte by byte', 1]
  ]) {
    programs[`all that can be wrong for a ${role}, ${how}`] = async (stage) => {
      for (const row of brokenInput(isServer)) {
        stage.note(`-- ${row.name}`);
        const receiver = watched(stage, { isServer, ...row.options });
        const pieces = Math.min(size, row.bytes.length);
        for (let at = 0; at < row.bytes.length; at += pieces) {
          receiver.write(row.bytes.subarray(at, at + pieces));
        }
        stage.note('after');
        await new Promise(setImmediate);
      }
    };
  }
}

module.exports = { stages: alone, ...programs };
