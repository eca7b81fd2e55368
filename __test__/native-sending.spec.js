'use strict';

// What is sent through the addon: how many system calls it takes, how soon it
// is there, and what callbacks say.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { roles } = require('./support/connections');
const { WebSocketServer } = require('./support/ferrows');
const { frame, OP } = require('./support/frames');
const {
  adopted,
  adopts,
  chunkOf,
  numbered,
  onlyNative,
  textsOf
} = require('./support/native');
const { clock, spectator, work } = require('./support/spectator');

/** How often something is tried that depends on the load of the machine. */
const TRIES = 10;

/** Milliseconds of work after a send. */
const WORK = 300;

/** Milliseconds before its end at which all must have come. */
const EARLY = 150;

/**
 * A server for the length of a test.
 *
 * @param {TestContext} t the test
 * @return {Promise<WebSocketServer>}
 */
async function listening(t) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  t.after(() => {
    for (const ws of wss.clients) ws.terminate();
    wss.close();
  });
  return wss;
}

describe('The sends of a tick', { timeout: 60000 }, () => {
  it('are few system calls', onlyNative, async (t) => {
    const { ws, chunks, came } = await spectator(t, await listening(t));
    await adopted(ws);
    let fewest = Infinity;
    let bytes = 0;
    for (let i = 0; i < TRIES && fewest > 2; i++) {
      const before = chunks.length;
      for (let j = 0; j < 8; j++) {
        // Long enough for the peer to read what was written already.
        work(0.06);
        ws.send('x');
        bytes += 3;
      }
      await came(bytes);
      fewest = Math.min(fewest, chunks.length - before);
    }
    assert.ok(fewest <= 2, `${fewest} chunks`);
  });

  it('of handlers are few, too', onlyNative, async (t) => {
    const wss = await listening(t);
    const { ws, chunks, came, send } = await spectator(t, wss);
    await adopted(ws);
    ws.on('message', () => {
      work(0.06);
      ws.send('x');
    });
    let fewest = Infinity;
    for (let i = 1; i <= TRIES && fewest > 2; i++) {
      const before = chunks.length;
      send(chunkOf(numbered('', 8), 'server'));
      await came(i * 8 * 3);
      fewest = Math.min(fewest, chunks.length - before);
    }
    assert.ok(fewest <= 2, `${fewest} chunks`);
  });

  for (const place of ['outside of handlers', 'in a handler']) {
    it(`are there although the thread is busy, ${place}`, async (t) => {
      const wss = await listening(t);
      const { ws, came, send } = await spectator(t, wss);
      await adopted(ws);
      // npm's ws writes all at once, and the stream transport the first one.
      const count = adopts ? 4 : 1;
      let end;
      const act = () => {
        for (let i = 0; i < count; i++) ws.send('x');
        work(WORK);
        end = clock();
      };
      if (place === 'in a handler') {
        ws.once('message', act);
        send(chunkOf(['go'], 'server'));
      } else {
        act();
      }
      const chunks = await came(3 * count);
      for (const { time } of chunks) {
        assert.ok(time < end - EARLY, `${end - time} ms before the end`);
      }
    });
  }

  it('may come at any time while it is busy', onlyNative, async (t) => {
    const { ws, came } = await spectator(t, await listening(t));
    await adopted(ws);
    const sent = [];
    for (let i = 0; i < 10; i++) {
      ws.send('x');
      sent.push(clock());
      work(20);
    }
    const chunks = await came(30);
    const times = chunks.flatMap(({ time, bytes }) =>
      Array(bytes.length / 3).fill(time)
    );
    const late = times.map((time, i) => time - sent[i]).sort((a, b) => a - b);
    // The load of the machine may delay some.
    assert.ok(late[5] < 15, `${late.map((time) => time.toFixed(1))} ms late`);
  });
});

for (const role of Object.keys(roles)) {
  describe(`The sends of a ${role}`, { timeout: 30000 }, () => {
    it('call back in order, each once', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const called = [];
      const expected = [];
      const sizes = [1, 100, 70000, 1, 20000, 3, 300000, 0];
      let bytes = 0;
      for (let i = 0; i < 200; i++) {
        const size = sizes[i % sizes.length];
        const data = i % 3 === 0 ? 'x'.repeat(size) : Buffer.alloc(size, 'x');
        ws.send(data, (err) => called.push(err ? `${err}` : i));
        expected.push(i);
        bytes += size;
        if (i % 50 === 0) await sleep(1);
      }
      await peer.until(({ chunks }) => {
        return chunks.reduce((sum, { length }) => sum + length, 0) >= bytes;
      });
      const frames = await peer.framesCame(200);
      frames.forEach(({ payload }, i) => {
        assert.strictEqual(payload.length, sizes[i % sizes.length]);
      });
      while (called.length < 200) await sleep(1);
      await sleep(2);
      assert.deepStrictEqual(called, expected);
    });

    it('call back with an error if they come to nothing', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      peer.socket.pause();
      const called = [];
      const count = 200;
      for (let i = 0; i < count; i++) {
        ws.send(Buffer.alloc(60000), (err) => called.push([i, Boolean(err)]));
      }
      assert.ok(ws.bufferedAmount > 0);
      const closed = once(ws, 'close');
      ws.terminate();
      await closed;
      while (called.length < count) await sleep(1);
      await sleep(2);
      assert.deepStrictEqual(
        called.map(([i]) => i),
        Array.from({ length: count }, (_, i) => i)
      );
      const first = called.findIndex(([, failed]) => failed);
      assert.ok(first > 0 && first < count, `the first failure is ${first}`);
      for (const [i, failed] of called) {
        assert.strictEqual(failed, i >= first, `${i}`);
      }
    });

    it('mix with frames that are encoded already', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const mask = role === 'client';
      const called = [];
      const log = (text) => () => called.push(text);
      ws.send('a', log('a'));
      ws.send('b', log('b'));
      ws._sender.sendFrame([frame(OP.TEXT, 'c', { mask })], log('c'));
      ws.ping('d', undefined, log('d'));
      ws.send('e', log('e'));
      const expected = [...'abcde'];
      assert.deepStrictEqual(textsOf(await peer.framesCame(5)), expected);
      while (called.length < 5) await sleep(1);
      assert.deepStrictEqual(called, expected);
      await adopted(ws);
    });
  });
}

describe('The exit of the process', { timeout: 60000 }, () => {
  /** Sends, in a handler, and leaves. */
  const leave = ({ WebSocket }, url, count, size) => {
    const ws = new WebSocket(url, { perMessageDeflate: false });
    ws.on('message', () => {
      for (let i = 0; i < count; i++) ws.send(`${i}:`.padEnd(size, '.'));
      process.exit(7);
    });
  };

  for (const [what, count, size] of [
    ['one message', 1, 10],
    ['some messages', 20, 10],
    ['many messages', 3000, 10],
    ['large messages', 4, 40000]
  ]) {
    it(`leaves ${what} to the peer`, async (t) => {
      const wss = await listening(t);
      const texts = [];
      const over = new Promise((resolve) => {
        wss.on('connection', (ws) => {
          setTimeout(() => ws.send('leave'), 20);
          ws.on('message', (data) => texts.push(data.toString()));
          ws.on('error', () => {});
          ws.on('close', resolve);
        });
      });
      const { code } = await run(leave, {
        args: [`ws://127.0.0.1:${wss.address().port}`, count, size]
      });
      await over;
      assert.strictEqual(code, 7);
      assert.deepStrictEqual(
        texts,
        numbered('', count).map((text) => `${text}:`.padEnd(size, '.'))
      );
    });
  }
});
