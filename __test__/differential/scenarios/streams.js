'use strict';

// WebSockets as streams.

const { once } = require('node:events');
const { Duplex, pipeline, Readable, Transform } = require('node:stream');

const { describe, show } = require('../plain-stage');

/**
 * Makes a stream, and logs what it emits.
 *
 * @param {Stage} stage an open stage
 * @param {Object} [options] the stream's options
 * @param {boolean} [reads=true] whether it is read
 * @return {Duplex}
 */
function watched(stage, options, reads = true) {
  const duplex = stage.package.createWebSocketStream(stage.ws, options);
  if (reads) {
    duplex.on('data', (data) =>
      stage.note(`data ${typeof data} ${show(data)}`)
    );
  }
  for (const name of ['end', 'finish', 'drain', 'close']) {
    duplex.on(name, () => stage.note(`stream ${name}`));
  }
  duplex.on('error', (err) => stage.note(`stream error ${describe(err)}`));
  stage.cleanups.push(() => duplex.destroy());
  return duplex;
}

/**
 * Waits until the stream is closed.
 *
 * @param {Stage} stage the stage
 */
const closed = (stage) => stage.logged(/^stream close/);

/**
 * Ends the writable side, after which the stream is closed.
 *
 * @param {Stage} stage the stage
 * @param {Duplex} duplex the stream
 */
async function finished(stage, duplex) {
  stage.note(`${duplex.destroyed} ${duplex.readableEnded}`);
  duplex.end();
  await closed(stage);
}

module.exports = {
  async 'messages are read, and the peer closes'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.say([1, 'text'], [2, 'binary'], [9, 'ping']);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'what is written is sent'(stage) {
    await stage.open();
    const duplex = watched(stage);
    duplex.write('text', stage.noted('text'));
    duplex.write(Buffer.from('buffer'), stage.noted('buffer'));
    duplex.write(new Uint8Array([1, 2]), stage.noted('view'));
    duplex.write('e9', 'hex', stage.noted('hex'));
    duplex.end('last', stage.noted('end'));
    // The close frame is among them; a client masks all six.
    await stage.received(stage.isServer ? 29 : 53);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await closed(stage);
  },

  async 'written strings that stay strings'(stage) {
    await stage.open();
    const duplex = watched(stage, { decodeStrings: false, encoding: 'utf8' });
    duplex.write('text', stage.noted('text'));
    duplex.write(Buffer.from('buffer'), stage.noted('buffer'));
    stage.say([2, Buffer.from([0xc3])], [2, Buffer.from([0xa9])]);
    await stage.logged(/^data/);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'an object mode for reading'(stage) {
    await stage.open();
    const duplex = watched(stage, { readableObjectMode: true });
    stage.say([1, 'text'], [2, 'binary'], [1, ''], [2, '']);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'empty messages'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.say([1, ''], [2, ''], [1, 'a'], [1, '']);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'options that are not taken'(stage) {
    await stage.open();
    const duplex = watched(stage, {
      autoDestroy: true,
      emitClose: true,
      objectMode: true,
      writableObjectMode: true,
      allowHalfOpen: false,
      highWaterMark: 7,
      readableHighWaterMark: 5
    });
    stage.note(
      [
        duplex.readableObjectMode,
        duplex.writableObjectMode,
        duplex.allowHalfOpen,
        duplex.readableHighWaterMark,
        duplex.writableHighWaterMark,
        duplex instanceof Duplex
      ].join()
    );
    await stage.goodbye();
    await closed(stage);
  },

  async 'a reader that is slow pauses'(stage) {
    await stage.open();
    const duplex = watched(stage, { readableHighWaterMark: 4 }, false);
    stage.text('abc', 'def', 'ghi');
    await stage.logged(/"ghi"/);
    stage.note(`${stage.ws.isPaused} ${duplex.readableLength}`);
    duplex.on('data', (data) => stage.note(`data ${data}`));
    stage.text('jkl');
    await stage.logged(/^data jkl/);
    stage.note(`${stage.ws.isPaused}`);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'a writer that is fast is told'(stage) {
    await stage.open();
    const duplex = watched(stage, { writableHighWaterMark: 10 });
    stage.note(duplex.write('12345'));
    stage.note(duplex.write('1234567890'));
    await stage.logged(/drain/);
    stage.note(duplex.writableLength);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'both sides end'(stage) {
    await stage.open();
    const duplex = watched(stage);
    duplex.end();
    stage.note(`[${stage.ws.readyState}]`);
    await stage.received(2);
    stage.text('late');
    stage.bye();
    await stage.ended();
    stage.peer.end();
    await closed(stage);
    stage.note(duplex.destroyed);
  },

  async 'the peer closes, and the stream is written to'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.bye(1000);
    await stage.ended();
    duplex.write('late', stage.noted('late'));
    stage.peer.end();
    await stage.closed();
    await stage.idle();
  },

  async 'destroyed without an error'(stage) {
    await stage.open();
    const duplex = watched(stage);
    duplex.destroy();
    stage.note(`[${stage.ws.readyState}] ${duplex.destroyed}`);
    await closed(stage);
  },

  async 'destroyed with an error'(stage) {
    await stage.open();
    const duplex = watched(stage);
    duplex.destroy(new Error('mine'));
    stage.note(`[${stage.ws.readyState}] ${duplex.destroyed}`);
    await closed(stage);
    duplex.destroy(new Error('again'));
    duplex.write('late', stage.noted('late'));
    await stage.idle();
  },

  async 'destroyed when it is closed already'(stage) {
    await stage.open();
    const duplex = watched(stage, { allowHalfOpen: true }, false);
    await stage.goodbye();
    stage.note(`[${stage.ws.readyState}] ${duplex.destroyed}`);
    duplex.destroy();
    await closed(stage);
  },

  async 'destroyed in a message'(stage) {
    await stage.open();
    const duplex = watched(stage);
    duplex.once('data', () => duplex.destroy());
    stage.text('a', 'b', 'c');
    await closed(stage);
  },

  async 'broken input'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.say([1, 'a'], [3, '']);
    await stage.ended();
    stage.note(`[${stage.ws.readyState}] ${duplex.destroyed}`);
    stage.peer.end();
    await closed(stage);
  },

  async 'broken input, and nobody listens'(stage) {
    await stage.open();
    stage.package.createWebSocketStream(stage.ws);
    stage.ws.removeAllListeners('message');
    stage.say([3, '']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    await stage.logged(/^uncaught/);
  },

  async 'the connection breaks off'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.text('a');
    await stage.logged(/^data/);
    stage.ws._socket.destroy();
    await stage.closed();
    duplex.destroy();
    await closed(stage);
  },

  async 'an error of the program on the WebSocket'(stage) {
    await stage.open();
    const duplex = watched(stage);
    stage.ws.emit('error', new Error('mine'));
    stage.note(`[${stage.ws.readyState}]`);
    await stage.goodbye();
    await finished(stage, duplex);
  },

  async 'a pipeline that echoes'(stage) {
    await stage.open();
    const duplex = watched(stage, undefined, false);
    const upper = new Transform({
      transform: (chunk, encoding, done) => done(null, `${chunk}`.toUpperCase())
    });
    pipeline(duplex, upper, duplex, stage.noted('pipeline'));
    stage.text('abc', 'def');
    await stage.received(8);
    await stage.goodbye();
    await stage.logged(/^pipeline/);
  },

  async 'a pipeline into the stream'(stage) {
    await stage.open();
    const duplex = watched(stage);
    pipeline(Readable.from(['a', 'b', 'c']), duplex, stage.noted('pipeline'));
    await stage.received(10);
    stage.bye();
    await stage.ended();
    stage.peer.end();
    await stage.logged(/^pipeline/);
    await closed(stage);
  },

  async 'read with an iterator'(stage) {
    await stage.open();
    const duplex = watched(stage, { readableObjectMode: true }, false);
    stage.text('a', 'b');
    stage.bye(1000);
    stage.ended().then(() => stage.peer.end());
    for await (const data of duplex) stage.note(`got ${data}`);
    await stage.idle();
  },

  async 'a stream of any emitter'(stage) {
    await stage.open();
    const { EventEmitter } = require('node:events');
    const emitter = new EventEmitter();
    const duplex = stage.package.createWebSocketStream(emitter);
    emitter.emit('message', Buffer.from('a'), false);
    const [data] = await once(duplex, 'data');
    stage.note(data);
    await stage.goodbye();
  }
};
