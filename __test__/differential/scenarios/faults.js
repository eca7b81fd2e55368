'use strict';

// Broken input, and errors in the middle of other things.

const { closeBody } = require('../../support/frames');

/** A frame with RSV2 set. */
const BROKEN = [1, 'x', { rsv: 0x20 }];

module.exports = {
  async 'broken input'(stage) {
    await stage.open();
    stage.say([1, 'fine'], BROKEN, [1, 'lost']);
    await stage.received(4);
    stage.bye(1002);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input, and the peer does not answer'(stage) {
    await stage.open({ closeTimeout: 50 });
    stage.say(BROKEN);
    await stage.closed();
    await stage.ended();
  },

  async 'broken input, and the peer ends'(stage) {
    await stage.open();
    stage.say(BROKEN);
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input, and the peer is gone'(stage) {
    await stage.open();
    stage.say([1, 'fine'], BROKEN);
    stage.peer.destroy();
    await stage.closed();
  },

  async 'broken input in two chunks'(stage) {
    await stage.open();
    stage.say([1, 'fine'], BROKEN);
    await stage.logged(/^error/);
    stage.say([1, 'lost']);
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input after close'(stage) {
    await stage.open();
    stage.ws.close(3000);
    await stage.received(4);
    stage.say(BROKEN);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input and close in the same tick'(stage) {
    await stage.open();
    stage.ws.on('message', () => stage.ws.close(3000, 'mine'));
    stage.say([1, 'a'], BROKEN);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input and terminate in the error event'(stage) {
    await stage.open();
    stage.ws.on('error', () => stage.ws.terminate());
    stage.say(BROKEN);
    await stage.closed();
  },

  async 'broken input and terminate before it'(stage) {
    await stage.open();
    stage.ws.on('message', () => stage.ws.terminate());
    stage.say([1, 'a'], BROKEN);
    await stage.closed();
  },

  async 'broken input and sends around it'(stage) {
    await stage.open();
    stage.ws.on('message', () => {
      stage.ws.send('1');
      process.nextTick(() => {
        stage.note(`tick [${stage.ws.readyState}]`);
        stage.ws.send('2', stage.noted('on tick'));
        process.nextTick(() => {
          stage.note(`second tick [${stage.ws.readyState}]`);
          stage.ws.send('3', stage.noted('on second tick'));
        });
      });
      setImmediate(() => {
        stage.note(`immediate [${stage.ws.readyState}]`);
        stage.ws.send('4', stage.noted('on immediate'));
      });
    });
    stage.ws.on('error', () => stage.ws.send('5', stage.noted('in error')));
    stage.say([1, 'a'], BROKEN);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input without a listener of errors'(stage) {
    await stage.open();
    stage.ws.removeAllListeners('error');
    stage.say(BROKEN);
    await stage.logged(/uncaught/);
    stage.peer.end();
    await stage.closed();
  },

  async 'an exception in the error event'(stage) {
    await stage.open();
    stage.ws.on('error', () => {
      throw new Error('in error');
    });
    stage.say(BROKEN);
    await stage.logged(/uncaught/);
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input while paused'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.say([1, 'a'], BROKEN);
    await stage.idle();
    stage.note('resume');
    stage.ws.resume();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'broken input with an event in each tick'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    stage.say([1, 'a'], [9, 'b'], BROKEN, [1, 'c']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'bad close frames'(stage) {
    await stage.open();
    stage.say([8, closeBody(1005)]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a close reason that is not UTF-8'(stage) {
    await stage.open();
    stage.say([8, closeBody(1000, Buffer.from([0xc0, 0x80]))]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'text that is not UTF-8'(stage) {
    await stage.open();
    stage.say([1, 'good'], [1, Buffer.from([0xe2, 0x82])]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a message that is too long'(stage) {
    await stage.open({ maxPayload: 10 });
    stage.say([2, '0123456789'], [2, '01234', { fin: false }], [0, '567890']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'too many fragments'(stage) {
    await stage.open({ maxFragments: 3 });
    const rest = { fin: false };
    stage.say([1, 'a', rest], [0, 'b', rest], [9, '!'], [0, 'c']);
    stage.say([1, 'a', rest], [0, '', rest], [0, '', rest], [0, 'c']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'too many chunks'(stage) {
    await stage.open({ maxBufferedChunks: 4 });
    const bytes = stage.encode([1, '0123456789']);
    for (let i = 0; i < bytes.length; i++) {
      stage.peer.write(bytes.subarray(i, i + 1));
      await stage.idle();
    }
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'methods with wrong arguments'(stage) {
    await stage.open();
    const calls = {
      'send true': (ws) => ws.send(true),
      'send {}': (ws) => ws.send({}),
      'send symbol': (ws) => ws.send(Symbol('x')),
      'send array': (ws) => ws.send([1, 2, 300]),
      'send number': (ws) => ws.send(1.5),
      'send null': (ws) => ws.send(null),
      'send undefined': (ws) => ws.send(),
      'send view': (ws) => ws.send(new Uint16Array([1, 2])),
      'send DataView': (ws) => ws.send(new DataView(new ArrayBuffer(2))),
      'send text as binary': (ws) => ws.send('é', { binary: true }),
      'send binary as text': (ws) => ws.send(Buffer.from('x'), { binary: 0 }),
      'send null options': (ws) => ws.send('x', null),
      'send lone surrogate': (ws) => ws.send('\ud800'),
      'ping long': (ws) => ws.ping('x'.repeat(126)),
      'ping long view': (ws) => ws.ping(new Uint16Array(63)),
      'ping 125': (ws) => ws.ping('x'.repeat(125)),
      'ping number': (ws) => ws.ping(12),
      'pong object': (ws) => ws.pong({}),
      'pong null': (ws) => ws.pong(null, undefined),
      'pong unmasked': (ws) => ws.pong('x', false),
      'close with no code': (ws) => ws.close(undefined, 'x')
    };
    for (const [name, call] of Object.entries(calls)) {
      try {
        call(stage.ws);
        stage.note(name);
      } catch (err) {
        stage.note(`${name}: ${err.name} ${err.code} ${err.message}`);
      }
    }
    stage.bye();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  }
};
