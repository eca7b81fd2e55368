'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const { describe, it } = require('node:test');

const { WebSocket, WebSocketServer } = require('./support/ferrows');
const { closed, connect, listen, listenHttp } = require('./support/server');
const {
  detached,
  exchange,
  requestText,
  upgrade
} = require('./support/upgrade');

const nextTurn = () => new Promise(setImmediate);

/**
 * Notes each `'close'` event of a server.
 *
 * @param {WebSocketServer} wss the server
 * @return {string[]} one entry for each, growing
 */
function recordClose(wss) {
  const log = [];
  wss.on('close', () => log.push('close'));
  return log;
}

describe('WebSocketServer#close', { timeout: 20000 }, () => {
  it('waits for the connections of its own HTTP server', async () => {
    const wss = await listen();
    const { client, ws } = await connect(wss);
    const log = recordClose(wss);
    const server = wss._server;
    const { port } = server.address();

    wss.close(() => log.push('callback'));
    assert.strictEqual(wss.address(), null);
    await nextTurn();
    assert.deepStrictEqual(log, []);
    assert.strictEqual(ws.readyState, WebSocket.OPEN);
    assert.strictEqual(server.listening, false);
    await assert.rejects(exchange(port, ''), { code: 'ECONNREFUSED' });

    const done = once(wss, 'close');
    client.close();
    await done;
    assert.deepStrictEqual(log, ['close', 'callback']);
  });

  it('refuses requests on connections that are still open', async () => {
    const wss = await listen();
    const { port } = wss.address();
    const done = once(wss, 'close');
    wss.shouldHandle = () => {
      wss.close();
      return true;
    };

    const text = await exchange(port, requestText());
    assert.match(text, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    await done;
  });

  it('emits one event if its HTTP server never listened', async () => {
    const first = await listen();
    const { port } = first.address();
    const wss = new WebSocketServer({ port, host: '127.0.0.1' });
    await once(wss, 'error');

    const errors = [];
    const log = recordClose(wss);
    wss.close((err) => errors.push(err));
    await once(wss, 'close');
    assert.deepStrictEqual(errors, [undefined]);
    assert.deepStrictEqual(log, ['close']);
    await closed(first);
  });

  it('emits the event if its HTTP server was closed before', async () => {
    const wss = await listen();
    await closed(wss._server);
    assert.strictEqual(wss.address(), null);
    await closed(wss);
  });

  it('leaves a given HTTP server alone', async () => {
    const server = http.createServer();
    const events = ['listening', 'error', 'upgrade'];
    const count = () => events.map((event) => server.listenerCount(event));
    const before = count();
    const wss = new WebSocketServer({ server });
    assert.notDeepStrictEqual(count(), before);
    await listenHttp(server);

    wss.close();
    assert.deepStrictEqual(count(), before);
    assert.strictEqual(wss._server, null);
    assert.strictEqual(wss.address(), null);
    await once(wss, 'close');
    assert.strictEqual(server.listening, true);
    await closed(server);
  });

  for (const [name, options] of [
    ['`noServer`', () => ({ noServer: true })],
    ['`server`', () => ({ server: http.createServer() })]
  ]) {
    it(`emits the event in the next tick without clients (${name})`, async () => {
      const wss = new WebSocketServer(options());
      const log = recordClose(wss);
      process.nextTick(() => log.push('before'));
      wss.close();
      process.nextTick(() => log.push('after'));
      log.push('now');
      await nextTurn();
      assert.deepStrictEqual(log, ['now', 'before', 'close', 'after']);
    });

    it(`waits for the last tracked client (${name})`, async () => {
      const wss = new WebSocketServer(options());
      const connections = [upgrade(wss).ws, upgrade(wss).ws];
      const log = recordClose(wss);
      wss.close();

      for (const [index, ws] of connections.entries()) {
        await nextTurn();
        assert.strictEqual(ws.readyState, WebSocket.OPEN);
        assert.deepStrictEqual(log, []);
        ws.on('close', () => {
          log.push(`client ${index}`);
          process.nextTick(() => log.push('tick'));
        });
        ws.terminate();
        await once(ws, 'close');
        if (index === 0) log.length = 0;
      }
      await nextTurn();
      assert.deepStrictEqual(log, ['client 1', 'close', 'tick']);
    });

    it(`does not wait for untracked clients (${name})`, async () => {
      const wss = new WebSocketServer({
        ...options(),
        clientTracking: false
      });
      const { ws } = upgrade(wss);
      await closed(wss);
      assert.strictEqual(ws.readyState, WebSocket.OPEN);
      ws.terminate();
    });
  }

  it('counts a client that is accepted while it is called', async () => {
    const wss = detached();
    wss.on('headers', () => wss.close());
    const { ws } = upgrade(wss);
    const log = recordClose(wss);
    await nextTurn();
    ws.terminate();
    await once(ws, 'close');
    await nextTurn();
    assert.deepStrictEqual(log, ['close']);
  });

  it('only adds its callback while closing', async () => {
    const wss = detached();
    const log = recordClose(wss);
    wss.close((...args) => log.push(['first', args]));
    wss.close((...args) => log.push(['second', args]));
    wss.close();
    await nextTurn();
    assert.deepStrictEqual(log, ['close', ['first', []], ['second', []]]);
  });

  for (const [name, make] of [
    ['`noServer`', async () => detached()],
    ['`port`', listen]
  ]) {
    it(`tells a second time that it is closed (${name})`, async () => {
      const wss = await make();
      await closed(wss);

      const errors = [];
      const log = recordClose(wss);
      wss.close((err) => errors.push(err));
      assert.deepStrictEqual(log, []);
      await nextTurn();
      assert.deepStrictEqual(log, ['close']);
      assert.deepStrictEqual(
        errors.map((err) => [err.constructor, err.message]),
        [[Error, 'The server is not running']]
      );
    });
  }

  it('makes `handleUpgrade` answer 503', async () => {
    const wss = detached();
    await closed(wss);
    const { ws, socket } = upgrade(wss);
    assert.strictEqual(ws, undefined);
    assert.match(socket.writes[0], /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  });
});
