'use strict';

// Events of several connections are delivered one after the other. What a
// handler does to another connection takes effect at once, as if the bytes of
// that one had not been read yet.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setImmediate: turn } = require('node:timers/promises');

const run = require('./support/child');
const { pair, roles } = require('./support/connections');
const { itDiffers } = require('./support/ferrows');
const {
  adopted,
  chunkOf,
  collect,
  forced,
  numbered,
  textsOf
} = require('./support/native');

const COUNT = 20;

/** Turns of the event loop within which everything has come. */
const TURNS = 10;

/** Which connections are in one slice is the affair of other threads. */
const options = {
  timeout: 20000,
  skip: forced === 'tokio' && 'threads decide what comes together'
};

/**
 * Opens connections, writes to all of their peers at once, and does something
 * to the others in the first handler of all.
 *
 * @param {TestContext} t the test
 * @param {string} role that of the WebSockets
 * @param {function(Object)} act called with each of the others
 * @param {number} [count=COUNT] messages for each
 * @return {Promise<{first: Object, others: Object[]}>} when they had time to
 *     come
 */
async function amid(t, role, act, count = COUNT) {
  const list = await Promise.all(numbered('', 4).map(() => roles[role](t)));
  await adopted(...list.map(({ ws }) => ws));
  let first;
  for (const one of list) {
    one.inbox = collect(one.ws);
    one.ws.on('error', () => {});
    one.ws.once('message', () => {
      if (first !== undefined) return;
      first = one;
      for (const other of list) if (other !== one) act(other, one);
    });
  }
  // All are readable before the first one is read.
  for (const { peer } of list) {
    peer.socket.write(chunkOf(numbered('m', count), role));
  }
  for (let i = 0; i < TURNS; i++) await turn();
  assert.deepStrictEqual(first.inbox.texts, numbered('m', count));
  return { first, others: list.filter((one) => one !== first) };
}

for (const role of Object.keys(roles)) {
  describe(`A handler of a ${role}`, options, () => {
    for (const [name, target] of [
      ['`pause()`', ({ ws }) => ws],
      ['`_socket.pause()`', ({ ws }) => ws._socket]
    ]) {
      for (const count of [COUNT, 400]) {
        it(`holds ${count} messages back: ${name}`, async (t) => {
          const act = (other) => target(other).pause();
          const { others } = await amid(t, role, act, count);
          for (const other of others) {
            assert.deepStrictEqual(other.inbox.texts, []);
            target(other).resume();
          }
          for (const { inbox } of others) await inbox.came(count);
          for (const { peer } of others) {
            peer.socket.write(chunkOf(['more'], role));
          }
          for (const { inbox, ws } of others) {
            await inbox.came(count + 1);
            assert.deepStrictEqual(inbox.texts, [
              ...numbered('m', count),
              'more'
            ]);
            await adopted(ws);
          }
        });
      }
    }

    it('pauses and resumes others without a loss', async (t) => {
      const { others } = await amid(t, role, ({ ws }) => {
        ws.pause();
        ws.resume();
      });
      for (const { inbox, ws } of others) {
        await inbox.came(COUNT);
        assert.deepStrictEqual(inbox.texts, numbered('m', COUNT));
        await adopted(ws);
      }
    });

    for (const [name, act] of Object.entries({
      '`terminate()`': ({ ws }) => ws.terminate(),
      '`_socket.destroy()`': ({ ws }) => ws._socket.destroy(),
      '`pause()` and `terminate()`': ({ ws }) => {
        ws.pause();
        ws.terminate();
      }
    })) {
      it(`drops what others have not got: ${name}`, async (t) => {
        const { others } = await amid(t, role, (other) => {
          other.closed = once(other.ws, 'close');
          act(other);
        });
        for (const { closed, inbox } of others) {
          assert.strictEqual((await closed)[0], 1006);
          assert.deepStrictEqual(inbox.texts, []);
        }
      });
    }

    it('pauses others, which get all of it when they end', async (t) => {
      const { others } = await amid(t, role, ({ ws }) => ws.pause());
      for (const { inbox, ws } of others) {
        assert.deepStrictEqual(inbox.texts, []);
        const closed = once(ws, 'close');
        ws.terminate();
        await closed;
        assert.deepStrictEqual(inbox.texts, numbered('m', COUNT));
      }
    });

    for (const [name, act] of Object.entries({
      '`close()`': ({ ws }) => ws.close(),
      '`_receiver`': ({ ws }) => assert.ok(ws._receiver),
      '`_socket.end()`': ({ ws }) => ws._socket.end(),
      'a listener of `data`': ({ ws }) => ws._socket.on('data', () => {}),
      '`_socket.cork()`': ({ ws }) => {
        ws._socket.cork();
        setImmediate(() => ws._socket.uncork());
      },
      '`_socket.setTimeout()`': ({ ws }) => {
        ws._socket.setTimeout(10000);
        setImmediate(() => ws._socket.setTimeout(0));
      },
      '`send()`': ({ ws }) => ws.send('from another')
    })) {
      it(`leaves others what they are to get: ${name}`, async (t) => {
        const { others } = await amid(t, role, act);
        for (const { inbox } of others) {
          await inbox.came(COUNT);
          assert.deepStrictEqual(inbox.texts, numbered('m', COUNT));
        }
      });
    }

    it('sends for others before they answer themselves', async (t) => {
      const { others } = await amid(t, role, ({ ws }) => {
        ws.send('1');
        ws.on('message', (data) => ws.send(`re ${data}`));
        ws.send('2');
      });
      for (const { peer } of others) {
        assert.deepStrictEqual(textsOf(await peer.framesCame(2 + COUNT)), [
          ...['1', '2', ...numbered('re m', COUNT)]
        ]);
      }
    });

    it('changes who gets the messages of others', async (t) => {
      const list = [];
      await amid(t, role, ({ ws }) => {
        ws.removeAllListeners('message');
        ws.on('message', (data) => list.push(data.toString()));
      });
      assert.strictEqual(list.length, 3 * COUNT);
    });
  });
}

describe('Another connection', { timeout: 20000 }, () => {
  itDiffers('gets its messages although a handler throws', async () => {
    const { code, errors, lines } = await run(
      ({ WebSocket, WebSocketServer }) => {
        const thrown = [];
        const got = [[], [], []];
        process.on('uncaughtException', ({ message }) => thrown.push(message));
        const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
          const url = `ws://127.0.0.1:${wss.address().port}`;
          const clients = got.map(() => new WebSocket(url));
          let open = 0;
          for (const client of clients) {
            client.on('open', () => {
              if (++open === 3) setTimeout(send, 20);
            });
          }
          const send = () => {
            for (let i = 0; i < 300; i++) {
              for (const client of clients) client.send(`${i}`);
            }
            setTimeout(() => {
              for (const list of got) {
                console.log(list.every((n, i) => n === i) && list.length);
              }
              console.log(thrown.length);
              console.log(thrown.every((text) => text.endsWith('00')));
              process.exit();
            }, 200);
          };
        });
        let index = 0;
        wss.on('connection', (ws) => {
          const list = got[index++];
          ws.on('message', (data) => {
            list.push(Number(data));
            if (list.length % 100 === 1) throw new Error(`${data}00`);
          });
        });
      }
    );
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(lines, ['300', '300', '300', '9', 'true']);
  });

  it('does not wait for one whose message is inflated', async (t) => {
    const slow = await pair(t, { perMessageDeflate: { threshold: 0 } });
    const quick = await pair(t);
    await adopted(slow.client, slow.server, quick.client, quick.server);
    const log = [];
    slow.server.on('message', (data) => log.push(`slow ${data.length}`));
    quick.server.on('message', (data) => log.push(`quick ${data.length}`));
    const size = 8 * 1024 * 1024;
    const sent = new Promise((resolve) =>
      slow.client.send(Buffer.alloc(size), resolve)
    );
    slow.client.send('x');
    await sent;
    quick.client.send('x');
    while (log.length < 3) await turn();
    assert.deepStrictEqual(log.sort(), ['quick 1', 'slow 1', `slow ${size}`]);
  });
});
