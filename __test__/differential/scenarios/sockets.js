'use strict';

// What a real socket has that a bare Duplex has not.

const net = require('node:net');

const { overTcp } = require('../stage');

module.exports = {
  stages: overTcp,

  async 'the socket is one of net, with its addresses'(stage) {
    await stage.open();
    const { _socket: socket } = stage.ws;
    stage.note(`${socket instanceof net.Socket} ${socket.constructor.name}`);
    stage.note(`${socket.remoteAddress} ${socket.remoteFamily}`);
    stage.note(`${socket.remotePort === stage.peer.localPort}`);
    stage.note(`${socket.timeout ?? 0} ${socket.allowHalfOpen}`);
    for (const name of ['setKeepAlive', 'setNoDelay', 'unref', 'ref']) {
      stage.attempt(name, () => socket[name]());
    }
    await stage.goodbye();
    stage.note(`${socket.remoteAddress}`);
  },

  async 'bytes are counted'(stage) {
    await stage.open();
    const { _socket: socket } = stage.ws;
    const before = [socket.bytesRead, socket.bytesWritten];
    stage.say([1, 'text'], [2, Buffer.alloc(300)]);
    await stage.logged(/^message/, 2);
    stage.ws.send('text');
    stage.ws.send(Buffer.alloc(300));
    await stage.received(310);
    stage.note(socket.bytesRead - before[0]);
    stage.note(socket.bytesWritten - before[1]);
    await stage.goodbye();
  },

  async 'the socket is reset'(stage) {
    await stage.open();
    stage.ws._socket.resetAndDestroy();
    stage.note(`[${stage.ws.readyState}]`);
    await stage.closed();
    await stage.gone();
  },

  async 'the peer resets'(stage) {
    await stage.open();
    stage.ws._socket.on('error', (err) => stage.note(`socket ${err.code}`));
    stage.peer.resetAndDestroy();
    await stage.closed();
  },

  async 'the peer resets while it is paused'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.text('a');
    await stage.idle();
    stage.peer.resetAndDestroy();
    await stage.idle();
    stage.note(`[${stage.ws.readyState}]`);
    stage.ws.resume();
    await stage.closed();
  },

  async 'the socket has a timeout'(stage) {
    await stage.open();
    const { ws } = stage;
    ws._socket.setTimeout(20, () => {
      stage.note('timeout');
      ws.terminate();
    });
    await stage.closed();
  },

  async 'a timeout of the socket by itself does nothing'(stage) {
    await stage.open();
    stage.ws._socket.setTimeout(5);
    stage.ws._socket.on('timeout', () => stage.note('timeout'));
    await stage.logged(/^timeout/);
    stage.note(`[${stage.ws.readyState}]`);
    stage.ws._socket.setTimeout(0);
    await stage.goodbye();
  },

  async destroySoon(stage) {
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    stage.ws.send('b', stage.noted('b'));
    stage.ws._socket.destroySoon();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  }
};
