'use strict';

// What arrives, when, and in which form.

module.exports = {
  async 'messages of all kinds in one chunk'(stage) {
    await stage.open();
    stage.say(
      [1, 'text'],
      [2, 'binary'],
      [1, ''],
      [2, ''],
      [9, ''],
      [9, 'ping'],
      [10, ''],
      [10, 'pong']
    );
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a message in single bytes'(stage) {
    await stage.open();
    const bytes = stage.encode([1, 'héllo'], [9, 'x'], [2, 'y'], [8, '']);
    for (const byte of bytes) {
      stage.peer.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'fragments with control frames between'(stage) {
    await stage.open();
    const more = { fin: false };
    stage.say([1, 'a', more], [9, '1'], [0, '', more], [10, '2'], [0, 'b']);
    stage.say([2, 'c', more], [0, 'd', more]);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'large messages'(stage) {
    await stage.open();
    for (const size of [125, 126, 65535, 65536, 100000]) {
      stage.say([2, Buffer.alloc(size, size % 251)]);
    }
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'binary types'(stage) {
    await stage.open();
    const types = ['arraybuffer', 'fragments', 'nodebuffer', 'blub', 'blob'];
    stage.ws.on('message', () => {
      if (types.length > 0) stage.ws.binaryType = types.shift();
      stage.note(stage.ws.binaryType);
    });
    const more = { fin: false };
    for (let i = 0; i < 5; i++) {
      if (i > 3) stage.ws.removeAllListeners('message');
      stage.say([2, 'ab', more], [0, '', more], [0, 'c', more], [0, '']);
      await stage.idle();
    }
    stage.ws.binaryType = 'fragments';
    stage.ws.on('message', (data) => stage.note(`${data.length} parts`));
    stage.say([2, ''], [2, 'x'], [2, 'x', more], [0, ''], [1, 'y']);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'ticks between the messages of a chunk'(stage) {
    await stage.open();
    stage.ws.on('message', (data) => {
      process.nextTick(() => stage.note(`tick ${data}`));
      Promise.resolve().then(() => stage.note(`microtask ${data}`));
    });
    stage.text('a', 'b', 'c');
    await stage.logged(/tick c/, 1);
    stage.ws.terminate();
    await stage.closed();
  },

  async 'ticks where each message has its own'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.ws.on('message', (data) => {
      process.nextTick(() => stage.note(`tick ${data}`));
      Promise.resolve().then(() => stage.note(`microtask ${data}`));
    });
    stage.say([1, 'a'], [9, 'b'], [1, 'c'], [10, 'd'], [8, '']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'each message in its own tick, and the peer ends'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.text('a', 'b', 'c', 'd');
    stage.peer.end();
    await stage.closed();
  },

  async 'each message in its own tick, and terminate'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.ws.once('message', () => stage.ws.terminate());
    stage.text('a', 'b', 'c', 'd');
    await stage.closed();
  },

  async 'each message in its own tick, many chunks'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    for (let i = 0; i < 40; i++) stage.say([2, Buffer.alloc(2000, i)]);
    await stage.logged(/^message/, 40);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'pause in a message, with more in the chunk'(stage) {
    await stage.open();
    stage.ws.once('message', () => {
      stage.ws.pause();
      stage.note(`paused ${stage.ws._socket.isPaused()}`);
    });
    stage.text('a', 'b');
    await stage.idle();
    stage.text('c');
    await stage.idle();
    stage.note('resume');
    stage.ws.resume();
    stage.note(`paused ${stage.ws._socket.isPaused()}`);
    await stage.logged(/"c"/);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'pause, and the peer closes'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.text('a');
    stage.bye(1000);
    await stage.idle();
    stage.note(`resume [${stage.ws.readyState}]`);
    stage.ws.resume();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'pause, and the peer ends'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.text('a');
    stage.peer.end();
    await stage.idle();
    stage.note(`resume [${stage.ws.readyState}]`);
    stage.ws.resume();
    await stage.closed();
  },

  async 'pause and terminate'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.text('a');
    await stage.idle();
    stage.ws.terminate();
    await stage.closed();
    stage.note(`paused ${stage.ws.isPaused}`);
  },

  async 'pause and close'(stage) {
    await stage.open({ closeTimeout: 300 });
    stage.ws.pause();
    stage.ws.close(1000);
    await stage.received(4);
    stage.text('late');
    stage.bye(1000);
    await stage.closed();
    await stage.ended();
  },

  async 'close, pause and resume'(stage) {
    await stage.open();
    stage.ws.close(1000);
    stage.ws.pause();
    await stage.received(4);
    stage.text('late');
    stage.bye(1000);
    await stage.idle();
    stage.note(`resume [${stage.ws.readyState}] ${stage.ws.isPaused}`);
    stage.ws.resume();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'pause after the close frame'(stage) {
    await stage.open({ closeTimeout: 300 });
    stage.ws.on('message', () => process.nextTick(() => stage.ws.pause()));
    stage.say([1, 'a'], [8, Buffer.from([3, 232])]);
    await stage.received(4);
    stage.peer.end();
    await stage.closed();
  },

  async 'pause in each message, resume later'(stage) {
    await stage.open();
    stage.ws.on('message', () => {
      stage.ws.pause();
      setImmediate(() => stage.ws.resume());
    });
    for (const text of ['a', 'b', 'c']) {
      stage.text(text);
      await stage.logged(new RegExp(`"${text}"`));
    }
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the receiver, looked at from the start'(stage) {
    await stage.open();
    stage.ws._receiver.on('message', () => stage.note('receiver'));
    stage.text('a', 'b');
    stage.say([9, 'c']);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the receiver, looked at in a message'(stage) {
    await stage.open();
    stage.ws.once('message', () => {
      stage.ws._receiver.on('message', () => stage.note('receiver'));
    });
    stage.text('a', 'b');
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the receiver, looked at before broken input'(stage) {
    await stage.open();
    stage.ws.once('message', () => void stage.ws._receiver);
    stage.say([1, 'a'], [1, 'x', { rsv: 0x20 }]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the receiver, looked at while much waits'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.ws.once('message', () => void stage.ws._receiver);
    const long = Buffer.alloc(30000, 1);
    stage.say([1, 'a'], [2, long], [1, 'b'], [2, long], [1, 'c']);
    await stage.logged(/"c"/);
    stage.text('d');
    await stage.logged(/"d"/);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the receiver, looked at when the socket is closed'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.ws.on('message', (data) => {
      if (`${data}` === 'b') void stage.ws._receiver;
    });
    stage.ws.once('message', () => stage.ws.terminate());
    stage.text('a', 'b', 'c');
    await stage.closed();
  },

  async 'a program reads from the socket, too'(stage) {
    await stage.open();
    stage.ws._socket.prependListener('data', (chunk) =>
      stage.note(`raw ${chunk.toString('hex')}`)
    );
    stage.text('a');
    await stage.logged(/"a"/);
    stage.ws.terminate();
    await stage.closed();
  },

  async 'messages right behind the handshake'(stage) {
    await stage.open({}, [stage.encode([1, 'a'], [9, 'b'], [1, 'c'])]);
    await stage.logged(/"c"/);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a close frame right behind the handshake'(stage) {
    await stage.open({}, [stage.encode([1, 'a'], [8, ''])]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  }
};
