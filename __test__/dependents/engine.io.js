'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');

const { WebSocket, WebSocketServer } = require('../support/ferrows');
const { listenHttp } = require('../support/server');
const { load } = require('./home');

const { Server } = load('engine.io');
const { Socket } = load('engine.io-client');

/**
 * Starts a server that takes WebSockets only, for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] more options of the server
 * @return {Promise<{server: Server, url: string}>} the server
 */
async function start(t, options) {
  const httpServer = await listenHttp();
  const server = new Server({ transports: ['websocket'], ...options });

  server.attach(httpServer);
  t.after(() => {
    server.close();
    httpServer.close();
  });

  return { server, url: `ws://127.0.0.1:${httpServer.address().port}` };
}

/**
 * Connects a client for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {string} url where the server is
 * @param {Object} [options] more options of the client
 * @return {Socket} the client
 */
function connect(t, url, options) {
  const client = new Socket(url, { transports: ['websocket'], ...options });

  t.after(() => client.close());
  return client;
}

describe('engine.io', { timeout: 20e3 }, () => {
  it('makes its server with the class given as `wsEngine`', async (t) => {
    const made = [];
    const wsEngine = class extends WebSocketServer {
      constructor(options) {
        super(options);
        made.push(this);
      }
    };
    const { server, url } = await start(t, { wsEngine });
    const client = connect(t, url);
    const [socket] = await once(server, 'connection');

    assert.strictEqual(made.length, 1);
    assert.strictEqual(made[0].options.noServer, true);
    assert.strictEqual(made[0].clients, undefined);
    assert.ok(socket.transport.socket instanceof WebSocket);
    assert.strictEqual(socket.remoteAddress, '127.0.0.1');
    await once(client, 'open');
  });

  it('echoes text and binary data in order', async (t) => {
    const { server, url } = await start(t);
    const client = connect(t, url);
    const data = ['ñandú', Buffer.from([0, 255]), 'y'.repeat(66000)];
    const seen = [];

    server.on('connection', (socket) => {
      socket.on('message', (message) => socket.send(message));
    });
    client.on('message', (message) => seen.push(message));
    await once(client, 'open');
    for (const message of data) client.send(message);
    while (seen.length < data.length) await once(client, 'message');
    assert.deepStrictEqual(seen, data);
  });

  it('adds headers to the answer to an upgrade', async (t) => {
    const { server, url } = await start(t);

    server.on('initial_headers', (headers) => (headers['x-first'] = 'yes'));
    server.on('headers', (headers) => (headers['x-each'] = 'always'));

    const client = connect(t, url);
    const [[{ headers }]] = await Promise.all([
      once(client.transport.ws, 'upgrade'),
      once(client, 'open')
    ]);

    assert.strictEqual(headers['x-first'], 'yes');
    assert.strictEqual(headers['x-each'], 'always');
  });

  it('closes on a message above `maxHttpBufferSize`', async (t) => {
    const { server, url } = await start(t, { maxHttpBufferSize: 1000 });
    const client = connect(t, url);
    const [[socket]] = await Promise.all([
      once(server, 'connection'),
      once(client, 'open')
    ]);
    const closed = Promise.all([
      once(socket, 'close'),
      once(client, 'close'),
      once(client.transport.ws, 'close')
    ]);

    client.send('x'.repeat(1001));

    const [[reason, err], [clientReason], [code]] = await closed;

    assert.strictEqual(reason, 'transport error');
    assert.match(err.message, /Max payload size exceeded/);
    assert.strictEqual(clientReason, 'transport close');
    assert.strictEqual(code, 1009);
  });

  it('lets the process of a client with `autoUnref` end', async (t) => {
    const { server, url } = await start(t);
    const program = `
      const { load } = require(${JSON.stringify(require.resolve('./home'))});
      const { Socket } = load('engine.io-client');

      new Socket('${url}', { autoUnref: true, transports: ['websocket'] });
    `;
    const gone = once(server, 'connection').then(([socket]) =>
      once(socket, 'close')
    );

    await promisify(execFile)(process.execPath, ['--eval', program], {
      timeout: 15e3
    });
    await gone;
  });
});
