'use strict';

// What is sent with permessage-deflate, and what is made of what comes: a
// WebSocket of either role, and a peer played by hand.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { endOf, roles } = require('./support/connections');
const { Deflater, Inflater, RSV1 } = require('./support/deflate');
const { WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

const NAME = 'permessage-deflate';

/** A text that can be compressed. */
const LONG = 'compressible '.repeat(5000);

/** What a callback gets when the connection is gone. */
const CLOSED = 'The socket was closed while data was being compressed';

/** 2000 bytes that cannot be compressed by themselves. */
const NOISE = Buffer.from(
  Array.from({ length: 2000 }, (_, i) => (i * i * 7919 + (i >> 3) * 31) >> 2)
);

/**
 * The frames that a peer has received, inflated.
 *
 * @param {Object[]} frames the frames
 * @param {Object} [options] those of the `Inflater`
 * @return {Array} opcode, whether it is compressed, FIN, and data of each
 */
function inflated(frames, options) {
  const inflater = new Inflater(options);
  let isCompressed = false;
  return frames.map(({ opcode, fin, rsv, payload }) => {
    if (opcode === OP.TEXT || opcode === OP.BINARY) isCompressed = rsv === RSV1;
    const data =
      opcode <= OP.BINARY && isCompressed
        ? inflater.fragment(payload, fin)
        : payload;
    return [opcode, rsv === RSV1, fin, data.toString()];
  });
}

/** A callback that writes down its error's message. */
const noting = (log, name) => (err) => log.push([name, err?.message]);

/** Waits until a list has as many elements. */
async function grown(list, length) {
  while (list.length < length) await sleep(1);
  return list;
}

for (const [role, connect] of Object.entries(roles)) {
  const other = role === 'server' ? 'client' : 'server';
  const toIt = (opcode, data, options) =>
    frame(opcode, data, { mask: role === 'server', ...options });

  /** A WebSocket with the extension, and its peer. */
  const open = (t, options, parameters = '') =>
    connect(t, { perMessageDeflate: {}, ...options }, NAME + parameters);

  describe(`What a ${role}'s WebSocket sends`, { timeout: 20000 }, () => {
    it('is compressed unless it is said otherwise', async (t) => {
      const { ws, peer } = await open(t);
      ws.send('a');
      ws.send('b', { compress: false });
      ws.send('', { compress: true });
      assert.deepStrictEqual(inflated(await peer.framesCame(3)), [
        [OP.TEXT, true, true, 'a'],
        [OP.TEXT, false, true, 'b'],
        [OP.TEXT, true, true, '']
      ]);
    });

    it('is compressed or not as its first fragment', async (t) => {
      const { ws, peer } = await open(t);
      ws.send('a', { fin: false });
      ws.send('b', { fin: false, compress: false });
      ws.send('c', { compress: false });
      ws.send('d', { fin: false, compress: false });
      ws.send('e');
      assert.deepStrictEqual(inflated(await peer.framesCame(5)), [
        [OP.TEXT, true, false, 'a'],
        [OP.CONT, false, false, 'b'],
        [OP.CONT, false, true, 'c'],
        [OP.TEXT, false, false, 'd'],
        [OP.CONT, false, true, 'e']
      ]);
    });

    it('is not compressed below the threshold, without memory', async (t) => {
      const parameters = `; ${role}_no_context_takeover`;
      const options = { perMessageDeflate: { threshold: 3 } };
      const { ws, peer } = await open(t, options, parameters);
      ws.send('ab');
      ws.send(Buffer.from('abc'));
      ws.send('abc', { fin: false });
      ws.send('a');
      const frames = await peer.framesCame(4);
      assert.deepStrictEqual(inflated(frames, { takeover: false }), [
        [OP.TEXT, false, true, 'ab'],
        [OP.BINARY, true, true, 'abc'],
        [OP.TEXT, true, false, 'abc'],
        [OP.CONT, false, true, 'a']
      ]);
    });

    it('is compressed whatever the threshold, with memory', async (t) => {
      const parameters = `; ${other}_no_context_takeover`;
      const { ws, peer } = await open(t, {}, parameters);
      ws.send('a');
      const frames = await peer.framesCame(1);
      assert.deepStrictEqual(inflated(frames), [[OP.TEXT, true, true, 'a']]);
    });

    it('refers to messages before, within its window', async (t) => {
      for (const [bits, refers] of [
        [15, true],
        [12, true],
        [9, false]
      ]) {
        const parameters = `; ${role}_max_window_bits=${bits}`;
        const { ws, peer } = await open(t, {}, parameters);
        ws.send(NOISE);
        ws.send(NOISE);
        const [first, second] = await peer.framesCame(2);
        const small = second.payload.length < first.payload.length / 10;
        assert.strictEqual(small, refers);
        const zlib = { windowBits: bits, chunkSize: 64 };
        const [, [, , , text]] = inflated([first, second], { zlib });
        assert.strictEqual(text, NOISE.toString());
      }
    });

    it('keeps its order, control frames and Blobs too', async (t) => {
      const { ws, peer } = await open(t);
      const log = [];
      ws.send(LONG, noting(log, 'long'));
      ws.ping('ping', undefined, noting(log, 'ping'));
      ws.send(new Blob(['blob']), noting(log, 'blob'));
      ws.send('plain', { compress: false }, noting(log, 'plain'));
      ws.pong('pong', undefined, noting(log, 'pong'));
      ws.send('short', noting(log, 'short'));
      assert.strictEqual(ws.bufferedAmount, LONG.length + 22);
      ws.close(1000);
      const frames = inflated(await peer.framesCame(7));
      assert.deepStrictEqual(frames.slice(0, -1), [
        [OP.TEXT, true, true, LONG],
        [OP.PING, false, true, 'ping'],
        [OP.BINARY, true, true, 'blob'],
        [OP.TEXT, false, true, 'plain'],
        [OP.PONG, false, true, 'pong'],
        [OP.TEXT, true, true, 'short']
      ]);
      await grown(log, 6);
      assert.deepStrictEqual(
        log.map(([name, message]) => `${name} ${message}`),
        ['long', 'ping', 'blob', 'plain', 'pong', 'short'].map(
          (name) => `${name} undefined`
        )
      );
      assert.strictEqual(ws.bufferedAmount, 0);
    });

    it('fails in order if it is terminated in the same tick', async (t) => {
      const { ws, peer } = await open(t);
      const log = [];
      ws.send(LONG, noting(log, 'a'));
      ws.ping('', undefined, noting(log, 'b'));
      ws.send('c', { compress: false }, noting(log, 'c'));
      ws.send('d', noting(log, 'd'));
      ws.terminate();
      await once(ws, 'close');
      assert.deepStrictEqual(
        log,
        ['a', 'b', 'c', 'd'].map((name) => [name, CLOSED])
      );
      assert.deepStrictEqual(peer.frames, []);
    });

    it('goes out before it closes', async (t) => {
      const { ws, peer } = await open(t);
      for (let i = 0; i < 10; i++) ws.send(`${LONG}${i}`);
      ws.close(1000, 'bye');
      assert.strictEqual(ws.readyState, WebSocket.CLOSING);
      const frames = inflated(await peer.framesCame(11));
      frames.slice(0, 10).forEach(([, , , text], i) => {
        assert.strictEqual(text, `${LONG}${i}`);
      });
      assert.strictEqual(frames[10][0], OP.CLOSE);
    });
  });

  describe(`What a ${role}'s WebSocket receives`, { timeout: 20000 }, () => {
    const deflated = (deflater, data, opcode = OP.TEXT) =>
      toIt(opcode, deflater.message(data), { rsv: RSV1 });

    it('is the same in pieces of a byte', async (t) => {
      const { ws, peer } = await open(t);
      const received = [];
      for (const name of ['message', 'ping']) {
        ws.on(name, (data) => received.push(data));
      }
      const deflater = new Deflater();
      const bytes = Buffer.concat([
        deflated(deflater, 'text'),
        toIt(OP.TEXT, deflater.part('in '), { rsv: RSV1, fin: false }),
        toIt(OP.PING, 'ping'),
        toIt(OP.CONT, deflater.message('parts')),
        deflated(deflater, NOISE, OP.BINARY),
        deflated(deflater, NOISE, OP.BINARY)
      ]);
      await peer.send(...[...bytes].map((byte) => Buffer.of(byte)));
      await grown(received, 5);
      const expected = ['text', 'ping', 'in parts', NOISE, NOISE];
      assert.deepStrictEqual(
        received,
        expected.map((x) => Buffer.from(x))
      );
    });

    it('comes before what is behind it', async (t) => {
      const { ws, peer } = await open(t);
      const log = [];
      for (const name of ['message', 'ping', 'close']) {
        ws.on(name, (data) => log.push(`${name} ${data}`.slice(0, 20)));
      }
      const deflater = new Deflater();
      await peer.send(
        Buffer.concat([
          deflated(deflater, LONG),
          toIt(OP.PING, 'a'),
          deflated(deflater, 'b'),
          toIt(OP.TEXT, 'c'),
          deflated(deflater, 'd'),
          toIt(OP.CLOSE, closeBody(1000))
        ])
      );
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      await grown(log, 6);
      assert.deepStrictEqual(
        log.map((line) => line.slice(0, 10)),
        [
          'message co',
          'ping a',
          'message b',
          'message c',
          'message d',
          'close 1000'
        ]
      );
    });

    it('comes even if it is terminated meanwhile', async (t) => {
      const { ws, peer } = await open(t);
      const received = [];
      ws.on('message', (data) => received.push(data.length));
      ws.on('ping', () => ws.terminate());
      const end = endOf(ws);
      const deflater = new Deflater();
      const messages = [LONG, 'a'].map((text) => deflated(deflater, text));
      await peer.send(Buffer.concat([toIt(OP.PING), ...messages]));
      assert.strictEqual((await end).code, 1006);
      assert.deepStrictEqual(received, [LONG.length, 1]);
    });

    for (const [what, bytes, code, message] of [
      ['bad data', Buffer.of(7), 1007, 'invalid block type'],
      [
        'a text that is not UTF-8',
        new Deflater().message(Buffer.of(0x61, 0xff)),
        1007,
        'Invalid WebSocket frame: invalid UTF-8 sequence'
      ],
      [
        'more than `maxPayload`',
        new Deflater().message('x'.repeat(1001)),
        1009,
        'Max payload size exceeded'
      ]
    ]) {
      it(`may be ${what}, which ends the connection`, async (t) => {
        const { ws, peer } = await open(t, { maxPayload: 1000 });
        const end = endOf(ws);
        const data = new Deflater().message('x'.repeat(1000));
        const received = once(ws, 'message');
        await peer.send(
          toIt(OP.TEXT, data, { rsv: RSV1 }),
          toIt(OP.TEXT, bytes, { rsv: RSV1 }),
          toIt(OP.TEXT, 'lost')
        );
        assert.strictEqual((await received)[0].length, 1000);
        const [{ payload }] = await peer.framesCame(1);
        assert.strictEqual(payload.readUInt16BE(), code);
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        const { code: seen, errors } = await end;
        assert.strictEqual(seen, 1006);
        assert.strictEqual(errors.length, 1);
        assert.strictEqual(errors[0].message, message);
      });
    }
  });
}
