'use strict';

// A sender and a receiver by themselves, with an extension.

const { extensions } = require('../extension-stage');
const { describe, show } = require('../plain-stage');
const { Deflater, Inflater, RSV1 } = require('../../support/deflate');
const { closeBody, frame, OP, readFrames } = require('../../support/frames');

const NAME = 'permessage-deflate';
const MORE = { fin: false };
const COMPRESSED = { rsv: RSV1 };
const PLAIN = { fin: true, binary: false, mask: false, compress: true };

/** Fills a mask key. */
const fillMask = (mask) => mask.set([1, 2, 3, 4]);

/** The least that a sender needs of a socket. */
class MockSocket {
  constructor() {
    this.bytes = Buffer.alloc(0);
    this.destroyed = false;
    this.corks = 0;
  }

  cork() {
    this.corks++;
  }

  uncork() {
    this.corks--;
  }

  write(chunk, callback) {
    this.bytes = Buffer.concat([this.bytes, Buffer.from(chunk)]);
    callback?.();
  }
}

/**
 * A sender over a mock socket.
 *
 * @param {ExtensionStage} stage the stage
 * @param {PerMessageDeflate} [extension] the extension
 * @return {Sender}
 */
function mocked(stage, extension = stage.negotiated()) {
  const { Sender } = stage.package;
  const socket = new MockSocket();
  const sender = new Sender(socket, { [NAME]: extension }, fillMask);
  sender.onerror = (err) => stage.note(`onerror ${err.message}`);
  return sender;
}

/**
 * Logs what a sender has written.
 *
 * @param {ExtensionStage} stage the stage
 * @param {Sender} sender the sender
 */
function noteFrames(stage, sender) {
  const inflater = new Inflater();
  let isCompressed = false;
  const { bytes, corks } = sender._socket;
  for (const { fin, rsv, opcode, mask, payload } of readFrames(bytes).frames) {
    if (opcode === OP.TEXT || opcode === OP.BINARY) isCompressed = rsv !== 0;
    const inflated = opcode <= OP.BINARY && isCompressed;
    const data = inflated ? inflater.fragment(payload, fin) : payload;
    stage.note(`${opcode} ${fin} ${rsv} ${mask !== null} ${show(data)}`);
  }
  stage.note(`corks ${corks} ${sender._state} ${sender._bufferedBytes}`);
}

/**
 * A receiver whose events are logged.
 *
 * @param {ExtensionStage} stage where to log them
 * @param {Object} [options] the receiver's options
 * @param {PerMessageDeflate} [extension] the extension
 * @return {Receiver}
 */
function watched(stage, options, extension = stage.negotiated()) {
  const { kStatusCode } = stage.package.lib('constants');
  const receiver = new stage.package.Receiver({
    extensions: { [NAME]: extension },
    ...options
  });
  for (const name of ['message', 'ping', 'pong', 'conclude']) {
    receiver.on(name, (...args) => stage.note(`${name} ${args.map(show)}`));
  }
  receiver.on('error', (err) =>
    stage.note(`error ${describe(err)} ${err.errno} ${err[kStatusCode]}`)
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

module.exports = {
  stages: extensions,

  async 'a sender, and what is behind a message'(stage) {
    const sender = mocked(stage);
    sender.send('text', PLAIN, stage.noted('text'));
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
    sender.send('plain', { ...PLAIN, compress: false }, stage.noted('plain'));
    sender.ping('ping', false, stage.noted('ping'));
    sender.pong(new Blob(['pong']), false, stage.noted('pong'));
    sender.sendFrame([Buffer.from([0x81, 0])], stage.noted('frame'));
    sender.send(new Blob(['blob']), PLAIN, stage.noted('blob'));
    sender.send('more', { ...PLAIN, fin: false }, stage.noted('more'));
    sender.send('end', PLAIN, stage.noted('end'));
    sender.close(1000, 'bye', false, stage.noted('close'));
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
    await stage.logged(/^close/);
    noteFrames(stage, sender);
  },

  async 'a sender that masks'(stage) {
    const sender = mocked(stage);
    const data = Buffer.from('data');
    sender.send('text', { ...PLAIN, mask: true });
    sender.send(data, { ...PLAIN, binary: true, mask: true });
    sender.send('plain', { ...PLAIN, compress: false, mask: true });
    sender.ping('ping', true);
    sender.close(1000, '', true, stage.noted('close'));
    await stage.logged(/^close/);
    stage.note(`${data}`);
    noteFrames(stage, sender);
  },

  async 'a sender with few options'(stage) {
    const sender = mocked(stage);
    sender.send('none', {}, stage.noted('none'));
    sender.send('fin', { fin: true }, stage.noted('fin'));
    sender.send('compress', { fin: true, compress: true }, stage.noted('last'));
    await stage.logged(/^last/);
    noteFrames(stage, sender);
  },

  async 'a sender of a server'(stage) {
    const extension = stage.negotiated(
      { isServer: true, threshold: 3 },
      { server_no_context_takeover: [true] }
    );
    const sender = mocked(stage, extension);
    sender.send('ab', PLAIN);
    sender.send('abc', PLAIN);
    sender.send(Buffer.from('ab'), PLAIN);
    sender.send(Buffer.from('abc'), PLAIN, stage.noted('last'));
    await stage.logged(/^last/);
    noteFrames(stage, sender);
  },

  async 'a socket destroyed while a sender compresses'(stage) {
    const sender = mocked(stage);
    sender.send('a', PLAIN, stage.noted('a'));
    sender.send('b', PLAIN, stage.noted('b'));
    sender.ping('c', false, stage.noted('c'));
    sender.send(new Blob(['d']), PLAIN, stage.noted('d'));
    sender.close(1000, '', false, stage.noted('e'));
    sender._socket.destroyed = true;
    await stage.logged(/^e/);
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
    noteFrames(stage, sender);
  },

  async 'an extension cleaned up while a sender compresses'(stage) {
    const extension = stage.negotiated();
    const sender = mocked(stage, extension);
    sender.send('a', PLAIN, stage.noted('a'));
    sender.send('b', PLAIN, stage.noted('b'));
    sender._socket.destroyed = true;
    extension.cleanup();
    await stage.logged(/^b/);
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
  },

  async 'a receiver'(stage) {
    const deflater = new Deflater();
    const bytes = encode(
      [OP.TEXT, deflater.message('text'), COMPRESSED],
      [OP.PING, 'ping'],
      [OP.BINARY, deflater.message('binary'), COMPRESSED],
      [OP.TEXT, 'plain'],
      [OP.TEXT, deflater.part('in '), { rsv: RSV1, ...MORE }],
      [OP.PONG, 'pong'],
      [OP.CONT, deflater.message('parts')],
      [OP.CLOSE, closeBody(1000, 'bye')]
    );
    const receiver = watched(stage);
    receiver.write(bytes, stage.noted('written'));
    await stage.logged(/^close/);
  },

  async 'a receiver, and chunks written one after another'(stage) {
    const deflater = new Deflater();
    const receiver = watched(stage);
    for (const text of ['a', 'b', 'c']) {
      const bytes = encode(
        [OP.TEXT, deflater.message(text), COMPRESSED],
        [OP.PING, text]
      );
      receiver.write(bytes, stage.noted(`written ${text}`));
      await stage.logged(new RegExp(`^written ${text}`));
    }
    receiver.end(stage.noted('end'));
    await stage.logged(/^close/);
  },

  async 'a receiver, byte by byte'(stage) {
    const deflater = new Deflater();
    const receiver = watched(stage);
    const bytes = encode(
      [OP.TEXT, deflater.message('text'), COMPRESSED],
      [OP.PING, 'ping'],
      [OP.BINARY, deflater.message('x'.repeat(300)), COMPRESSED],
      [OP.CLOSE, '']
    );
    for (const byte of bytes) receiver.write(Buffer.of(byte));
    await stage.logged(/^close/);
  },

  async 'a receiver of a server'(stage) {
    const deflater = new Deflater();
    const mask = true;
    const extension = stage.negotiated({ isServer: true, maxPayload: 50 });
    const receiver = watched(
      stage,
      { isServer: true, maxPayload: 50 },
      extension
    );
    receiver.write(
      encode(
        [OP.TEXT, deflater.message('masked'), { ...COMPRESSED, mask }],
        [OP.TEXT, deflater.message('x'.repeat(50)), { ...COMPRESSED, mask }],
        [OP.TEXT, deflater.message('x'.repeat(51)), { ...COMPRESSED, mask }]
      ),
      stage.noted('written')
    );
    await stage.logged(/^close/);
  },

  async 'a limit of the extension, and one of the receiver'(stage) {
    const extension = stage.negotiated({ maxPayload: 20 });
    for (const maxPayload of [0, 10, 100]) {
      for (const length of [9, 19, 29]) {
        const receiver = watched(stage, { maxPayload }, extension);
        stage.note(`-- ${maxPayload} ${length}`);
        const data = new Deflater().message('x'.repeat(length));
        receiver.write(encode([OP.BINARY, data, COMPRESSED], [OP.CLOSE, '']));
        await stage.until(
          () => receiver.destroyed || receiver.writableFinished
        );
        await stage.idle();
        extension.cleanup();
      }
    }
  },

  async 'a receiver with each event in its own tick'(stage) {
    const deflater = new Deflater();
    const receiver = watched(stage, { allowSynchronousEvents: false });
    receiver.on('message', (data) =>
      process.nextTick(() => stage.note(`tick ${data}`))
    );
    receiver.write(
      encode(
        [OP.TEXT, deflater.message('a'), COMPRESSED],
        [OP.BINARY, deflater.message('b'), COMPRESSED],
        [OP.PING, 'c'],
        [OP.TEXT, deflater.message('d'), COMPRESSED],
        [OP.TEXT, 'e'],
        [OP.CLOSE, '']
      ),
      stage.noted('written')
    );
    await stage.logged(/^close/);
  },

  async 'RSV1 without an extension'(stage) {
    for (const list of [undefined, {}, { other: stage.negotiated() }]) {
      const receiver = watched(stage, { extensions: list });
      const data = new Deflater().message('a');
      receiver.write(encode([OP.TEXT, data, COMPRESSED]), stage.noted('bad'));
      await stage.until(() => receiver.destroyed);
      await stage.idle();
    }
  },

  async 'a fault, and bytes behind it'(stage) {
    const receiver = watched(stage);
    receiver.write(
      encode([OP.TEXT, Buffer.of(7), COMPRESSED], [OP.TEXT, 'lost']),
      stage.noted('bad')
    );
    receiver.write(encode([OP.TEXT, 'late']), stage.noted('late'));
    stage.note('after');
    await stage.logged(/^close/);
    await stage.idle();
    receiver.write(encode([OP.TEXT, 'later']), stage.noted('later'));
    await stage.idle();
  }
};
