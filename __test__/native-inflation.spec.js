'use strict';

// A large compressed message is inflated on another thread. What a program
// does to the connection meanwhile, or what comes from the peer, keeps its
// place behind that message.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const zlib = require('node:zlib');

const { endOf, roles } = require('./support/connections');
const { closeBody, frame, OP } = require('./support/frames');
const { adopted, adopts, isNative, numbered } = require('./support/native');

/** Bytes of a message that is inflated elsewhere. */
const LARGE = 2 * 1024 * 1024;

const TEXT = Buffer.from('0123456789abcdef'.repeat(LARGE / 16));

/** Its compressed form, without the end that RFC 7692 leaves out. */
const COMPRESSED = zlib
  .deflateRawSync(TEXT, { finishFlush: zlib.constants.Z_SYNC_FLUSH })
  .subarray(0, -4);

/** When something is done, after the handler of the message before. */
const MOMENTS = {
  'at once': (act) => act(),
  'on the next tick': (act) => process.nextTick(act),
  'on the next turn': (act) => setImmediate(act),
  'a little later': (act) => setTimeout(act, 2)
};

/** What is done then. */
const ACTS = {
  'pauses and resumes': ({ ws }) => {
    ws.pause();
    setTimeout(() => ws.resume(), 5);
  },
  'takes the receiver': ({ ws }) => assert.ok(ws._receiver),
  'listens to `data`': ({ ws }) => ws._socket.on('data', () => {}),
  'corks and uncorks': ({ ws }) => {
    ws._socket.cork();
    ws._socket.uncork();
  },
  'sends much': ({ ws }) => ws.send(Buffer.alloc(LARGE)),
  'gets more': ({ peer, text }) => peer.socket.write(text('more')),
  'gets a FIN': ({ peer }) => peer.socket.end()
};

for (const role of Object.keys(roles)) {
  const mask = role === 'server';
  const text = (data) => frame(OP.TEXT, data, { mask });
  const large = frame(OP.TEXT, COMPRESSED, { mask, rsv: 0x40 });

  /**
   * Opens a connection with compression that is adopted.
   *
   * @param {TestContext} t the test
   * @return {Promise<Object>}
   */
  const open = async (t) => {
    const { ws, peer } = await roles[role](
      t,
      { perMessageDeflate: true },
      'permessage-deflate'
    );
    assert.strictEqual(ws.extensions, 'permessage-deflate');
    await adopted(ws);
    const log = [];
    ws.on('message', (data) => {
      log.push(data.length === LARGE ? 'large' : data.toString());
      if (data.length === LARGE) assert.ok(data.equals(TEXT));
    });
    return { log, peer, text, ws };
  };

  /** What is written to it. */
  const written = Buffer.concat([
    ...[text('first'), large, text('second'), large],
    ...numbered('m', 300).map(text)
  ]);
  const expected = ['first', 'large', 'second', 'large', ...numbered('m', 300)];

  describe(`A ${role} that inflates`, { timeout: 60000 }, () => {
    for (const [what, act] of Object.entries(ACTS)) {
      for (const [when, later] of Object.entries(MOMENTS)) {
        it(`${what} ${when}`, async (t) => {
          const stage = await open(t);
          const { log, peer, ws } = stage;
          const end = endOf(ws);
          ws.once('message', () => later(() => act(stage)));
          peer.socket.write(written);
          const all = what === 'gets more' ? expected.length + 1 : -1;
          while (log.length < Math.max(all, expected.length)) await sleep(1);
          assert.deepStrictEqual(
            log.filter((line) => line !== 'more'),
            expected
          );
          if (what === 'gets more') assert.strictEqual(log.at(-1), 'more');
          if (what === 'gets a FIN') {
            assert.strictEqual((await end).code, 1006);
            return;
          }
          const came = once(ws, 'message');
          peer.socket.write(text('last'));
          assert.strictEqual((await came)[0].toString(), 'last');
        });
      }
    }

    for (const [when, later] of Object.entries(MOMENTS)) {
      it(`closes ${when}`, async (t) => {
        const { log, peer, ws } = await open(t);
        const end = endOf(ws);
        ws.once('message', () => later(() => ws.close(1000)));
        const closing = frame(OP.CLOSE, closeBody(1000, 'done'), { mask });
        peer.socket.write(Buffer.concat([written, closing]));
        await peer.framesCame(1);
        peer.socket.end();
        const { code, reason } = await end;
        assert.deepStrictEqual([code, reason], [1000, 'done']);
        assert.deepStrictEqual(log, expected);
      });

      it(`is terminated ${when}`, async (t) => {
        const { log, peer, ws } = await open(t);
        const end = endOf(ws);
        ws.once('message', () => later(() => ws.terminate()));
        peer.socket.write(written);
        assert.strictEqual((await end).code, 1006);
        assert.deepStrictEqual(log, expected.slice(0, log.length));
      });
    }

    it('is adopted, and stays so', async (t) => {
      const { log, peer, ws } = await open(t);
      for (let i = 0; i < 3; i++) {
        peer.socket.write(written);
        while (log.length < (i + 1) * expected.length) await sleep(1);
        await adopted(ws);
        assert.strictEqual(isNative(ws), adopts);
      }
      assert.deepStrictEqual(log, [...expected, ...expected, ...expected]);
    });
  });
}
