'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { describe, it } = require('node:test');
const tls = require('node:tls');

const { WebSocket, WebSocketServer } = require('./support/ferrows');
const {
  ACCEPTED,
  acceptedWith,
  BareDuplex,
  detached,
  fakeRequest,
  NO_BYTES,
  requestText,
  upgrade
} = require('./support/upgrade');

describe('The server options', { timeout: 20000 }, () => {
  describe('`handleProtocols`', () => {
    const offer = { 'sec-websocket-protocol': 'a, b' };

    it('is the first one if missing', () => {
      const { ws, socket } = upgrade(detached(), offer);
      assert.strictEqual(ws.protocol, 'a');
      assert.deepStrictEqual(socket.writes, [
        acceptedWith('Sec-WebSocket-Protocol: a')
      ]);
      ws.terminate();
    });

    it('chooses', () => {
      const calls = [];
      const wss = detached({
        handleProtocols(...args) {
          calls.push([this, ...args]);
          return 'b';
        }
      });
      const { ws, req, socket } = upgrade(wss, offer);

      assert.deepStrictEqual(calls, [[wss.options, new Set(['a', 'b']), req]]);
      assert.strictEqual(ws.protocol, 'b');
      assert.deepStrictEqual(socket.writes, [
        acceptedWith('Sec-WebSocket-Protocol: b')
      ]);
      ws.terminate();
    });

    for (const none of [false, undefined, '']) {
      it(`chooses none by returning ${JSON.stringify(none)}`, () => {
        const wss = detached({ handleProtocols: () => none });
        const { ws, socket } = upgrade(wss, offer);
        assert.strictEqual(ws.protocol, '');
        assert.deepStrictEqual(socket.writes, [ACCEPTED]);
        ws.terminate();
      });
    }

    it('is not called if the client offers none', () => {
      const { ws } = upgrade(detached({ handleProtocols: assert.fail }));
      assert.strictEqual(ws.protocol, '');
      ws.terminate();
    });
  });

  describe('`verifyClient`', () => {
    it('gets origin, security and request', () => {
      const infos = [];
      const wss = detached({ verifyClient: (info) => infos.push(info) });
      const origins = {
        origin: 'http://example.com',
        'sec-websocket-origin': 'http://draft.example.com'
      };
      const current = upgrade(wss, origins);
      const draft = upgrade(wss, { ...origins, 'sec-websocket-version': '8' });
      const none = upgrade(wss);

      assert.deepStrictEqual(infos, [
        { origin: 'http://example.com', secure: false, req: current.req },
        { origin: 'http://draft.example.com', secure: false, req: draft.req },
        { origin: undefined, secure: false, req: none.req }
      ]);
      for (const { ws } of [current, draft, none]) ws.terminate();
    });

    it('knows a connection over TLS', async () => {
      const fixture = (name) =>
        readFileSync(path.join(__dirname, 'fixtures', name));
      const server = https.createServer({
        cert: fixture('localhost.crt'),
        key: fixture('localhost.key')
      });
      const secure = [];
      const wss = new WebSocketServer({
        server,
        verifyClient: (info) => {
          secure.push(info.secure);
          return false;
        }
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');

      const socket = tls.connect({
        host: '127.0.0.1',
        port: server.address().port,
        rejectUnauthorized: false
      });
      socket.write(requestText());
      const [chunk] = await once(socket, 'data');
      assert.match(chunk.toString(), /^HTTP\/1\.1 401 /);
      assert.deepStrictEqual(secure, [true]);

      socket.destroy();
      wss.close();
      server.close();
      await once(server, 'close');
    });

    it('is called as a method of the options', () => {
      const self = [];
      const wss = detached({
        verifyClient() {
          self.push(this);
          return true;
        }
      });
      upgrade(wss).ws.terminate();
      assert.deepStrictEqual(self, [wss.options]);
    });

    it('with two parameters may accept in the same tick', () => {
      const wss = detached({ verifyClient: (info, cb) => cb(true) });
      upgrade(wss).ws.terminate();
    });

    it('with two parameters may accept later', async () => {
      const wss = detached({
        verifyClient: (info, cb) => setImmediate(cb, true)
      });
      const socket = new BareDuplex();
      const ws = await new Promise((resolve) => {
        wss.handleUpgrade(
          fakeRequest({}, { socket }),
          socket,
          NO_BYTES,
          resolve
        );
        assert.deepStrictEqual(socket.writes, []);
      });

      assert.deepStrictEqual(socket.writes, [ACCEPTED]);
      ws.terminate();
    });

    it('with any other number of parameters answers by its result', () => {
      const wss = detached({
        verifyClient: (...args) => {
          assert.strictEqual(args.length, 1);
          return 'yes';
        }
      });
      upgrade(wss).ws.terminate();
    });
  });

  describe('the `WebSocket` option', () => {
    it('is the class of the connections', () => {
      const calls = [];
      class Connection extends WebSocket {
        constructor(...args) {
          super(...args);
          calls.push(args);
        }

        setSocket(socket, head, options) {
          calls.push([socket, head, options]);
          super.setSocket(socket, head, options);
        }
      }
      const wss = detached({ WebSocket: Connection, maxPayload: 5 });
      const { ws, socket } = upgrade(wss);

      assert.ok(ws instanceof Connection);
      assert.deepStrictEqual(calls, [
        [null, undefined, wss.options],
        [
          socket,
          NO_BYTES,
          {
            allowSynchronousEvents: true,
            maxBufferedChunks: 262144,
            maxFragments: 16384,
            maxPayload: 5,
            skipUTF8Validation: false
          }
        ]
      ]);
      assert.strictEqual(calls[0][2], wss.options);
      ws.terminate();
    });

    it('sees the response written before the connection opens', () => {
      const order = [];
      class Connection extends WebSocket {
        emit(event, ...args) {
          order.push(event, wss.clients.size);
          return super.emit(event, ...args);
        }
      }
      const wss = detached({ WebSocket: Connection });
      wss.on('headers', () => order.push('headers'));
      const { ws, socket } = upgrade(wss);

      assert.deepStrictEqual(order, ['headers', 'open', 0]);
      assert.strictEqual(socket.listenerCount('error'), 1);
      assert.strictEqual(wss.clients.size, 1);
      ws.terminate();
    });
  });
});
