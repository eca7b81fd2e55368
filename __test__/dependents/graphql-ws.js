'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { before, describe, it } = require('node:test');

const { WebSocket } = require('../support/ferrows');
const { listenHttp } = require('../support/server');
const { loadModule } = require('./home');

const SCHEMA = `
  type Query { hello(name: String!): String! }
  type Mutation { add(a: Int!, b: Int!): Int! }
  type Subscription { count(to: Int!): Int!, forever: Int! }
`;

describe('graphql-ws', { timeout: 20e3 }, () => {
  let buildSchema, createClient, useServer, WebSocketServer;

  before(async () => {
    ({ buildSchema } = await loadModule('graphql'));
    ({ createClient } = await loadModule('graphql-ws'));
    ({ useServer } = await loadModule('graphql-ws/use/ws'));
    ({ WebSocketServer } = await loadModule('ws'));
  });

  /**
   * Starts a server for the length of a test.
   *
   * @param {TestContext} t the test
   * @param {Object} roots the resolvers
   * @param {Object} [options] more options of `useServer()`
   * @return {Promise<{url: string, wss: WebSocketServer}>} the server
   */
  async function start(t, roots, options) {
    const server = await listenHttp();
    const wss = new WebSocketServer({ server, path: '/graphql' });
    const service = useServer(
      {
        schema: buildSchema(SCHEMA),
        roots: { query: roots, mutation: roots, subscription: roots },
        ...options
      },
      wss
    );

    t.after(async () => {
      await service.dispose();
      server.close();
    });

    const { port } = server.address();

    return { url: `ws://127.0.0.1:${port}/graphql`, wss };
  }

  /**
   * Makes a client for the length of a test.
   *
   * @param {TestContext} t the test
   * @param {string} url where the server is
   * @param {Object} [options] more options of the client
   * @return {Client} the client
   */
  function connect(t, url, options) {
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      onNonLazyError: () => {},
      retryAttempts: 0,
      ...options
    });

    t.after(() => client.dispose());
    return client;
  }

  /**
   * Collects all results of an operation.
   *
   * @param {Client} client the client
   * @param {string} query the operation
   * @return {Promise<Object[]>} the data of the results
   */
  async function results(client, query) {
    const seen = [];

    for await (const { data } of client.iterate({ query })) {
      seen.push({ ...data });
    }
    return seen;
  }

  it('answers queries, mutations and subscriptions', async (t) => {
    const { url, wss } = await start(t, {
      hello: ({ name }) => `hello ${name}`,
      add: ({ a, b }) => a + b,
      async *count({ to }) {
        for (let i = 1; i <= to; i++) yield { count: i };
      }
    });
    const connected = once(wss, 'connection');
    const client = connect(t, url, { lazy: false });

    assert.deepStrictEqual(
      await Promise.all([
        results(client, '{ hello(name: "Zoë") }'),
        results(client, 'mutation { add(a: 2, b: 3) }'),
        results(client, 'subscription { count(to: 3) }')
      ]),
      [
        [{ hello: 'hello Zoë' }],
        [{ add: 5 }],
        [{ count: 1 }, { count: 2 }, { count: 3 }]
      ]
    );

    const [ws] = await connected;

    assert.strictEqual(ws.protocol, 'graphql-transport-ws');
    assert.strictEqual(wss.clients.size, 1);
  });

  it('stops a subscription that its client has left', async (t) => {
    let stopped;
    const stop = new Promise((resolve) => (stopped = resolve));
    const { url } = await start(t, {
      async *forever() {
        try {
          for (let i = 0; ; i++) {
            yield { forever: i };
            await new Promise(setImmediate);
          }
        } finally {
          stopped();
        }
      }
    });
    const query = 'subscription { forever }';

    for await (const { data } of connect(t, url).iterate({ query })) {
      if (data.forever === 3) break;
    }
    await stop;
  });

  it('closes with a code that tells why', async (t) => {
    const { url } = await start(
      t,
      {},
      { onConnect: ({ connectionParams }) => connectionParams?.token === 'me' }
    );
    const forbidden = connect(t, url);

    await assert.rejects(results(forbidden, '{ hello(name: "x") }'), {
      code: 4403,
      reason: 'Forbidden'
    });

    const closes = [
      ['graphql-transport-ws', 'no JSON', 4400],
      ['graphql-transport-ws', '{"type":"subscribe"}', 4400],
      ['graphql-transport-ws', '{"type":"connection_init"}', 4403],
      [[], '', 4406]
    ];

    for (const [protocols, message, expected] of closes) {
      const ws = new WebSocket(url, protocols);

      ws.on('open', () => ws.send(message));

      const [code] = await once(ws, 'close');

      assert.strictEqual(code, expected, message);
    }
  });

  it('hands over the request and `connectionParams`', async (t) => {
    const { url } = await start(
      t,
      { hello: (args, { greeting }) => greeting },
      {
        context: ({ connectionParams, extra: { request, socket } }) => ({
          greeting:
            `${connectionParams.name} at ` +
            `${request.headers['x-place']} ${socket.readyState}`
        })
      }
    );
    const client = connect(t, url, {
      connectionParams: { name: 'Ann' },
      webSocketImpl: class extends WebSocket {
        constructor(address, protocols) {
          super(address, protocols, { headers: { 'x-place': 'home' } });
        }
      }
    });

    assert.deepStrictEqual(await results(client, '{ hello(name: "") }'), [
      { hello: `Ann at home ${WebSocket.OPEN}` }
    ]);
  });
});
