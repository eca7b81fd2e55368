'use strict';

// What goes out, in which order, and who is told.

const OPTIONS = { fin: false };

module.exports = {
  async 'sends of all kinds, with callbacks'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('text', stage.noted('text'));
    ws.send(Buffer.from('binary'), stage.noted('binary'));
    ws.send('', stage.noted('empty'));
    ws.ping('ping', undefined, stage.noted('ping'));
    ws.pong(stage.noted('pong'));
    ws.send('a', OPTIONS, stage.noted('a'));
    ws.send('b', OPTIONS, stage.noted('b'));
    ws.ping();
    ws.send('c', stage.noted('c'));
    ws.send(new Uint8Array([1, 2]).buffer, { binary: false }, stage.noted('d'));
    ws.send(Buffer.alloc(70000, 7), stage.noted('long'));
    ws.send('x'.repeat(70000), stage.noted('long text'));
    process.nextTick(() => stage.note('tick'));
    stage.note(`state ${ws.readyState}`);
    ws.close(1000);
    await stage.received(140000);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'many small sends'(stage) {
    await stage.open();
    for (let i = 0; i < 300; i++) {
      stage.ws.send(`message ${i}`, i % 100 === 0 ? stage.noted(i) : undefined);
    }
    stage.ws.close(1000);
    await stage.received(3000);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'sends in callbacks'(stage) {
    await stage.open();
    let left = 5;
    const next = (err) => {
      stage.note(`sent ${left} ${err ?? 'fine'}`);
      if (left-- > 0) stage.ws.send('x', next);
      else stage.ws.close(1000);
    };
    stage.ws.send('first', next);
    stage.ws.send('second', stage.noted('second'));
    await stage.logged(/^sent 0/);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'sends in messages'(stage) {
    await stage.open();
    stage.ws.on('message', (data) => {
      stage.ws.send(data, stage.noted(`echo ${data}`));
      stage.ws.ping(data);
    });
    stage.text('a', 'b', 'c');
    await stage.received(6);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'sends and terminate'(stage) {
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    stage.ws.send('b', stage.noted('b'));
    stage.ws.terminate();
    stage.ws.send('c', stage.noted('c'));
    await stage.closed();
    await stage.idle();
  },

  async 'sends with exceptions in callbacks'(stage) {
    // A stream in memory loses the last one's callback.
    if (!stage.tcp) return;
    await stage.open();
    for (const name of ['a', 'b', 'c']) {
      stage.ws.send(name, () => {
        stage.note(`sent ${name}`);
        if (name !== 'c') throw new Error(name);
      });
    }
    await stage.logged(/sent c/);
    stage.ws.terminate();
    await stage.closed();
  },

  async 'the amount that is buffered'(stage) {
    await stage.open();
    const { ws } = stage;
    stage.note(`${ws.bufferedAmount}`);
    ws._socket.cork();
    ws.send('12345');
    stage.note(`${ws.bufferedAmount}`);
    ws.send(Buffer.alloc(200));
    ws.send(Buffer.alloc(70000));
    stage.note(`${ws.bufferedAmount}`);
    ws._socket.uncork();
    await stage.received(70000);
    await stage.idle();
    stage.note(`${ws.bufferedAmount}`);
    ws.terminate();
    ws.send('123');
    ws.ping('12');
    stage.note(`${ws.bufferedAmount}`);
    await stage.closed();
  },

  async 'blobs and what is behind them'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send(new Blob(['blob']), stage.noted('blob'));
    ws.send('text', stage.noted('text'));
    ws.ping('ping', undefined, stage.noted('ping'));
    ws.send(new Blob(['again']), stage.noted('again'));
    ws.send(new Blob([]), stage.noted('empty'));
    stage.note(`${ws.bufferedAmount}`);
    ws.close(1000);
    ws.send('late', stage.noted('late'));
    stage.note(`${ws.bufferedAmount} [${ws.readyState}]`);
    await stage.received(30);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a blob and terminate'(stage) {
    await stage.open();
    stage.ws.send(new Blob(['blob']), stage.noted('blob'));
    stage.ws.send('text', stage.noted('text'));
    stage.ws.send(new Blob(['more']), stage.noted('more'));
    stage.ws.terminate();
    await stage.closed();
    await stage.idle();
    stage.note(`${stage.ws.bufferedAmount}`);
  },

  async 'a blob that cannot be read'(stage) {
    await stage.open();
    const blob = new Blob(['x']);
    blob.arrayBuffer = () => Promise.reject(new Error('unreadable'));
    stage.ws.send(blob, stage.noted('blob'));
    stage.ws.send('text', stage.noted('text'));
    await stage.ended();
    stage.note(`[${stage.ws.readyState}]`);
    stage.peer.end();
    await stage.closed();
  },

  async 'a blob as ping'(stage) {
    await stage.open();
    stage.ws.ping(new Blob(['blob']), undefined, stage.noted('ping'));
    try {
      stage.ws.ping(new Blob(['x'.repeat(126)]));
    } catch (err) {
      stage.note(`${err.name} ${err.message}`);
    }
    stage.ws.send('x', stage.noted('x'));
    await stage.received(9);
    stage.ws.terminate();
    await stage.closed();
  },

  async 'pongs when it is closing'(stage) {
    await stage.open();
    stage.say([9, 'a']);
    await stage.received(3);
    stage.ws.close(1000);
    stage.say([9, 'b']);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'no automatic pongs'(stage) {
    await stage.open({ autoPong: false });
    stage.ws.on('ping', (data) => stage.ws.pong(data, stage.noted('pong')));
    stage.say([9, 'a'], [9, '']);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'too many pings'(stage) {
    await stage.open({ maxPendingAutoPongs: 2 });
    stage.ws._socket.cork();
    stage.say([9, 'a'], [9, 'b'], [9, 'c'], [9, 'd'], [1, 'e']);
    await stage.closed();
  },

  async 'own bytes on the socket'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('a');
    ws.send('b');
    ws._socket.write(Buffer.from([0x89, 0]));
    ws.send('c');
    ws.send('d');
    const list = stage.package.Sender.frame(Buffer.from('e'), {
      fin: true,
      mask: !stage.isServer,
      opcode: 1,
      readOnly: true,
      generateMask: (mask) => mask.fill(9)
    });
    ws._sender.sendFrame(list, stage.noted('e'));
    ws.send('f');
    await stage.idle();
    ws.terminate();
    await stage.closed();
  },

  async 'a slow peer'(stage) {
    await stage.open();
    stage.peer.pause();
    const chunk = Buffer.alloc(100000, 1);
    for (let i = 0; i < 60; i++) stage.ws.send(chunk);
    stage.ws.send('last', stage.noted('last'));
    stage.ws.close(1000);
    await stage.idle();
    stage.note(`${stage.ws.bufferedAmount > 0}`);
    stage.peer.resume();
    await stage.received(6000000);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    stage.log.bytes = stage.log.bytes.subarray(-100);
  },

  async 'a slow peer, and terminate'(stage) {
    await stage.open();
    stage.peer.pause();
    const chunk = Buffer.alloc(1000000, 1);
    for (let i = 0; i < 10; i++) {
      stage.ws.send(chunk, i > 7 ? stage.noted(i) : undefined);
    }
    stage.ws.terminate();
    await stage.closed();
    await stage.idle();
    stage.peer.resume();
    stage.log.bytes = Buffer.alloc(0);
    stage.peer.removeAllListeners('data');
  },

  async 'the socket fails'(stage) {
    await stage.open();
    stage.ws._socket._write = (chunk, encoding, done) => done(new Error('no'));
    stage.ws._socket._writev = (chunks, done) => done(new Error('no'));
    stage.ws.send('a', stage.noted('a'));
    stage.ws.send('b', stage.noted('b'));
    await stage.closed();
    await stage.idle();
  },

  async 'the socket fails after close'(stage) {
    await stage.open();
    stage.ws._socket._write = (chunk, encoding, done) => done(new Error('no'));
    stage.ws._socket._writev = (chunks, done) => done(new Error('no'));
    stage.ws.close(1000);
    await stage.closed();
  }
};
