'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const brokenInput = require('./support/broken-input');
const { itDiffers, lib, Receiver } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

const { EMPTY_BUFFER, kStatusCode } = lib('constants');

/**
 * Writes down what a receiver emits.
 *
 * @param {Receiver} receiver the receiver
 * @return {Array} names and arguments of the events so far
 */
function record(receiver) {
  const events = [];
  for (const name of ['message', 'ping', 'pong', 'conclude', 'error']) {
    receiver.on(name, (...args) => events.push([name, ...args]));
  }
  return events;
}

/** `events` with Buffers as text. */
const readable = (events) =>
  events.map((event) =>
    event.map((part) => (Buffer.isBuffer(part) ? part.toString() : part))
  );

/**
 * Feeds a new receiver.
 *
 * @param {Buffer} bytes what to write
 * @param {Object} [options] the receiver's options
 * @param {number} [size] bytes in a chunk
 * @return {Array} what it emitted synchronously
 */
function feed(bytes, options, size = bytes.length) {
  const receiver = new Receiver(options);
  const events = record(receiver);
  for (let at = 0; at < bytes.length; at += size) {
    receiver.write(bytes.subarray(at, at + size));
  }
  return events;
}

describe('Receiver', () => {
  for (const isServer of [true, false]) {
    const role = isServer ? 'server' : 'client';

    describe(`of a ${role}, when input is broken`, { timeout: 10000 }, () => {
      for (const row of brokenInput(isServer)) {
        for (const size of [row.bytes.length, 1]) {
          const how = size === 1 ? 'byte by byte' : 'whole';

          it(`reports ${row.name} that comes ${how}`, async () => {
            const receiver = new Receiver({ isServer, ...row.options });
            const broken = once(receiver, 'error');
            receiver.on('conclude', () => assert.fail('concluded'));
            for (let at = 0; at < row.bytes.length; at += size) {
              receiver.write(Buffer.from(row.bytes.subarray(at, at + size)));
            }

            const [err] = await broken;
            assert.strictEqual(err.constructor, row.Class);
            assert.strictEqual(err.code, row.code);
            assert.strictEqual(err.message, row.message);
            assert.strictEqual(err[kStatusCode], row.closeCode);
          });
        }
      }
    });
  }

  const conversation = Buffer.concat([
    frame(OP.TEXT, 'a', { fin: false }),
    frame(OP.PING, 'b'),
    frame(OP.CONT, '', { fin: false }),
    frame(OP.PONG, 'c'),
    frame(OP.CONT, 'dé'),
    frame(OP.BINARY, Buffer.alloc(200, 'e')),
    frame(OP.BINARY, Buffer.alloc(70000, 'f')),
    frame(OP.TEXT, 'x', { form: 127 }),
    frame(OP.TEXT),
    frame(OP.TEXT, 'dropped', { fin: false }),
    frame(OP.CLOSE, closeBody(3000, 'bye'))
  ]);
  const said = [
    ['ping', 'b'],
    ['pong', 'c'],
    ['message', 'adé', false],
    ['message', 'e'.repeat(200), true],
    ['message', 'f'.repeat(70000), true],
    ['message', 'x', false],
    ['message', '', false],
    ['conclude', 3000, 'bye']
  ];

  for (const size of [conversation.length, 1, 2, 7, 4096]) {
    it(`emits the same for chunks of ${size} bytes, synchronously`, () => {
      const events = feed(conversation, {}, size);
      assert.deepStrictEqual(readable(events), said);
    });
  }

  it('unmasks whatever the position in the chunk', () => {
    const texts = [...'abcdefgh'].map((letter, i) => letter.repeat(i * 37));
    const bytes = Buffer.concat(
      texts.map((text) => frame(OP.TEXT, text, { mask: true }))
    );
    for (const size of [bytes.length, 1, 3, 5, 64]) {
      const copy = Buffer.from(bytes);
      const events = feed(copy, { isServer: true }, size);
      assert.deepStrictEqual(
        readable(events),
        texts.map((text) => ['message', text, false])
      );
    }
  });

  it('gives the one empty Buffer for whatever is empty', () => {
    const bytes = Buffer.concat([
      frame(OP.TEXT),
      frame(OP.BINARY),
      frame(OP.BINARY, '', { fin: false }),
      frame(OP.CONT),
      frame(OP.PING),
      frame(OP.PONG)
    ]);
    for (const event of feed(bytes)) {
      assert.strictEqual(event[1], EMPTY_BUFFER, event[0]);
    }
  });

  it('gives the one empty Buffer as the reason of an empty close frame', () => {
    const [[, code, reason]] = feed(frame(OP.CLOSE));
    assert.strictEqual(code, 1005);
    assert.strictEqual(reason, EMPTY_BUFFER);
  });

  it('accepts all close codes that may be sent', () => {
    const codes = [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999];
    for (const code of codes) {
      const [[, given, reason]] = feed(frame(OP.CLOSE, closeBody(code)));
      assert.strictEqual(given, code);
      assert.strictEqual(reason.length, 0);
    }
  });

  describe('the limits', () => {
    it('allow what is exactly as long', () => {
      const bytes = Buffer.concat([
        frame(OP.TEXT, 'ab', { fin: false }),
        frame(OP.PING, 'more than that'),
        frame(OP.CONT, 'cde'),
        frame(OP.TEXT, 'fghij')
      ]);
      const events = feed(bytes, { maxPayload: 5, maxFragments: 2 });
      assert.deepStrictEqual(readable(events), [
        ['ping', 'more than that'],
        ['message', 'abcde', false],
        ['message', 'fghij', false]
      ]);
    });

    it('count fragments anew for each message', () => {
      const message = Buffer.concat([
        frame(OP.TEXT, 'a', { fin: false }),
        frame(OP.CONT, 'b', { fin: false }),
        frame(OP.CONT, 'c')
      ]);
      const bytes = Buffer.concat(Array(5).fill(message));
      assert.strictEqual(feed(bytes, { maxFragments: 3 }).length, 5);
    });

    it('stand for no limit if 0 or less', () => {
      const bytes = Buffer.concat([
        frame(OP.BINARY, Buffer.alloc(70000), { fin: false }),
        ...Array(300).fill(frame(OP.CONT, 'a', { fin: false })),
        frame(OP.CONT, 'b')
      ]);
      const none = { maxPayload: -1, maxFragments: -1, maxBufferedChunks: -1 };
      assert.strictEqual(feed(bytes, none, 50)[0][1].length, 70301);
      assert.strictEqual(feed(bytes, {}, 50)[0][1].length, 70301);
    });

    it('report a long payload before it is there', async () => {
      const receiver = new Receiver({ maxPayload: 20 });
      receiver.write(frame(OP.TEXT, '', { length: 200 }));
      const [err] = await once(receiver, 'error');
      assert.strictEqual(err.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    });

    it('bound the chunks that wait for the rest of a frame', async () => {
      const receiver = new Receiver({ maxBufferedChunks: 3 });
      const events = record(receiver);
      const broken = once(receiver, 'error');
      const bytes = frame(OP.TEXT, 'abc');
      for (const byte of bytes.subarray(0, 4)) {
        receiver.write(Buffer.from([byte]));
      }
      receiver.write(bytes.subarray(4));
      assert.deepStrictEqual(readable(events), [['message', 'abc', false]]);

      for (const byte of frame(OP.TEXT, 'abcdefgh')) {
        receiver.write(Buffer.from([byte]));
      }
      const [err] = await broken;
      assert.strictEqual(err.constructor, RangeError);
      assert.strictEqual(err.code, 'WS_ERR_TOO_MANY_BUFFERED_PARTS');
      assert.strictEqual(err.message, 'Too many buffered chunks');
      assert.strictEqual(err[kStatusCode], 1008);
    });
  });

  describe('UTF-8', () => {
    const split = Buffer.concat([
      frame(OP.TEXT, Buffer.from('e282', 'hex'), { fin: false }),
      frame(OP.PING),
      frame(OP.CONT, Buffer.from('ac', 'hex'))
    ]);

    it('may be cut between fragments', () => {
      const events = feed(split, {}, 1);
      assert.deepStrictEqual(readable(events)[1], ['message', '€', false]);
    });

    it('is not demanded with `skipUTF8Validation`', () => {
      const bad = Buffer.from('f8a0', 'hex');
      const bytes = Buffer.concat([
        frame(OP.TEXT, bad),
        frame(OP.CLOSE, closeBody(1000, bad))
      ]);
      assert.deepStrictEqual(feed(bytes, { skipUTF8Validation: true }), [
        ['message', bad, false],
        ['conclude', 1000, bad]
      ]);
    });

    itDiffers('is checked as it comes, within a frame', async () => {
      const receiver = new Receiver();
      receiver.write(
        frame(OP.TEXT, Buffer.from('61ff', 'hex'), { length: 1000 })
      );
      const [err] = await once(receiver, 'error');
      assert.strictEqual(err.code, 'WS_ERR_INVALID_UTF8');
    });

    itDiffers('is checked as it comes, fragment by fragment', async () => {
      const receiver = new Receiver();
      receiver.write(
        frame(OP.TEXT, Buffer.from('61ff', 'hex'), { fin: false })
      );
      const [err] = await once(receiver, 'error');
      assert.strictEqual(err.code, 'WS_ERR_INVALID_UTF8');
    });
  });

  describe('binaryType', () => {
    const bytes = Buffer.concat([
      frame(OP.BINARY, 'ab'),
      frame(OP.BINARY, 'c', { fin: false }),
      frame(OP.CONT, '', { fin: false }),
      frame(OP.CONT, 'de'),
      frame(OP.BINARY),
      frame(OP.TEXT, 'text')
    ]);

    /** What comes with a binary type; the text is checked here. */
    function received(binaryType, size) {
      const events = feed(Buffer.from(bytes), { binaryType }, size);
      const [, text, isBinary] = events.pop();
      assert.ok(Buffer.isBuffer(text));
      assert.strictEqual(text.toString(), 'text');
      assert.strictEqual(isBinary, false);
      return events.map(([, data, binary]) => {
        assert.strictEqual(binary, true);
        return data;
      });
    }

    for (const size of [undefined, 1]) {
      const how = size === 1 ? 'byte by byte' : 'whole';

      it(`nodebuffer gives Buffers, ${how}`, () => {
        const list = received('nodebuffer', size);
        assert.ok(list.every(Buffer.isBuffer));
        assert.deepStrictEqual(list.map(String), ['ab', 'cde', '']);
      });

      it(`arraybuffer gives ArrayBuffers, ${how}`, () => {
        const list = received('arraybuffer', size);
        assert.ok(list.every((data) => data instanceof ArrayBuffer));
        assert.deepStrictEqual(
          list.map((data) => Buffer.from(data).toString()),
          ['ab', 'cde', '']
        );
      });

      it(`fragments gives a Buffer for each frame with data, ${how}`, () => {
        const list = received('fragments', size);
        assert.ok(list.flat().every(Buffer.isBuffer));
        assert.deepStrictEqual(
          list.map((parts) => parts.map(String)),
          [['ab'], ['c', 'de'], []]
        );
      });

      it(`blob gives Blobs, ${how}`, async () => {
        const list = received('blob', size);
        assert.ok(list.every((data) => data instanceof Blob));
        const texts = await Promise.all(list.map((blob) => blob.text()));
        assert.deepStrictEqual(texts, ['ab', 'cde', '']);
      });
    }

    it('arraybuffer gives the memory of the Buffer if the data fills it', () => {
      const receiver = new Receiver({ binaryType: 'arraybuffer' });
      const events = record(receiver);
      const payload = Buffer.from(new ArrayBuffer(3)).fill('x');
      receiver.write(frame(OP.BINARY, '', { length: 3 }));
      receiver.write(payload);
      assert.strictEqual(events[0][1], payload.buffer);
    });
  });
});
