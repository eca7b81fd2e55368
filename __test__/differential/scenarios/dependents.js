'use strict';

// What programs do beyond the documented API.

const { frame } = require('../../support/frames');

module.exports = {
  async 'the socket, before, while and after it is open'(stage) {
    await stage.open();
    const { ws } = stage;
    const socket = ws._socket;
    stage.note(`${socket.readable} ${socket.writable} ${socket.destroyed}`);
    stage.note(`${socket.isPaused()} ${socket.readableFlowing}`);
    for (const name of ['data', 'error', 'close', 'end', 'drain', 'finish']) {
      stage.note(`${name} ${socket.listenerCount(name) > 0}`);
    }
    stage.note(`${typeof socket.setTimeout} ${typeof socket.setNoDelay}`);
    await stage.goodbye();
    stage.note(`${ws._socket === socket} ${socket.destroyed}`);
  },

  async 'raw writes between messages'(stage) {
    await stage.open();
    const { ws } = stage;
    const mask = !stage.isServer;
    for (let i = 0; i < 3; i++) {
      ws.send(`message ${i}`);
      ws._socket.write(frame(1, `raw ${i}`, { mask }), stage.noted(`raw ${i}`));
    }
    ws._socket.write(frame(9, 'x', { mask }).toString('hex'), 'hex');
    await stage.logged(/^raw 2/);
    await stage.goodbye();
  },

  async 'the socket is ended'(stage) {
    await stage.open();
    stage.ws.send('last', stage.noted('last'));
    stage.ws._socket.end();
    await stage.ended();
    stage.note(`[${stage.ws.readyState}]`);
    stage.peer.end();
    await stage.closed();
  },

  async 'the socket is ended with bytes'(stage) {
    await stage.open();
    stage.ws.send('a');
    stage.ws.send('b');
    stage.ws._socket.end(frame(8, '', { mask: !stage.isServer }));
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the socket is ended, and more is sent'(stage) {
    await stage.open();
    stage.ws._socket.end();
    stage.ws.send('late', stage.noted('late'));
    stage.note(`[${stage.ws.readyState}]`);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the socket is destroyed'(stage) {
    await stage.open();
    stage.ws._socket.destroy();
    stage.note(`[${stage.ws.readyState}]`);
    stage.ws.send('late', stage.noted('late'));
    await stage.closed();
    await stage.idle();
  },

  async 'the socket is destroyed with an error'(stage) {
    await stage.open();
    stage.ws._socket.on('error', (err) => stage.note(`socket ${err.message}`));
    stage.ws._socket.on('close', (bad) => stage.note(`socket close ${bad}`));
    stage.ws._socket.destroy(new Error('mine'));
    await stage.closed();
  },

  async 'the socket emits an error'(stage) {
    await stage.open();
    stage.ws._socket.emit('error', new Error('mine'));
    stage.note(`[${stage.ws.readyState}] ${stage.ws._socket.destroyed}`);
    await stage.closed();
  },

  async 'events of the socket, in order'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const name of ['end', 'finish', 'close']) {
      ws._socket.on(name, () =>
        stage.note(`socket ${name} [${ws.readyState}]`)
      );
      ws._socket.prependListener(name, () => stage.note(`first ${name}`));
    }
    await stage.goodbye();
  },

  async 'events of the socket when the peer just ends'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const name of ['end', 'finish', 'close']) {
      ws._socket.on(name, () =>
        stage.note(`socket ${name} [${ws.readyState}]`)
      );
    }
    stage.text('a');
    stage.peer.end();
    await stage.closed();
  },

  async 'bytes as they came'(stage) {
    await stage.open();
    const { _socket: socket } = stage.ws;
    const seen = { first: '', last: 0 };
    socket.prependListener('data', (chunk) => {
      seen.first += chunk.toString('hex');
    });
    socket.on('data', (chunk) => (seen.last += chunk.length));
    stage.say([1, 'masked or not'], [2, Buffer.alloc(200, 5)]);
    await stage.logged(/^message/, 2);
    stage.note(`${seen.first} ${seen.last}`);
    await stage.goodbye();
  },

  async 'a listener of data that comes and goes'(stage) {
    await stage.open();
    const { _socket: socket } = stage.ws;
    const onData = () => stage.note('data');
    socket.on('data', onData);
    stage.text('a');
    await stage.logged(/"a"/);
    socket.removeListener('data', onData);
    stage.text('b');
    await stage.logged(/"b"/);
    stage.note(`${socket.isPaused()} ${socket.readableFlowing}`);
    await stage.goodbye();
  },

  async 'pause and resume, seen on the socket'(stage) {
    await stage.open();
    const { ws } = stage;
    const state = (title) =>
      stage.note(`${title} ${ws.isPaused} ${ws._socket.isPaused()}`);
    state('open');
    ws._socket.on('pause', () => state('pause event'));
    ws._socket.on('resume', () => state('resume event'));
    ws.pause();
    state('paused');
    ws.pause();
    ws.resume();
    state('resumed');
    await stage.idle();
    ws._socket.pause();
    state('socket paused');
    stage.text('a');
    await stage.idle();
    ws._socket.resume();
    state('socket resumed');
    await stage.logged(/"a"/);
    ws.close();
    ws.pause();
    state('closing');
    ws.resume();
    state('closing, resumed');
    await stage.goodbye();
    ws.pause();
    state('closed');
    ws.resume();
    state('closed, resumed');
  },

  async 'a peer that is slow, and drain'(stage) {
    await stage.open();
    const { ws } = stage;
    let drains = 0;
    ws._socket.on('drain', () => drains++);
    stage.peer.pause();
    for (let i = 0; i < 8; i++) ws.send(Buffer.alloc(1000000, i));
    await stage.idle();
    stage.note(`${ws._socket.writableNeedDrain} ${drains}`);
    stage.peer.resume();
    await stage.received(8000000);
    await stage.idle();
    stage.note(
      `${ws._socket.writableNeedDrain} ${drains} ${ws.bufferedAmount}`
    );
    await stage.goodbye();
    stage.log.bytes = stage.log.bytes.subarray(-100);
  },

  async 'frames encoded once and sent to the socket'(stage) {
    await stage.open();
    const { ws } = stage;
    const { frame: encode } = stage.package.Sender;
    const options = { opcode: 1, fin: true, rsv1: false, readOnly: false };
    const list = encode(Buffer.from('4hello'), {
      ...options,
      mask: !stage.isServer,
      generateMask: (mask) => mask.fill(3)
    });
    ws.send('before');
    ws._sender.sendFrame(list, stage.noted('list'));
    ws._sender.sendFrame([Buffer.concat(list)], stage.noted('one'));
    ws._sender.sendFrame(list);
    ws.send('after', stage.noted('after'));
    await stage.logged(/^after/);
    await stage.goodbye();
  },

  async 'a frame sent to the socket when it is closed'(stage) {
    await stage.open();
    const { ws } = stage;
    const sender = ws._sender;
    await stage.goodbye();
    const list = [Buffer.from([0x81, 1]), Buffer.from('a')];
    stage.attempt('sendFrame', () => sender.sendFrame(list, stage.noted('x')));
    await stage.idle();
  },

  async 'the sender is used by hand'(stage) {
    await stage.open();
    const { _sender: sender, _socket: socket } = stage.ws;
    const mask = !stage.isServer;
    stage.note(`${sender._socket === socket}`);
    sender.send('a', { fin: true, mask, binary: true }, stage.noted('a'));
    sender.ping('b', mask, stage.noted('b'));
    stage.ws.send('c', stage.noted('c'));
    await stage.logged(/^c/);
    sender.close(1000, 'bye', mask, stage.noted('close'));
    stage.note(`[${stage.ws.readyState}]`);
    await stage.logged(/^close:/);
    stage.ws.terminate();
    await stage.until(() => !stage.ws._socket || stage.ws.readyState === 3);
  },

  async 'the receiver is used by hand'(stage) {
    await stage.open();
    const { _receiver: receiver } = stage.ws;
    stage.note(`${receiver instanceof stage.package.Receiver}`);
    receiver.on('message', (data) => stage.note(`receiver ${data}`));
    receiver.write(stage.encode([1, 'by hand']), stage.noted('written'));
    stage.note('after');
    stage.text('a');
    await stage.logged(/^receiver a/);
    await stage.goodbye();
  },

  async 'fields that dependents read'(stage) {
    await stage.open();
    const { ws } = stage;
    const fields = () =>
      stage.note(
        [
          ws._readyState,
          ws._isServer,
          ws._protocol,
          JSON.stringify(ws._extensions),
          ws._paused,
          ws._closeFrameSent,
          ws._closeFrameReceived,
          ws._closeCode,
          ws._closeMessage.length,
          ws._errorEmitted,
          ws._bufferedAmount,
          ws._closeTimer === null,
          typeof ws._url
        ].join()
      );
    fields();
    ws.close(4000, 'why');
    fields();
    await stage.received(5);
    stage.bye(4001, 'yes');
    await stage.ended();
    fields();
    stage.peer.end();
    await stage.closed();
    fields();
  },

  async 'a WebSocket of a Duplex, as fastify makes it'(stage) {
    await stage.open();
    const { Duplex } = require('node:stream');
    const duplex = new Duplex({
      read() {},
      write(chunk, encoding, done) {
        stage.note(`wrote ${chunk.length > 0}`);
        done();
      },
      final: (done) => done()
    });
    const { WebSocket } = stage.package;
    const ws = new WebSocket(null, undefined, { isServer: false });
    ws._isServer = false;
    ws.on('open', () => stage.note(`inner open ${ws.readyState}`));
    ws.on('message', (data) => stage.note(`inner ${data}`));
    ws.on('close', (code) => stage.note(`inner close ${code}`));
    ws.setSocket(duplex, Buffer.from(frame(1, 'head')), { maxPayload: 0 });
    stage.note(`${ws.readyState} ${ws._socket === duplex}`);
    duplex.push(frame(1, 'pushed'));
    await stage.logged(/^inner pushed/);
    duplex.push(frame(8, ''));
    duplex.push(null);
    await stage.logged(/^inner close/);
    await stage.goodbye();
  },

  async 'methods that are wrapped'(stage) {
    const { WebSocket } = stage.package;
    const wrap = (name) => {
      const original = WebSocket.prototype[name];
      WebSocket.prototype[name] = function (...args) {
        stage.note(`called ${name} ${args.length}`);
        return original.apply(this, args);
      };
      stage.cleanups.push(() => (WebSocket.prototype[name] = original));
    };
    for (const name of ['setSocket', 'send', 'close', 'emitClose']) wrap(name);
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    await stage.goodbye();
  },

  async 'emit of one WebSocket is wrapped'(stage) {
    await stage.open();
    const { ws } = stage;
    const { emit } = ws;
    ws.emit = function (name, ...args) {
      stage.note(`emit ${name} ${args.length}`);
      return emit.call(this, name, ...args);
    };
    stage.say([1, 'a'], [9, 'b'], [10, 'c']);
    await stage.goodbye();
  },

  async 'on of a receiver is wrapped'(stage) {
    const { prototype } = stage.package.Receiver;
    const { on } = prototype;
    const own = Object.hasOwn(prototype, 'on');
    prototype.on = function (name, listener) {
      return on.call(this, name, (...args) => {
        if (name === 'message') stage.note(`around ${args[0]}`);
        return listener.apply(this, args);
      });
    };
    stage.cleanups.push(() => {
      if (own) prototype.on = on;
      else delete prototype.on;
    });
    await stage.open();
    void stage.ws._receiver;
    stage.text('a', 'b');
    await stage.goodbye();
  }
};
