'use strict';

// A sender by itself, over the least that it takes for a socket, and the
// frames that others let it encode.

const { alone, show } = require('../plain-stage');

/** The least that a sender needs of a socket; it logs what is done to it. */
class MockSocket {
  /**
   * @param {PlainStage} stage where to log
   * @param {boolean} [borders=false] whether each chunk has a line
   */
  constructor(stage, borders = false) {
    this.stage = stage;
    this.borders = borders;
    this.bytes = Buffer.alloc(0);
    this.destroyed = false;
    stage.cleanups.push(() => stage.note(this.bytes.toString('hex')));
  }

  cork() {
    if (this.borders) this.stage.note('cork');
  }

  uncork() {
    if (this.borders) this.stage.note('uncork');
  }

  write(chunk, callback) {
    if (this.borders) this.stage.note(`write ${typeof callback}`);
    this.bytes = Buffer.concat([this.bytes, Buffer.from(chunk)]);
    callback?.();
  }
}

const PLAIN = { fin: true, binary: false, mask: false, compress: false };

/** Fills a mask key. */
const fillMask = (mask) => mask.set([1, 2, 3, 4]);

/**
 * Notes the chunks of a frame.
 *
 * @param {PlainStage} stage the stage
 * @param {string} title what is encoded
 * @param {*} data the payload
 * @param {Object} options those of `Sender.frame`
 */
function noteFrame(stage, title, data, options) {
  stage.attempt(title, () => {
    const list = stage.package.Sender.frame(data, options);
    const same = list.map((chunk) => chunk === data);
    return list.map((chunk) => `${show(chunk)}`).concat(same);
  });
}

/**
 * A sender over a mock socket.
 *
 * @param {PlainStage} stage the stage
 * @param {function(Buffer)} [generateMask] fills the masks
 * @param {boolean} [borders] whether to log each chunk
 * @return {Sender}
 */
function mocked(stage, generateMask, borders) {
  const { Sender } = stage.package;
  return new Sender(new MockSocket(stage, borders), undefined, generateMask);
}

module.exports = {
  stages: alone,

  'frames of each length'(stage) {
    for (const length of [0, 1, 125, 126, 127, 65535, 65536, 70000]) {
      const data = Buffer.alloc(length, 97);
      for (const mask of [false, true]) {
        const options = {
          fin: true,
          opcode: 2,
          rsv1: false,
          mask,
          readOnly: true,
          generateMask: fillMask
        };
        noteFrame(stage, `${length} ${mask}`, data, options);
      }
    }
  },

  'frames with each head'(stage) {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      for (const fin of [true, false]) {
        for (const rsv1 of [true, false]) {
          const options = { fin, rsv1, opcode, mask: false, readOnly: false };
          noteFrame(stage, `${opcode}`, Buffer.from('x'), options);
        }
      }
    }
    noteFrame(stage, 'few options', Buffer.from('x'), { opcode: 1 });
  },

  'frames whose payload is changed, or not'(stage) {
    for (const readOnly of [true, false]) {
      for (const bytes of [
        [1, 2, 3, 4],
        [0, 0, 0, 0]
      ]) {
        const data = Buffer.from('payload');
        noteFrame(stage, `${readOnly} ${bytes}`, data, {
          fin: true,
          opcode: 2,
          mask: true,
          readOnly,
          generateMask: (mask) => mask.set(bytes)
        });
        stage.note(data.toString('hex'));
      }
    }
  },

  'frames of strings'(stage) {
    for (const data of ['', 'text', 'h\u00e9llo \u20ac', 'x'.repeat(126)]) {
      for (const mask of [true, false]) {
        for (const readOnly of [true, false]) {
          noteFrame(stage, `${mask} ${readOnly}`, data, {
            fin: true,
            opcode: 1,
            mask,
            readOnly,
            generateMask: fillMask
          });
        }
      }
    }
  },

  'frames of other views'(stage) {
    const bytes = new Uint8Array([1, 2, 3, 4, 5]);
    for (const mask of [true, false]) {
      noteFrame(stage, `${mask}`, bytes, {
        fin: true,
        opcode: 2,
        mask,
        readOnly: true,
        generateMask: fillMask
      });
    }
  },

  'frames with a maskBuffer'(stage) {
    const maskBuffer = Buffer.from([9, 9, 9, 9]);
    const options = { fin: true, opcode: 1, mask: true, readOnly: true };
    noteFrame(stage, 'given', Buffer.from('abc'), {
      ...options,
      maskBuffer,
      generateMask(mask) {
        stage.note(`the same ${mask === maskBuffer} ${mask.length}`);
        fillMask(mask);
      }
    });
    const random = stage.package.Sender.frame(Buffer.from('abcdef'), options);
    const key = random[0].subarray(2, 6);
    const text = random[0].subarray(6).map((byte, i) => byte ^ key[i & 3]);
    stage.note(`${random.length} ${Buffer.from(text)}`);
  },

  'a frame as socket.io encodes it, sent as engine.io does'(stage) {
    const { Sender } = stage.package;
    const list = Sender.frame(Buffer.from('4hello'), {
      readOnly: false,
      mask: false,
      rsv1: false,
      opcode: 1,
      fin: true
    });
    for (let i = 0; i < 3; i++) {
      mocked(stage, undefined, true).sendFrame(list, stage.noted('sent'));
    }
    mocked(stage, undefined, true).sendFrame(list.slice(0, 1));
    stage.note(`${list.map(show)}`);
  },

  async 'sends of each kind of data'(stage) {
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const mask of [true, false]) {
      const sender = mocked(stage, fillMask);
      for (const data of [
        'text',
        '',
        Buffer.from('buffer'),
        buffer,
        new Uint8Array(buffer, 2, 3),
        new Uint16Array(buffer, 2, 2),
        new DataView(buffer, 1, 4),
        [1, 2, 257],
        { length: 2, 0: 1, 1: 2 },
        Object('boxed'),
        { type: 'Buffer', data: [1, 2] }
      ]) {
        sender.send(data, { ...PLAIN, mask }, stage.noted(show(data)));
      }
      stage.note(new Uint8Array(buffer).join());
      for (const data of [true, {}, 1n, null, undefined, 5, () => {}]) {
        stage.attempt(String(data), () => {
          sender.send(data, { ...PLAIN, mask }, stage.noted('bad'));
        });
      }
    }
  },

  fragments(stage) {
    const sender = mocked(stage);
    const options = { ...PLAIN, binary: true, fin: false };
    sender.send('a', options, stage.noted('a'));
    sender.ping('p', false, stage.noted('ping'));
    sender.send('b', { ...options, binary: false }, stage.noted('b'));
    sender.send('', { ...options, fin: true }, stage.noted('end'));
    sender.send('c', PLAIN, stage.noted('c'));
  },

  'pings and pongs'(stage) {
    for (const mask of [true, false, undefined]) {
      const sender = mocked(stage, fillMask);
      for (const name of ['ping', 'pong']) {
        for (const data of ['', 'x', Buffer.from('y'), [1, 2]]) {
          sender[name](data, mask, stage.noted(`${name} ${mask}`));
        }
        const most = 'x'.repeat(125);
        stage.attempt('125', () => sender[name](most, mask));
        stage.attempt('126', () => sender[name](`${most}x`, mask));
        stage.attempt('bytes', () => sender[name](`${most}\u00e9`, mask));
        stage.attempt('array', () => sender[name](Array(126).fill(1), mask));
        stage.attempt('blob', () => sender[name](new Blob([`${most}x`])));
        stage.attempt('nothing', () => sender[name](undefined, mask));
      }
    }
  },

  'close with each code'(stage) {
    const sender = mocked(stage);
    for (const code of [
      1000,
      1003,
      1004,
      1005,
      1006,
      1007,
      1014,
      1015,
      2999,
      3000,
      4999,
      5000,
      0,
      999,
      -1,
      1000.5,
      NaN,
      '1000',
      null,
      true,
      {},
      undefined
    ]) {
      stage.attempt(`${typeof code} ${code}`, () =>
        sender.close(code, '', false, stage.noted('closed'))
      );
    }
  },

  'close with each kind of reason'(stage) {
    const sender = mocked(stage);
    for (const reason of [
      'why',
      '',
      undefined,
      null,
      Buffer.from('buffer'),
      new Uint8Array([97]),
      Buffer.alloc(0),
      'x'.repeat(123),
      'x'.repeat(124),
      '\u00e9'.repeat(62),
      Buffer.alloc(124),
      new Float32Array(2),
      new ArrayBuffer(2),
      new DataView(new ArrayBuffer(3)),
      new ArrayBuffer(124),
      5,
      true,
      {},
      ['a']
    ]) {
      const title = `${typeof reason} ${show(reason)}`;
      stage.attempt(title, () => sender.close(1000, reason, false));
      stage.attempt(title, () => sender.close(undefined, reason, false));
    }
  },

  async 'what is behind a blob waits'(stage) {
    const sender = mocked(stage, fillMask);
    const blob = new Blob(['blob']);
    sender.send(blob, { ...PLAIN, mask: true }, stage.noted('blob'));
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
    sender.send('text', PLAIN, stage.noted('text'));
    sender.ping('ping', false, stage.noted('ping'));
    sender.pong(blob, false, stage.noted('pong'));
    sender.sendFrame([Buffer.from([0x81, 0])], stage.noted('frame'));
    sender.close(1000, 'bye', false, stage.noted('close'));
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
    await stage.logged(/^close/);
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
  },

  async 'a socket destroyed while a blob is read'(stage) {
    const sender = mocked(stage);
    sender.onerror = (err) => stage.note(`onerror ${err.message}`);
    sender.send(new Blob(['a']), PLAIN, stage.noted('a'));
    sender.send('b', PLAIN, stage.noted('b'));
    sender.send(new Blob(['c']), PLAIN, stage.noted('c'));
    sender.ping('d', false, stage.noted('d'));
    sender.close(1000, '', false, stage.noted('e'));
    sender._socket.destroyed = true;
    await stage.idle();
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
  },

  async 'a blob that cannot be read'(stage) {
    const sender = mocked(stage);
    const blob = new Blob(['abc']);
    blob.arrayBuffer = () => Promise.reject(new Error('unreadable'));
    sender.onerror = (err) => stage.note(`onerror ${err.message}`);
    sender.send(blob, PLAIN, stage.noted('blob'));
    sender.send('b', PLAIN, stage.noted('b'));
    sender.ping('c', false, stage.noted('c'));
    await stage.idle();
    stage.note(`${sender._state} ${sender._bufferedBytes}`);
  },

  'masks are asked for once a frame, in the same Buffer'(stage) {
    const buffers = new Set();
    const sender = mocked(stage, (mask) => {
      buffers.add(mask);
      stage.note(`mask ${mask.length} ${Buffer.isBuffer(mask)}`);
      fillMask(mask);
    });
    sender.send('a', { ...PLAIN, mask: true });
    sender.send('b', PLAIN);
    sender.ping('', true);
    sender.close(1000, '', true);
    stage.note(buffers.size);
  },

  'sends without callbacks and with few options'(stage) {
    const sender = mocked(stage);
    stage.attempt('none', () => sender.send('a'));
    stage.attempt('empty', () => sender.send('b', {}));
    stage.attempt('fin', () => sender.send('c', { fin: true }));
    stage.attempt('ping', () => sender.ping('d'));
    stage.attempt('close', () => sender.close());
    stage.note(`${sender._bufferedBytes} ${sender._state}`);
  }
};
