'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { describe, it } = require('node:test');

const { lib, WebSocket, WebSocketServer } = require('./support/ferrows');
const {
  ACCEPTED,
  acceptedWith,
  BareDuplex,
  detached,
  exchange,
  fakeRequest,
  KEY,
  NO_BYTES,
  requestText,
  upgrade
} = require('./support/upgrade');

const { kWebSocket } = lib('constants');

/** The text message "hi" as a client sends it, with an all-zero mask. */
const HI = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);

describe('WebSocketServer#handleUpgrade', { timeout: 20000 }, () => {
  it('completes the handshake over a bare Duplex in the same tick', () => {
    const wss = detached();
    wss.on('connection', () => assert.fail('there is a callback for that'));
    const { ws, socket } = upgrade(wss);

    assert.deepStrictEqual(socket.writes, [ACCEPTED]);
    assert.ok(ws instanceof WebSocket);
    assert.strictEqual(ws.readyState, WebSocket.OPEN);
    assert.strictEqual(ws.protocol, '');
    assert.strictEqual(ws.extensions, '');
    assert.strictEqual(ws._socket, socket);
    assert.strictEqual(socket[kWebSocket], ws);
    ws.terminate();
  });

  it('takes headers of a made-up request that are no strings', () => {
    for (const version of [13, 8, ['13']]) {
      const { ws, socket } = upgrade(detached(), {
        'sec-websocket-key': [KEY],
        'sec-websocket-version': version
      });

      assert.deepStrictEqual(socket.writes, [ACCEPTED]);
      ws.terminate();
    }

    const { ws, socket } = upgrade(detached(), { 'sec-websocket-version': 7 });

    assert.strictEqual(ws, undefined);
    assert.match(socket.writes.join(''), /^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('takes what came with the request as the first frames', async () => {
    const { ws } = upgrade(detached(), {}, HI);
    const [data, isBinary] = await once(ws, 'message');

    assert.strictEqual(data.toString(), 'hi');
    assert.strictEqual(isBinary, false);
    ws.terminate();
  });

  it('accepts the example of RFC 6455 over TCP', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    wss.on('connection', (ws, req) => {
      assert.ok(req instanceof http.IncomingMessage);
      assert.strictEqual(req.socket, ws._socket);
      ws.terminate();
    });

    const text = await exchange(wss.address().port, requestText());
    assert.strictEqual(text, ACCEPTED);

    wss.close();
    await once(wss, 'close');
  });

  it('works after an `await` in the upgrade listener', async () => {
    const wss = detached();
    const server = http.createServer();
    server.on('upgrade', async (req, socket, head) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      wss.handleUpgrade(req, socket, head, (ws) => {
        ws.on('message', (data) => ws.send(data));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');

    // The second message arrives while the listener waits.
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(requestText()), HI]));
    setTimeout(() => socket.write(HI), 5);

    const expected = `${ACCEPTED}\x82\x02hi\x82\x02hi`;
    let received = '';
    for await (const chunk of socket) {
      received += chunk.toString('latin1');
      if (received.length >= expected.length) break;
    }
    assert.strictEqual(received, expected);

    server.close();
    await once(server, 'close');
  });

  it('picks one of several servers by path', async () => {
    const server = http.createServer();
    const servers = { '/a': detached(), '/b': detached() };
    for (const [url, wss] of Object.entries(servers)) {
      wss.on('headers', (lines) => lines.push(`X-Server: ${url}`));
    }
    server.on('upgrade', (req, socket, head) => {
      servers[req.url].handleUpgrade(req, socket, head, (ws) => ws.terminate());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');

    const { port } = server.address();
    for (const url of ['/a', '/b']) {
      const text = await exchange(port, requestText({}, `GET ${url} HTTP/1.1`));
      assert.strictEqual(text, acceptedWith(`X-Server: ${url}`));
    }
    server.close();
    await once(server, 'close');
  });

  it('throws if the socket has been upgraded before', () => {
    const wss = detached();
    const { ws, socket, req } = upgrade(wss);
    const expected = {
      name: 'Error',
      message:
        'server.handleUpgrade() was called more than once with the same ' +
        'socket, possibly due to a misconfiguration'
    };

    for (const server of [wss, detached()]) {
      assert.throws(
        () => server.handleUpgrade(req, socket, NO_BYTES, assert.fail),
        expected
      );
    }
    assert.deepStrictEqual(socket.writes, [ACCEPTED]);
    ws.terminate();
  });

  it('throws if two servers take the same request', () => {
    const server = http.createServer();
    const first = new WebSocketServer({ server });
    const second = new WebSocketServer({ server });
    second.on('connection', assert.fail);
    let ws;
    first.on('connection', (connection) => {
      ws = connection;
    });

    assert.throws(
      () => server.emit('upgrade', fakeRequest(), new BareDuplex(), NO_BYTES),
      /more than once with the same socket/
    );
    assert.strictEqual(ws.readyState, WebSocket.OPEN);
    ws.terminate();
  });

  describe('destroys the socket without an answer if it', () => {
    const unusable = {
      'is destroyed': (socket) => socket.destroy(),
      'has ended reading': (socket) => socket.resume().push(null),
      'has ended writing': (socket) => socket.end()
    };
    for (const [name, spoil] of Object.entries(unusable)) {
      it(name, async () => {
        const wss = detached();
        wss.on('headers', assert.fail);
        const socket = new BareDuplex();
        spoil(socket);
        await new Promise(setImmediate);

        wss.handleUpgrade(fakeRequest(), socket, NO_BYTES, assert.fail);
        assert.strictEqual(socket.destroyed, true);
        assert.deepStrictEqual(socket.writes, []);
        assert.strictEqual(wss.clients.size, 0);
      });
    }

    it('fails while `verifyClient` decides', async () => {
      let decide;
      const wss = detached({
        verifyClient: (info, cb) => {
          decide = cb;
        }
      });
      const { ws, socket } = upgrade(wss);
      socket.destroy(new Error('ECONNRESET'));
      await new Promise((resolve) => socket.on('close', resolve));

      decide(true);
      assert.strictEqual(ws, undefined);
      assert.deepStrictEqual(socket.writes, []);
      assert.strictEqual(wss.clients.size, 0);
    });
  });

  it('may be overridden', () => {
    const server = http.createServer();
    const wss = new WebSocketServer({ server });
    const calls = [];
    wss.handleUpgrade = (req, socket, head, cb) => {
      calls.push([req, socket, head]);
      cb('a connection', 'a request');
    };
    wss.on('connection', (...args) => calls.push(args));

    server.emit('upgrade', 1, 2, 3);
    assert.deepStrictEqual(calls, [
      [1, 2, 3],
      ['a connection', 'a request']
    ]);
  });

  describe('#completeUpgrade', () => {
    it('may be overridden', () => {
      class Server extends WebSocketServer {
        completeUpgrade(extensions, key, protocols, req, socket, head, cb) {
          this.seen = { extensions, key, protocols: [...protocols], head };
          super.completeUpgrade(
            extensions,
            key,
            new Set(['c']),
            req,
            socket,
            head,
            cb
          );
        }
      }
      const wss = new Server({ noServer: true });
      const { ws, socket } = upgrade(wss, { 'sec-websocket-protocol': 'a, b' });

      assert.deepStrictEqual(wss.seen, {
        extensions: {},
        key: KEY,
        protocols: ['a', 'b'],
        head: NO_BYTES
      });
      assert.strictEqual(ws.protocol, 'c');
      assert.deepStrictEqual(socket.writes, [
        acceptedWith('Sec-WebSocket-Protocol: c')
      ]);
      ws.terminate();
    });
  });

  describe("'headers'", () => {
    it('has the lines of the response before they are written', () => {
      const wss = detached();
      const calls = [];
      wss.on('headers', (lines, req) => {
        calls.push([[...lines], req, req.socket.writes.length]);
        lines.push('Set-Cookie: a=b');
        lines[1] = 'upgrade: websocket';
      });
      const { ws, socket, req } = upgrade(wss, {
        'sec-websocket-protocol': 'a'
      });

      const lines = acceptedWith('Sec-WebSocket-Protocol: a').split('\r\n');
      assert.deepStrictEqual(calls, [[lines.slice(0, -2), req, 0]]);
      assert.deepStrictEqual(socket.writes, [
        acceptedWith('Sec-WebSocket-Protocol: a\r\nSet-Cookie: a=b').replace(
          'Upgrade:',
          'upgrade:'
        )
      ]);
      ws.terminate();
    });
  });
});
