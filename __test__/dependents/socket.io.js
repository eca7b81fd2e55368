'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const { Sender } = require('../support/ferrows');
const { listenHttp } = require('../support/server');
const { load } = require('./home');

const { Server } = load('socket.io');
const { io } = load('socket.io-client');

/** Options of either side. */
const websocketOnly = { transports: ['websocket'] };

/**
 * Starts a server for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] options of the server
 * @return {Promise<{server: Server, client: Function}>} the server, and a
 *     function that makes a client of it, given the client's options
 */
async function start(t, options) {
  const httpServer = await listenHttp();
  const server = new Server(httpServer, options);
  const url = `http://127.0.0.1:${httpServer.address().port}`;
  const clients = [];

  t.after(async () => {
    for (const client of clients) client.close();
    await server.close();
  });

  return {
    server,

    client(clientOptions) {
      const client = io(url, { reconnection: false, ...clientOptions });

      clients.push(client);
      return client;
    }
  };
}

/**
 * Connects a client of a server that `start()` made, without polling.
 *
 * @param {Object} started what `start()` gave
 * @return {Promise<{client: Socket, socket: Socket}>} both ends
 */
async function connect({ server, client: make }) {
  const client = make({ ...websocketOnly, forceNew: true });
  const [[socket]] = await Promise.all([
    once(server, 'connection'),
    once(client, 'connect')
  ]);

  return { client, socket };
}

describe('socket.io', { timeout: 20e3 }, () => {
  it('talks in events, acknowledgements and binary data', async (t) => {
    const { client, socket } = await connect(await start(t, websocketOnly));

    socket.on('add', (a, b, reply) => reply(a + b));
    client.on('reverse', ({ bytes }, reply) => {
      reply(Buffer.from(bytes).reverse());
    });

    assert.strictEqual(client.io.engine.transport.name, 'websocket');
    assert.strictEqual(await client.emitWithAck('add', 2, 3), 5);
    assert.deepStrictEqual(
      await socket.emitWithAck('reverse', { bytes: Buffer.from([1, 2, 3]) }),
      Buffer.from([3, 2, 1])
    );
    assert.strictEqual(socket.conn.remoteAddress, '127.0.0.1');
  });

  it('encodes a broadcast once for all clients', async (t) => {
    const started = await start(t, websocketOnly);
    const pairs = [];

    for (let i = 0; i < 3; i++) pairs.push(await connect(started));

    const frame = t.mock.method(Sender, 'frame');
    const sent = pairs.map(({ socket }) =>
      t.mock.method(socket.conn.transport.socket._sender, 'sendFrame')
    );
    const news = pairs.map(({ client }) => once(client, 'news'));

    started.server.emit('news', 'grüße', { n: 1 });

    for (const args of await Promise.all(news)) {
      assert.deepStrictEqual(args, ['grüße', { n: 1 }]);
    }

    assert.strictEqual(frame.mock.callCount(), 1);

    const list = frame.mock.calls[0].result;

    for (const { mock } of sent) {
      const uses = mock.calls.filter((call) => call.arguments[0] === list);

      assert.strictEqual(uses.length, 1);
    }
  });

  it('broadcasts to a room, text and binary, in order', async (t) => {
    const started = await start(t, websocketOnly);
    const inside = await connect(started);
    const outside = await connect(started);
    const seen = { inside: [], outside: [] };

    for (const [name, { client }] of Object.entries({ inside, outside })) {
      client.on('news', (item) => seen[name].push(item));
    }

    await inside.socket.join('room');
    started.server.to('room').emit('news', 'for the room');
    started.server.emit('news', Buffer.from('for all'));
    outside.socket.broadcast.emit('news', 'x'.repeat(70000));
    started.server.to('room').emit('news', 'last');

    const done = [inside, outside].map(({ client }) => once(client, 'done'));

    started.server.emit('done');
    await Promise.all(done);
    assert.deepStrictEqual(seen, {
      inside: [
        'for the room',
        Buffer.from('for all'),
        'x'.repeat(70000),
        'last'
      ],
      outside: [Buffer.from('for all')]
    });
  });

  it('moves from polling to a WebSocket and loses nothing', async (t) => {
    const { server, client: make } = await start(t);
    const transports = [];
    const seen = [];
    let count = 0;
    let timer;

    t.after(() => clearInterval(timer));
    server.on('connection', (socket) => {
      transports.push(socket.conn.transport.name);
      socket.emit('count', count++);
      timer = setInterval(() => socket.emit('count', count++), 1);
      socket.conn.on('upgrade', ({ name }) => {
        transports.push(name);
        clearInterval(timer);
        socket.emit('end');
      });
    });

    const client = make();

    client.on('count', (n) => seen.push(n));
    await once(client, 'end');
    assert.deepStrictEqual(transports, ['polling', 'websocket']);
    assert.strictEqual(client.io.engine.transport.name, 'websocket');
    assert.deepStrictEqual(seen, [...Array(count).keys()]);
  });

  it('tells each side that the other one went', async (t) => {
    const started = await start(t, websocketOnly);
    const first = await connect(started);
    const second = await connect(started);
    const third = await connect(started);
    const all = [first, second, third];
    const gone = all.map(({ socket }) => once(socket.conn, 'close'));
    const reasons = [
      once(first.client, 'disconnect'),
      once(second.socket, 'disconnect'),
      once(third.socket, 'disconnect')
    ];

    first.socket.disconnect(true);
    second.client.disconnect();
    third.client.io.engine.transport.ws.terminate();

    assert.deepStrictEqual(
      (await Promise.all(reasons)).map(([reason]) => reason),
      ['io server disconnect', 'client namespace disconnect', 'transport close']
    );
    await Promise.all(gone);
    assert.strictEqual(started.server.engine.clientsCount, 0);
  });
});
