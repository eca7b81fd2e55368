'use strict';

// What may be sent, and how the options change it.

const { File } = require('node:buffer');

/** Each kind of data, made anew. */
const KINDS = {
  text: () => 'text',
  unicode: () => 'h\u00e9llo \u20ac \u{1f600} \ud800',
  empty: () => '',
  number: () => -1.5e21,
  zero: () => 0,
  'not a number': () => NaN,
  undefined: () => undefined,
  null: () => null,
  false: () => false,
  buffer: () => Buffer.from('buffer'),
  'empty buffer': () => Buffer.alloc(0),
  arraybuffer: () => new Uint8Array([1, 2, 3]).buffer,
  view: () => new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3),
  floats: () => new Float64Array([1.5]),
  dataview: () => new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2),
  array: () => [1, 2, 300, -1],
  'array-like': () => ({ length: 2, 0: 1, 1: 2 }),
  boxed: () => Object('boxed'),
  valueOf: () => ({ valueOf: () => 'value' }),
  toPrimitive: () => ({ [Symbol.toPrimitive]: () => 'primitive' }),
  json: () => Buffer.from('ab').toJSON()
};

const OPTIONS = [
  undefined,
  {},
  { binary: true },
  { binary: false },
  { binary: undefined },
  { fin: undefined },
  { fin: true },
  { compress: true },
  { compress: false }
];

module.exports = {
  async 'each kind of data'(stage) {
    await stage.open();
    for (const [name, make] of Object.entries(KINDS)) {
      stage.attempt(name, () => stage.ws.send(make()));
    }
    await stage.idle();
    await stage.goodbye();
  },

  async 'each kind of data with each option'(stage) {
    await stage.open();
    for (const [name, make] of Object.entries(KINDS)) {
      for (const options of OPTIONS) {
        stage.attempt(name, () => stage.ws.send(make(), options));
        if (options?.fin === undefined && options && 'fin' in options) {
          stage.ws.send('the end');
        }
      }
    }
    await stage.idle();
    await stage.goodbye();
  },

  async 'each kind of data, while closing'(stage) {
    await stage.open();
    stage.ws.close(1000);
    for (const [name, make] of Object.entries(KINDS)) {
      stage.attempt(name, () => stage.ws.send(make(), stage.noted(name)));
      stage.note(`${stage.ws.bufferedAmount}`);
    }
    await stage.logged(/^json: Error/);
    await stage.goodbye();
  },

  async 'data that cannot be sent'(stage) {
    await stage.open();
    const list = [true, {}, 1n, Symbol('x'), () => {}, new Date(0), /x/];
    for (const data of list) {
      stage.attempt(typeof data, () => stage.ws.send(data, {}));
      stage.attempt(typeof data, () => stage.ws.send(data, stage.noted('no')));
      stage.note(`${stage.ws.bufferedAmount} [${stage.ws.readyState}]`);
    }
    stage.ws.send('fine');
    await stage.idle();
    await stage.goodbye();
  },

  async 'a message after a fragment that could not be sent'(stage) {
    await stage.open();
    stage.attempt('bad', () => stage.ws.send({}, { fin: false }));
    stage.ws.send('next', { fin: true });
    stage.ws.send('and another');
    await stage.idle();
    await stage.goodbye();
  },

  async 'arguments of other kinds'(stage) {
    await stage.open();
    const { ws } = stage;
    stage.attempt('no arguments', () => ws.send());
    stage.attempt('null', () => ws.send('a', null, stage.noted('null')));
    stage.attempt('cb null', () => ws.send('b', {}, null));
    stage.attempt('string', () => ws.send('c', 'x', stage.noted('string')));
    stage.attempt('true', () => ws.send('d', true, stage.noted('true')));
    stage.attempt('returns', () => ws.send('e', stage.noted('e')));
    await stage.idle();
    await stage.goodbye();
  },

  async 'data of the caller is left as it is'(stage) {
    await stage.open();
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    const list = [
      Buffer.from(bytes),
      bytes.slice(),
      bytes.slice().buffer,
      new DataView(bytes.slice().buffer),
      new Uint16Array(bytes.slice().buffer)
    ];
    for (const data of list) {
      stage.ws.send(data);
      stage.ws.send(data, { fin: false });
      stage.ws.ping(data);
      stage.ws.send(data);
      const left = Buffer.from(data.buffer ?? data, data.byteOffset ?? 0, 8);
      stage.note(left.toString('hex'));
    }
    await stage.idle();
    await stage.goodbye();
  },

  async 'options are left as they are'(stage) {
    await stage.open();
    const options = Object.freeze({ binary: true, compress: true });
    stage.ws.send('a', options);
    stage.ws.send('b', options, stage.noted('b'));
    stage.note(JSON.stringify(options));
    await stage.idle();
    await stage.goodbye();
  },

  async 'fragments of changing kinds'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.send('a', { fin: false, binary: true });
    ws.send(Buffer.from('b'), { fin: false, binary: false });
    ws.send('', { fin: false });
    ws.ping('between');
    ws.send(new Blob(['c']), { fin: false });
    ws.send('d', { fin: true }, stage.noted('d'));
    ws.send('next');
    await stage.logged(/^d:/);
    await stage.idle();
    await stage.goodbye();
  },

  async 'blobs with each option'(stage) {
    await stage.open();
    for (const options of OPTIONS) {
      stage.ws.send(new Blob(['blob']), options, stage.noted('blob'));
      stage.ws.send(new File(['file'], 'name'), options);
      stage.ws.send('the end', stage.noted('end'));
    }
    await stage.logged(/^end/, OPTIONS.length);
    await stage.idle();
    await stage.goodbye();
  },

  async 'something that is like a blob'(stage) {
    await stage.open();
    const like = {
      [Symbol.toStringTag]: 'Blob',
      size: 3,
      type: '',
      arrayBuffer: async () => new Uint8Array([1, 2, 3]).buffer,
      stream() {}
    };
    stage.ws.send(like, stage.noted('like'));
    stage.note(`${stage.ws.bufferedAmount}`);
    stage.ws.ping(like, undefined, stage.noted('ping'));
    stage.note(`${stage.ws.bufferedAmount}`);
    stage.ws.send('text', stage.noted('text'));
    stage.note(`${stage.ws.bufferedAmount}`);
    await stage.logged(/^text/);
    stage.note(`${stage.ws.bufferedAmount}`);
    await stage.goodbye();
  },

  async 'what is buffered in every state'(stage) {
    await stage.open();
    const { ws } = stage;
    const amounts = () => stage.note(`${ws.bufferedAmount} [${ws.readyState}]`);
    amounts();
    ws._socket.cork();
    ws.send('');
    amounts();
    for (const size of [1, 125, 126, 65535, 65536]) {
      ws.send(Buffer.alloc(size));
      amounts();
    }
    ws.ping('x');
    amounts();
    ws.send(new Blob(['12345']));
    amounts();
    ws.send('abc');
    amounts();
    ws.close(1000);
    amounts();
    ws.send('h\u00e9');
    amounts();
    ws.send(new Blob(['123']));
    amounts();
    ws.ping([1, 2]);
    amounts();
    ws._socket.uncork();
    await stage.received(131100);
    await stage.goodbye();
    amounts();
    ws.send('again');
    amounts();
    stage.log.bytes = stage.log.bytes.subarray(-200);
  },

  async 'masks made by the program'(stage) {
    let calls = 0;
    const masks = new Set();
    await stage.open({
      generateMask(mask) {
        calls++;
        masks.add(mask);
        mask.fill(calls);
      }
    });
    stage.ws.send('a');
    stage.ws.send(Buffer.alloc(300, 1));
    stage.ws.ping();
    stage.ws.send('', { mask: false });
    stage.ws.send(Buffer.from('unmasked'), { mask: false });
    stage.say([9, 'pong']);
    await stage.logged(/^ping/);
    stage.note(`${calls} calls, ${masks.size} Buffers`);
    await stage.goodbye();
    stage.note(`${calls} calls`);
  },

  async 'a mask of zeros'(stage) {
    await stage.open({ generateMask: (mask) => mask.fill(0) });
    for (const data of ['a', Buffer.from('b'), '', new Uint8Array(200)]) {
      stage.ws.send(data);
    }
    await stage.idle();
    await stage.goodbye();
  },

  async 'a mask maker that throws'(stage) {
    let fails = true;
    await stage.open({
      generateMask(mask) {
        if (fails) throw new Error('no mask');
        mask.fill(1);
      }
    });
    if (stage.isServer || !stage.tcp) return;
    stage.attempt('send', () => stage.ws.send('a', stage.noted('a')));
    stage.attempt('ping', () => stage.ws.ping('b', stage.noted('b')));
    stage.note(`${stage.ws.bufferedAmount} [${stage.ws.readyState}]`);
    fails = false;
    stage.ws.send('c', stage.noted('c'));
    await stage.idle();
    await stage.goodbye();
  }
};
