'use strict';

// What becomes of what is being compressed when something else happens.

const { deflateEverywhere } = require('../deflate-stage');
const { closeBody, OP } = require('../../support/frames');

const MORE = { fin: false };

/** A text that can be compressed. */
const LONG = 'compressible '.repeat(5000);

module.exports = {
  stages: deflateEverywhere,

  async 'terminate in the same tick'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('a', stage.noted('a'));
    ws.send('b', { compress: false }, stage.noted('b'));
    ws.ping('c', undefined, stage.noted('c'));
    ws.send(new Blob(['d']), stage.noted('d'));
    ws.send('e', MORE, stage.noted('e'));
    ws.send('f', stage.noted('f'));
    ws.pong('g', undefined, stage.noted('g'));
    ws.terminate();
    stage.note(`[${ws.readyState}] buffered ${ws.bufferedAmount}`);
    ws.send('late', stage.noted('late'));
    await stage.closed();
    await stage.idle();
    stage.note(`buffered ${ws.bufferedAmount}`);
  },

  async 'terminate without callbacks'(stage) {
    await stage.open();
    stage.ws.send('a');
    stage.ws.send('b');
    stage.ws.terminate();
    await stage.closed();
    await stage.idle();
  },

  async 'terminate with a callback at the end only'(stage) {
    await stage.open();
    stage.ws.send('a');
    stage.ws.ping();
    stage.ws.send('b', stage.noted('b'));
    stage.ws.terminate();
    await stage.closed();
    await stage.idle();
  },

  async 'terminate behind a blob'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send(new Blob(['a']), stage.noted('a'));
    ws.send('b', stage.noted('b'));
    ws.send(new Blob(['c']), { compress: false }, stage.noted('c'));
    ws.terminate();
    await stage.closed();
    await stage.idle();
  },

  async 'terminate in the callback'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('a', (err) => {
      stage.noted('a')(err);
      ws.terminate();
      ws.send('late', stage.noted('late'));
    });
    await stage.closed();
    await stage.idle();
  },

  async 'close right after a send'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send(LONG, stage.noted('long'));
    ws.close(1000, 'bye');
    stage.note(`[${ws.readyState}] buffered ${ws.bufferedAmount}`);
    ws.send('late', stage.noted('late'));
    ws.ping('late', undefined, stage.noted('late ping'));
    stage.note(`buffered ${ws.bufferedAmount}`);
    ws.close(1001);
    await stage.framesCame(2);
    await stage.goodbye();
  },

  async 'close with nothing but compressed messages'(stage) {
    await stage.open();
    for (let i = 0; i < 20; i++) stage.ws.send(LONG.slice(i));
    stage.ws.close();
    await stage.framesCame(21);
    await stage.goodbye();
  },

  async 'close with a bad code'(stage) {
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    stage.attempt('bad', () => stage.ws.close(1005));
    stage.note(`[${stage.ws.readyState}]`);
    await stage.framesCame(1);
    await stage.logged(/^a:/);
    await stage.goodbye();
  },

  async 'the peer closes while a message is compressed'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.on('message', () => {
      ws.send(LONG, stage.noted('long'));
      ws.send('short', stage.noted('short'));
    });
    stage.say([OP.TEXT, 'go'], [OP.CLOSE, closeBody(1000, 'bye')]);
    await stage.framesCame(3);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the peer does wrong while a message is compressed'(stage) {
    await stage.open();
    stage.ws.on('message', () => {
      stage.ws.send(LONG, stage.noted('long'));
      stage.ws.send('short', stage.noted('short'));
    });
    stage.say([OP.TEXT, 'go'], [3, 'what']);
    await stage.framesCame(3);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'sends in callbacks'(stage) {
    await stage.open();
    const { ws } = stage;
    let left = 5;
    const next = (err) => {
      stage.note(`sent ${left} ${err ?? 'fine'}`);
      if (left-- > 0) ws.send('again and again', next);
      else ws.close(1000);
    };
    ws.send('first', next);
    await stage.framesCame(7);
    await stage.goodbye();
  },

  async 'exceptions in callbacks'(stage) {
    await stage.open();
    for (const name of ['a', 'b', 'c']) {
      await new Promise((resolve) => {
        stage.ws.send(name, () => {
          stage.note(`sent ${name}`);
          resolve();
          throw new Error(name);
        });
      });
      await stage.logged(new RegExp(`^uncaught ${name}`));
    }
    await stage.framesCame(3);
    stage.ws.terminate();
    await stage.closed();
  },

  async echoes(stage) {
    await stage.open();
    const { ws } = stage;
    ws.on('message', (data, binary) => ws.send(data, { binary }));
    stage.tell('a', 'b', 'a', 'c');
    await stage.framesCame(4);
    stage.tell('d', 'a');
    await stage.framesCame(6);
    await stage.goodbye();
  },

  async 'a frame that was encoded, behind what is compressed'(stage) {
    await stage.open();
    const { ws } = stage;
    const list = stage.package.Sender.frame(Buffer.from('encoded'), {
      fin: true,
      mask: !stage.isServer,
      opcode: OP.TEXT,
      readOnly: true,
      rsv1: false,
      generateMask: (mask) => mask.fill(9)
    });
    ws.send(LONG, stage.noted('long'));
    ws._sender.sendFrame(list, stage.noted('frame'));
    ws.send('short', stage.noted('short'));
    // It has no place in the order of the sender.
    await stage.framesCame(3);
    await stage.goodbye();
  },

  async 'a blob that cannot be read'(stage) {
    await stage.open();
    const blob = new Blob(['x']);
    blob.arrayBuffer = () => Promise.reject(new Error('unreadable'));
    stage.ws.send('text', stage.noted('text'));
    stage.ws.send(blob, stage.noted('blob'));
    stage.ws.send('late', stage.noted('late'));
    await stage.ended();
    stage.note(`[${stage.ws.readyState}]`);
    stage.peer.end();
    await stage.closed();
  },

  async 'the socket fails'(stage) {
    await stage.open();
    stage.ws._socket._write = (chunk, encoding, done) => done(new Error('no'));
    stage.ws._socket._writev = (chunks, done) => done(new Error('no'));
    stage.ws.send('a', stage.noted('a'));
    await stage.closed();
    await stage.idle();
  },

  async 'a slow peer'(stage) {
    const zlibDeflateOptions = { level: 0 };
    await stage.open({ perMessageDeflate: { zlibDeflateOptions } });
    const { ws } = stage;
    stage.peer.pause();
    const data = Buffer.alloc(1000000, 'x');
    for (let i = 0; i < 6; i++) ws.send(data);
    ws.send('last', stage.noted('last'));
    stage.note(`buffered ${ws.bufferedAmount}`);
    ws.close(1000);
    await stage.idle();
    stage.peer.resume();
    await stage.framesCame(8);
    await stage.goodbye();
    stage.note(`buffered ${ws.bufferedAmount}`);
  }
};
