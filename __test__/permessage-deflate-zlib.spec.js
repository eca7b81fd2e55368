'use strict';

// The options that are passed on to zlib.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const run = require('./support/child');
const { pair, roles } = require('./support/connections');
const { bytesOf } = require('./support/conversation');
const { Deflater, Inflater, RSV1 } = require('./support/deflate');
const {
  itDiffers,
  lib,
  PerMessageDeflate,
  Receiver
} = require('./support/ferrows');
const { frame, OP } = require('./support/frames');

const { kStatusCode } = lib('constants');

/** Data of several kinds. */
const MESSAGES = [
  Buffer.from('short'),
  Buffer.alloc(20000, 'compressible '),
  bytesOf({ kind: 'noise', length: 3000, seed: 1 }),
  Buffer.alloc(0),
  Buffer.alloc(20000, 'compressible ')
];

/**
 * Sends `MESSAGES` in both directions.
 *
 * @param {TestContext} t the test
 * @param {Object} options those of the extension
 */
async function converse(t, options) {
  const both = await pair(t, { perMessageDeflate: options });
  const ends = [both.client, both.server];
  const received = ends.map(() => []);
  ends.forEach((ws, i) => ws.on('message', (data) => received[i].push(data)));
  for (const data of MESSAGES) ends.forEach((ws) => ws.send(data));
  ends.forEach((ws) => ws.close());
  await Promise.all(ends.map((ws) => once(ws, 'close')));
  for (const list of received) assert.deepStrictEqual(list, MESSAGES);
}

/** A title for an option. */
const titled = (option) =>
  Object.entries(option)
    .map(([name, value]) => `\`${name}\` ${value}`)
    .join();

describe('Options for zlib', { timeout: 20000 }, () => {
  for (const option of [
    ...[-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => ({ level })),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((memLevel) => ({ memLevel })),
    ...[0, 1, 2, 3, 4].map((strategy) => ({ strategy })),
    ...[64, 1000, 1 << 20].map((chunkSize) => ({ chunkSize })),
    ...[8, 15].map((windowBits) => ({ windowBits })),
    { level: undefined }
  ]) {
    it(`may have the ${titled(option)} to compress`, async (t) => {
      await converse(t, { zlibDeflateOptions: Object.freeze(option) });
    });
  }

  for (const option of [
    ...[64, 1000, 1 << 20].map((chunkSize) => ({ chunkSize })),
    ...[8, 15].map((windowBits) => ({ windowBits })),
    { level: 1, memLevel: 1, strategy: 1 }
  ]) {
    it(`may have the ${titled(option)} to inflate`, async (t) => {
      await converse(t, { zlibInflateOptions: Object.freeze(option) });
    });
  }

  it('make a dictionary known to both sides', async (t) => {
    const dictionary = Buffer.from('compressible short '.repeat(20));
    for (const takeover of [true, false]) {
      await converse(t, {
        threshold: 0,
        serverNoContextTakeover: !takeover,
        clientNoContextTakeover: !takeover,
        zlibDeflateOptions: { dictionary },
        zlibInflateOptions: { dictionary }
      });
    }
  });

  for (const [role, connect] of Object.entries(roles)) {
    const open = (t, options, parameters = '') =>
      connect(
        t,
        { perMessageDeflate: options },
        `permessage-deflate${parameters}`
      );

    it(`use a dictionary from the start, at a ${role}`, async (t) => {
      const dictionary = MESSAGES[2];
      const zlibDeflateOptions = { dictionary };
      const zlibInflateOptions = { dictionary };
      const { ws, peer } = await open(t, {
        zlibDeflateOptions,
        zlibInflateOptions
      });
      ws.send(dictionary);
      const [{ payload }] = await peer.framesCame(1);
      assert.ok(payload.length < dictionary.length / 10);
      assert.ok(
        new Inflater({ dictionary }).fragment(payload).equals(dictionary)
      );

      const received = once(ws, 'message');
      const bytes = new Deflater({ dictionary }).message(dictionary);
      const mask = role === 'server';
      await peer.send(frame(OP.BINARY, bytes, { mask, rsv: RSV1 }));
      assert.ok((await received)[0].equals(dictionary));
    });

    it(`do not change the window negotiated by a ${role}`, async (t) => {
      const zlibDeflateOptions = { windowBits: 15 };
      const { ws, peer } = await open(
        t,
        { zlibDeflateOptions },
        `; ${role}_max_window_bits=9`
      );
      const [, , noise] = MESSAGES;
      ws.send(noise);
      ws.send(noise);
      const inflater = new Inflater({ windowBits: 9, chunkSize: 64 });
      for (const { payload } of await peer.framesCame(2)) {
        assert.ok(inflater.fragment(payload).equals(noise));
        assert.ok(payload.length > noise.length / 2);
      }
    });

    it(`set the level of a ${role}`, async (t) => {
      const sizes = [];
      for (const level of [0, 9]) {
        const { ws, peer } = await open(t, { zlibDeflateOptions: { level } });
        ws.send(MESSAGES[1]);
        const [{ payload }] = await peer.framesCame(1);
        sizes.push(payload.length);
        assert.ok(new Inflater().fragment(payload).equals(MESSAGES[1]));
      }
      assert.ok(sizes[0] > MESSAGES[1].length);
      assert.ok(sizes[1] < MESSAGES[1].length / 10);
    });
  }

  it('are looked at when the first message is compressed', async () => {
    // A process of its own, whose jobs are all lost that way with ws.
    const { code, lines, errors } = await run(
      ({ WebSocket, WebSocketServer, PerMessageDeflate }) => {
        new PerMessageDeflate({ concurrencyLimit: 1000 });
        const tryNext = (list) => {
          const [zlibDeflateOptions, ...rest] = list;
          if (zlibDeflateOptions === undefined) return;
          const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
          wss.options.perMessageDeflate = { zlibDeflateOptions };
          wss.on('listening', () => {
            new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
          });
          wss.on('connection', (ws) => {
            try {
              ws.send('text');
              console.log('sent');
            } catch (err) {
              console.log(`${err.name} ${err.code} ${err.message}`);
            }
            ws.terminate();
            wss.close(() => tryNext(rest));
          });
        };
        tryNext([
          { level: 10 },
          { level: -2 },
          { level: '5' },
          { memLevel: 0 },
          { memLevel: 10 },
          { strategy: 5 },
          { strategy: -1 },
          { chunkSize: 63 },
          { chunkSize: Infinity },
          { dictionary: 'text' },
          { flush: 9 },
          { windowBits: 99 },
          { level: NaN }
        ]);
      }
    );
    const range = (name, range, value) =>
      `RangeError ERR_OUT_OF_RANGE The value of "options.${name}" is out of ` +
      `range. It must be ${range}. Received ${value}`;
    assert.strictEqual(errors, '');
    assert.deepStrictEqual(lines, [
      range('level', '>= -1 and <= 9', 10),
      range('level', '>= -1 and <= 9', -2),
      'TypeError ERR_INVALID_ARG_TYPE The "options.level" property must be of ' +
        "type number. Received type string ('5')",
      range('memLevel', '>= 1 and <= 9', 0),
      range('memLevel', '>= 1 and <= 9', 10),
      range('strategy', '>= 0 and <= 4', 5),
      range('strategy', '>= 0 and <= 4', -1),
      range('chunkSize', '>= 64', 63),
      range('chunkSize', 'a finite number', Infinity),
      'TypeError ERR_INVALID_ARG_TYPE The "options.dictionary" property must ' +
        'be an instance of Buffer, TypedArray, DataView, or ArrayBuffer. ' +
        "Received type string ('text')",
      range('flush', '>= 0 and <= 5', 9),
      'sent',
      'sent'
    ]);
    assert.strictEqual(code, 0);
  });

  itDiffers('end a connection when the first message is inflated', async () => {
    const list = [{ level: 10 }, { chunkSize: 63 }, { dictionary: 'text' }];
    const codes = [];
    for (const zlibInflateOptions of list) {
      const deflate = new PerMessageDeflate({ zlibInflateOptions });
      deflate.accept([{}]);
      const receiver = new Receiver({
        extensions: { 'permessage-deflate': deflate }
      });
      receiver.write(Buffer.from([0xc1, 1, 0]));
      const [err] = await once(receiver, 'error');
      codes.push(`${err.name} ${err.code} ${err[kStatusCode]}`);
    }
    assert.deepStrictEqual(codes, [
      'RangeError ERR_OUT_OF_RANGE 1011',
      'RangeError ERR_OUT_OF_RANGE 1011',
      'TypeError ERR_INVALID_ARG_TYPE 1011'
    ]);
  });
});
