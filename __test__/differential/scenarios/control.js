'use strict';

// Pings and pongs, asked for and automatic.

const most = 'x'.repeat(125);

/** A Buffer, and what else may stand for data. */
const KINDS = [
  undefined,
  null,
  '',
  0,
  7,
  false,
  'text',
  Buffer.from('buffer'),
  new Uint8Array([1, 2]).buffer,
  new Uint16Array([1, 2]),
  new DataView(new ArrayBuffer(3)),
  [1, 2, 3],
  most
];

module.exports = {
  async 'pings with data of each kind'(stage) {
    await stage.open();
    for (const data of KINDS) {
      stage.attempt(`${data}`, () => stage.ws.ping(data));
      stage.attempt(`${data}`, () => stage.ws.pong(data));
    }
    await stage.idle();
    await stage.goodbye();
  },

  async 'pings with data that cannot be'(stage) {
    await stage.open();
    const list = [true, {}, 1n, Symbol('x'), `${most}x`, Buffer.alloc(126)];
    for (const data of list) {
      stage.attempt(typeof data, () => stage.ws.ping(data, stage.noted('no')));
      stage.attempt(typeof data, () => stage.ws.pong(data, stage.noted('no')));
      stage.note(`[${stage.ws.readyState}]`);
    }
    stage.ws.ping('fine');
    await stage.idle();
    await stage.goodbye();
  },

  async 'arguments that may be left out'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const name of ['ping', 'pong']) {
      ws[name]();
      ws[name](stage.noted(`${name} 1`));
      ws[name]('a', stage.noted(`${name} 2`));
      ws[name]('b', undefined, stage.noted(`${name} 3`));
      ws[name](undefined, undefined, stage.noted(`${name} 4`));
    }
    await stage.logged(/pong 4/);
    await stage.goodbye();
  },

  async 'masks that are asked for'(stage) {
    await stage.open();
    const { ws } = stage;
    ws._sender._generateMask ??= (mask) => mask.set([9, 8, 7, 6]);
    ws._sender._maskBuffer ??= Buffer.alloc(4);
    for (const mask of [true, false, undefined, 0, 1, null]) {
      ws.ping('ping', mask, stage.noted(`ping ${mask}`));
      ws.pong('pong', mask, stage.noted(`pong ${mask}`));
      ws.send('send', { mask }, stage.noted(`send ${mask}`));
    }
    await stage.logged(/send null/);
    await stage.goodbye();
  },

  async 'after close and after the end'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.close(1000);
    ws.ping('ping', undefined, stage.noted('ping'));
    ws.pong(stage.noted('pong'));
    ws.ping('x');
    ws.ping(12345, undefined, stage.noted('number'));
    stage.attempt('long', () => ws.ping(`${most}x`));
    stage.attempt('symbol', () => ws.ping({}));
    stage.note(`${ws.bufferedAmount} [${ws.readyState}]`);
    await stage.goodbye();
    ws.ping('ping', undefined, stage.noted('closed ping'));
    ws.pong('pong', undefined, stage.noted('closed pong'));
    stage.note(`${ws.bufferedAmount} [${ws.readyState}]`);
    await stage.idle();
  },

  async 'automatic pongs carry the data'(stage) {
    await stage.open();
    stage.say([9, ''], [9, 'a'], [9, most], [10, 'unasked']);
    await stage.logged(/^pong/);
    await stage.idle();
    await stage.goodbye();
  },

  async 'a pong is out before a ping is heard'(stage) {
    await stage.open();
    stage.ws.on('ping', () => stage.ws.send('answer'));
    stage.say([9, 'a'], [9, 'b'], [1, 'c']);
    await stage.logged(/"c"/);
    await stage.goodbye();
  },

  async 'automatic pongs with no limit'(stage) {
    await stage.open({ maxPendingAutoPongs: 0 });
    stage.ws._socket.cork();
    for (let i = 0; i < 100; i++) stage.say([9, `${i}`]);
    await stage.logged(/^ping/, 100);
    stage.ws._socket.uncork();
    await stage.received(300);
    await stage.goodbye();
  },

  async 'as many pending pongs as allowed'(stage) {
    await stage.open({ maxPendingAutoPongs: 3 });
    stage.ws._socket.cork();
    stage.say([9, 'a'], [9, 'b'], [9, 'c']);
    await stage.logged(/^ping/, 3);
    stage.note(`[${stage.ws.readyState}]`);
    stage.ws._socket.uncork();
    await stage.idle();
    stage.say([9, 'd'], [9, 'e']);
    await stage.logged(/^ping/, 5);
    await stage.goodbye();
  },

  async 'pings after the limit of pongs, with messages'(stage) {
    await stage.open({ maxPendingAutoPongs: 1 });
    stage.ws._socket.cork();
    stage.say([9, 'a'], [1, 'text'], [9, 'b'], [1, 'more'], [9, 'c']);
    await stage.closed();
    await stage.idle();
  },

  async 'own pongs are not counted'(stage) {
    await stage.open({ autoPong: false, maxPendingAutoPongs: 1 });
    stage.ws.on('ping', (data) => stage.ws.pong(data));
    stage.ws._socket.cork();
    stage.say([9, 'a'], [9, 'b'], [9, 'c']);
    await stage.logged(/^ping/, 3);
    stage.ws._socket.uncork();
    await stage.goodbye();
  },

  async 'autoPong switched by hand'(stage) {
    await stage.open();
    stage.ws.once('ping', () => (stage.ws._autoPong = false));
    stage.say([9, 'a'], [9, 'b']);
    await stage.logged(/^ping/, 2);
    await stage.goodbye();
  },

  async 'a heartbeat that is missed'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.isAlive = true;
    ws.on('pong', () => (ws.isAlive = true));
    for (let i = 0; i < 3; i++) {
      if (!ws.isAlive) {
        ws.terminate();
        break;
      }
      ws.isAlive = false;
      ws.ping();
      if (i > 0) continue;
      stage.say([10, '']);
      await stage.logged(/^pong/);
    }
    await stage.closed();
  }
};
