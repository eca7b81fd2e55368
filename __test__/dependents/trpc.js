'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { before, describe, it } = require('node:test');

const { WebSocket } = require('../support/ferrows');
const { closed, listen } = require('../support/server');
const { loadModule } = require('./home');

describe('tRPC', { timeout: 20e3 }, () => {
  let client, server, ws;

  before(async () => {
    client = await loadModule('@trpc/client');
    server = await loadModule('@trpc/server');
    ws = await loadModule('@trpc/server/adapters/ws');
  });

  /**
   * Starts a server and a client of it for the length of a test.
   *
   * @param {TestContext} t the test
   * @param {function(Object): Object} procedures makes the procedures from a
   *     procedure builder
   * @param {Object} [options] more options of the server's handler
   * @return {Promise<Object>} the client's procedures `api`, its connection
   *     `wsClient`, the server `wss` and what the adapter made of it, `handler`
   */
  async function start(t, procedures, options) {
    const wss = await listen();
    const { procedure, router } = server.initTRPC.create();
    const handler = ws.applyWSSHandler({
      wss,
      router: router(procedures(procedure)),
      ...options
    });
    const wsClient = client.createWSClient({
      url: `ws://127.0.0.1:${wss.address().port}`,
      WebSocket,
      retryDelayMs: () => 10
    });
    const api = client.createTRPCClient({
      links: [client.wsLink({ client: wsClient })]
    });

    t.after(async () => {
      await wsClient.close();
      await closed(wss);
    });

    return { api, handler, wsClient, wss };
  }

  it('answers queries, mutations and subscriptions', async (t) => {
    let count = 0;
    const { api } = await start(t, (procedure) => ({
      hello: procedure.query(() => 'grüezi'),
      add: procedure.mutation(() => ++count),
      fail: procedure.query(() => {
        throw new server.TRPCError({ code: 'FORBIDDEN', message: 'not you' });
      }),
      letters: procedure.subscription(async function* () {
        yield* 'abc';
      })
    }));
    const letters = new Promise((resolve, reject) => {
      const seen = [];

      api.letters.subscribe(undefined, {
        onData: (letter) => seen.push(letter),
        onError: reject,
        onComplete: () => resolve(seen)
      });
    });

    assert.strictEqual(await api.hello.query(), 'grüezi');
    assert.strictEqual(await api.add.mutate(), 1);
    assert.strictEqual(await api.add.mutate(), 2);
    await assert.rejects(api.fail.query(), { message: 'not you' });
    assert.deepStrictEqual(await letters, ['a', 'b', 'c']);
  });

  it('makes its clients connect again', async (t) => {
    const { api, handler, wss } = await start(t, (procedure) => ({
      hello: procedure.query(() => 'hello')
    }));

    assert.strictEqual(await api.hello.query(), 'hello');

    const [first] = wss.clients;
    const again = once(wss, 'connection');

    handler.broadcastReconnectNotification();
    await again;
    assert.strictEqual(await api.hello.query(), 'hello');
    if (first.readyState !== WebSocket.CLOSED) await once(first, 'close');
  });

  it('terminates a connection that does not answer', async (t) => {
    const { wss } = await start(t, () => ({}), {
      keepAlive: { enabled: true, pingMs: 10, pongWaitMs: 50 }
    });
    const { port } = wss.address();
    const silent = new WebSocket(`ws://127.0.0.1:${port}`);
    const pings = [];

    silent.on('message', (data) => pings.push(data.toString()));

    const [code] = await once(silent, 'close');

    assert.strictEqual(code, 1006);
    assert.ok(pings.includes('PING'));
  });
});
