'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { describe, it } = require('node:test');
const Client = require('ws');

const { lib, WebSocket, WebSocketServer } = require('./support/ferrows');
const { socketPath } = require('./support/peer');
const { closed, connect, listen, listenHttp } = require('./support/server');
const { detached, exchange, upgrade } = require('./support/upgrade');

describe('WebSocketServer', { timeout: 20000 }, () => {
  it('is what `lib/websocket-server` exports', () => {
    assert.strictEqual(lib('websocket-server'), WebSocketServer);
    assert.strictEqual(WebSocketServer.name, 'WebSocketServer');
    assert.strictEqual(WebSocketServer.length, 2);
  });

  it('needs `new`', () => {
    assert.throws(() => WebSocketServer({ noServer: true }), TypeError);
  });

  describe('the constructor', () => {
    const invalid = {
      'no argument': undefined,
      null: null,
      'no options': {},
      'a null port': { port: null },
      'falsy options': { server: null, noServer: false },
      'port and server': { port: 0, server: new EventTarget() },
      'port and noServer': { port: 0, noServer: true },
      'server and noServer': { server: new EventTarget(), noServer: true }
    };
    for (const [name, options] of Object.entries(invalid)) {
      it(`throws with ${name}`, () => {
        assert.throws(() => new WebSocketServer(options), {
          name: 'TypeError',
          message:
            'One and only one of the "port", "server", or "noServer" options ' +
            'must be specified'
        });
      });
    }

    it('fills in the defaults', () => {
      const given = { noServer: true };
      const { options } = new WebSocketServer(given);
      assert.deepStrictEqual(given, { noServer: true });
      assert.deepStrictEqual(options, {
        allowSynchronousEvents: true,
        autoPong: true,
        backlog: null,
        clientTracking: true,
        closeTimeout: 30000,
        handleProtocols: null,
        host: null,
        maxBufferedChunks: 262144,
        maxFragments: 16384,
        maxPayload: 104857600,
        maxPendingAutoPongs: 60,
        noServer: true,
        path: null,
        perMessageDeflate: false,
        port: null,
        server: null,
        skipUTF8Validation: false,
        verifyClient: null,
        WebSocket
      });
    });

    it('keeps what it is given, unknown options too', () => {
      const { options } = detached({
        maxPayload: undefined,
        perMessageDeflate: true,
        something: 'else'
      });
      assert.strictEqual(options.maxPayload, undefined);
      assert.deepStrictEqual(options.perMessageDeflate, {});
      assert.strictEqual(options.something, 'else');
    });

    it('has no clients with `clientTracking: false`', async () => {
      const wss = detached({ clientTracking: false });
      assert.ok(!('clients' in wss));

      const { ws } = upgrade(wss);
      ws.terminate();
      await once(ws, 'close');
    });
  });

  describe('the mode', () => {
    describe('`port`', () => {
      it('listens and tells so', async () => {
        const order = [];
        const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () =>
          order.push('callback')
        );
        wss.on('listening', () => order.push('event'));
        await once(wss, 'listening');

        assert.deepStrictEqual(order, ['callback', 'event']);
        assert.ok(wss._server instanceof http.Server);
        assert.deepStrictEqual(wss.address(), wss._server.address());
        assert.strictEqual(wss.address().address, '127.0.0.1');
        await closed(wss);
      });

      it('answers other requests with 426', async () => {
        const wss = await listen();
        const text = await exchange(
          wss.address().port,
          'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
        );
        const withoutDate = text.replace(/Date: .*\r\n/, '');
        assert.strictEqual(
          withoutDate,
          'HTTP/1.1 426 Upgrade Required\r\n' +
            'Content-Length: 16\r\n' +
            'Content-Type: text/plain\r\n' +
            'Connection: close\r\n' +
            '\r\n' +
            'Upgrade Required'
        );
        await closed(wss);
      });

      it('emits the error of a port in use', async () => {
        const first = await listen();
        const { port } = first.address();
        const second = new WebSocketServer({ port, host: '127.0.0.1' });
        const [err] = await once(second, 'error');

        assert.strictEqual(err.code, 'EADDRINUSE');
        assert.strictEqual(second.address(), null);
        await closed(second);
        await closed(first);
      });

      it('hands `backlog` on', (t) => {
        const calls = [];
        t.mock.method(http.Server.prototype, 'listen', (...args) =>
          calls.push(args)
        );
        const callback = () => {};
        new WebSocketServer({ port: 1, host: 'a', backlog: 7 }, callback);
        assert.deepStrictEqual(calls, [[1, 'a', 7, callback]]);
      });
    });

    describe('`server`', () => {
      it('passes the events of the HTTP server on', () => {
        const server = http.createServer();
        const wss = new WebSocketServer({ server }, assert.fail);
        const seen = [];
        const err = new Error('oops');
        wss.on('listening', () => seen.push('listening'));
        wss.on('error', (error) => seen.push(error));

        server.emit('listening');
        server.emit('error', err);
        assert.deepStrictEqual(seen, ['listening', err]);
        assert.strictEqual(wss._server, server);
      });

      it('leaves other requests to the HTTP server', async () => {
        const server = await listenHttp(
          http.createServer((req, res) => res.end('hello'))
        );
        const wss = new WebSocketServer({ server });
        const { port } = server.address();

        const text = await exchange(
          port,
          'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
        );
        assert.match(text, /hello/);
        const { client, ws } = await connect(wss, port);
        assert.strictEqual(ws.readyState, WebSocket.OPEN);

        client.close();
        await once(ws, 'close');
        await closed(wss);
        await closed(server);
      });

      it('works over TLS', async () => {
        const fixture = (name) =>
          fs.readFileSync(path.join(__dirname, 'fixtures', name));
        const server = await listenHttp(
          https.createServer({
            cert: fixture('localhost.crt'),
            key: fixture('localhost.key')
          })
        );
        const wss = new WebSocketServer({ server });
        wss.on('connection', (ws, req) => {
          assert.strictEqual(req.socket.encrypted, true);
          ws.on('message', (data) => ws.send(`${data}!`));
        });

        const client = new Client(`wss://127.0.0.1:${server.address().port}`, {
          rejectUnauthorized: false
        });
        client.on('open', () => client.send('hi'));
        const [data] = await once(client, 'message');
        assert.strictEqual(data.toString(), 'hi!');

        client.close();
        await once(client, 'close');
        await closed(wss);
        await closed(server);
      });

      it('works on a Unix socket', async (t) => {
        const socket = socketPath(t);
        const server = http.createServer();
        const wss = new WebSocketServer({ server });
        server.listen(socket);
        await once(wss, 'listening');

        assert.strictEqual(wss.address(), socket);
        const client = new Client(`ws+unix:${socket}`);
        const [[ws, req]] = await Promise.all([
          once(wss, 'connection'),
          once(client, 'open')
        ]);
        assert.strictEqual(req.url, '/');

        client.terminate();
        await once(ws, 'close');
        await closed(wss);
        await closed(server);
      });
    });

    describe('`noServer`', () => {
      it('has no address', () => {
        assert.throws(() => detached().address(), {
          name: 'Error',
          message: 'The server is operating in "noServer" mode'
        });
      });
    });
  });

  describe('#shouldHandle', () => {
    it('accepts any path without the `path` option', () => {
      assert.strictEqual(detached().shouldHandle({ url: '/any?x' }), true);
      const wss = detached({ path: '' });
      assert.strictEqual(wss.shouldHandle({ url: '/any?x' }), true);
    });

    it('compares the part before the query', () => {
      const wss = detached({ path: '/a' });
      for (const url of ['/a', '/a?', '/a?b=/c', '/a??']) {
        assert.strictEqual(wss.shouldHandle({ url }), true, url);
      }
      for (const url of ['/', '/A', '/a/', '/ab', '?/a', '/a#b', '']) {
        assert.strictEqual(wss.shouldHandle({ url }), false, url);
      }
    });

    it('may be overridden', () => {
      const wss = detached({ path: '/a' });
      wss.shouldHandle = (req) => req.url === '/';
      upgrade(wss).ws.terminate();
    });

    it('is not waited for', () => {
      const wss = detached();
      wss.shouldHandle = () => Promise.resolve(false);
      upgrade(wss).ws.terminate();
    });
  });

  describe('#clients', () => {
    it("has a connection from before 'connection' until it closed", async () => {
      const wss = await listen();
      const sizes = [];
      wss.on('connection', (ws) => sizes.push(wss.clients.has(ws)));
      const { client, ws } = await connect(wss);
      assert.deepStrictEqual([...wss.clients], [ws]);

      client.close();
      // The listener of the server is the first one.
      ws.on('close', () => sizes.push(wss.clients.has(ws)));
      await once(ws, 'close');
      assert.deepStrictEqual(sizes, [true, false]);
      await closed(wss);
    });

    it('is where a broadcast goes', async () => {
      const wss = await listen();
      const pairs = [await connect(wss), await connect(wss)];
      const received = pairs.map(({ client }) => once(client, 'message'));
      for (const ws of wss.clients) ws.send('to all');

      for (const [data] of await Promise.all(received)) {
        assert.strictEqual(data.toString(), 'to all');
      }
      for (const { client, ws } of pairs) {
        client.terminate();
        await once(ws, 'close');
      }
      await closed(wss);
    });
  });
});
