'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const { describe, it } = require('node:test');

const { WebSocket } = require('./support/ferrows');
const {
  connect,
  eventsOf,
  failureOf,
  response,
  startPeer
} = require('./support/peer');

const CLOSED_EARLY =
  'WebSocket was closed before the connection was established';

describe("the client's handshake", { timeout: 20000 }, () => {
  describe('a 101 response', () => {
    it('opens the connection', async (t) => {
      const websocket = await connect(
        t,
        (head) => head.switching('Sec-WebSocket-Protocol: b'),
        ['a', 'b']
      );
      const [res] = await once(websocket, 'upgrade');

      assert.ok(res instanceof http.IncomingMessage);
      assert.strictEqual(res.statusCode, 101);
      assert.strictEqual(websocket.readyState, WebSocket.OPEN);
      assert.strictEqual(websocket.protocol, 'b');
      assert.strictEqual(websocket.extensions, '');
      assert.strictEqual(websocket._socket, res.socket);
      websocket.terminate();
      await once(websocket, 'close');
    });

    it('may spell websocket in any case and follow a 103', async (t) => {
      const websocket = await connect(
        t,
        (head) =>
          response('103 Early Hints') +
          head.switching().replace('websocket', 'WebSocket')
      );

      await once(websocket, 'open');
      websocket.terminate();
      await once(websocket, 'close');
    });

    it('may bring the first message along', async (t) => {
      const websocket = await connect(
        t,
        (head) => head.switching() + '\x81\x02hi\x88\x02\x03\xe8'
      );
      const events = [];

      websocket.on('upgrade', () => events.push('upgrade'));
      websocket.on('open', () => events.push('open'));
      websocket.on('message', (data) => events.push(data.toString()));

      const [code] = await once(websocket, 'close');

      assert.strictEqual(code, 1000);
      assert.deepStrictEqual(events, ['upgrade', 'open', 'hi']);
    });

    const accept = (head) => `Sec-WebSocket-Accept: ${head.accept}`;
    const switching = (...lines) =>
      response('101 Switching Protocols', 'Connection: Upgrade', ...lines);
    const unexpectedExtension =
      'Server sent a Sec-WebSocket-Extensions header but no extension was ' +
      'requested';
    const faults = [
      [
        'another Upgrade header',
        (head) => switching('Upgrade: foo', accept(head)),
        'Invalid Upgrade header'
      ],
      [
        'the Upgrade header twice',
        (head) =>
          switching('Upgrade: websocket', 'Upgrade: websocket', accept(head)),
        'Invalid Upgrade header'
      ],
      [
        'no Sec-WebSocket-Accept header',
        () => switching('Upgrade: websocket'),
        'Invalid Sec-WebSocket-Accept header'
      ],
      [
        'the Sec-WebSocket-Accept header of another key',
        () =>
          switching(
            'Upgrade: websocket',
            'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
            'Sec-WebSocket-Protocol: a'
          ),
        'Invalid Sec-WebSocket-Accept header'
      ],
      [
        'a subprotocol that was not requested',
        (head) =>
          head.switching(
            'Sec-WebSocket-Protocol: a',
            'Sec-WebSocket-Extensions: a'
          ),
        'Server sent a subprotocol but none was requested'
      ],
      [
        'an empty subprotocol that was not requested',
        (head) => head.switching('Sec-WebSocket-Protocol:'),
        'Server sent a subprotocol but none was requested'
      ],
      [
        'another subprotocol',
        (head) =>
          head.switching(
            'Sec-WebSocket-Protocol: A',
            'Sec-WebSocket-Extensions: a'
          ),
        'Server sent an invalid subprotocol',
        ['a', 'b']
      ],
      [
        'two subprotocols',
        (head) => head.switching('Sec-WebSocket-Protocol: a, b'),
        'Server sent an invalid subprotocol',
        ['a', 'b']
      ],
      [
        'an empty subprotocol',
        (head) => head.switching('Sec-WebSocket-Protocol:'),
        'Server sent an invalid subprotocol',
        ['a']
      ],
      [
        'no subprotocol',
        (head) => head.switching('Sec-WebSocket-Extensions: a'),
        'Server sent no subprotocol',
        ['a']
      ],
      [
        'an extension',
        (head) =>
          head.switching('Sec-WebSocket-Extensions: permessage-deflate'),
        unexpectedExtension
      ],
      [
        'an empty extension',
        (head) => head.switching('Sec-WebSocket-Extensions:'),
        unexpectedExtension
      ]
    ];

    for (const [what, answer, message, protocols] of faults) {
      it(`fails the connection if it has ${what}`, async (t) => {
        const websocket = await connect(t, answer, protocols);
        let state;
        let socket;

        websocket.on('upgrade', (res) => (socket = res.socket));
        websocket.on('error', () => (state = websocket.readyState));
        assert.deepStrictEqual(await eventsOf(websocket), [
          ['upgrade'],
          ['error', message],
          ['close', 1006, '']
        ]);
        assert.strictEqual(state, WebSocket.CLOSING);
        assert.strictEqual(websocket.readyState, WebSocket.CLOSED);
        assert.strictEqual(websocket._socket, null);
        assert.strictEqual(websocket._req, null);
        assert.strictEqual(socket.destroyed, true);
      });
    }
  });

  describe('another response', () => {
    const cases = [
      [
        'a 101 without an Upgrade header',
        (head) =>
          response(
            '101 Switching Protocols',
            'Connection: Upgrade',
            `Sec-WebSocket-Accept: ${head.accept}`
          ),
        'Unexpected server response: 101'
      ],
      [
        'a 200',
        () => response('200 OK', 'Content-Length: 0'),
        'Unexpected server response: 200'
      ],
      [
        'a 401 whose body never ends',
        () => response('401 Unauthorized', 'Content-Length: 9'),
        'Unexpected server response: 401'
      ],
      [
        'a redirect without `followRedirects`',
        () => response('302 Found', 'Location: /', 'Content-Length: 0'),
        'Unexpected server response: 302'
      ]
    ];

    for (const [what, answer, message] of cases) {
      it(`fails the connection: ${what}`, async (t) => {
        const websocket = await connect(t, answer);

        assert.deepStrictEqual(await eventsOf(websocket), [
          ['error', message],
          ['close', 1006, '']
        ]);
        assert.strictEqual(websocket._errorEmitted, true);
        assert.strictEqual(websocket._req.socket.destroyed, true);
      });
    }

    it('belongs to an `unexpected-response` listener', async (t) => {
      const agent = new http.Agent({ keepAlive: true });
      const websocket = await connect(
        t,
        () => response('401 Unauthorized', 'Content-Length: 3').concat('foo'),
        [],
        { agent }
      );
      const events = eventsOf(websocket);
      const [req, res] = await once(websocket, 'unexpected-response');
      let body = '';

      assert.ok(req instanceof http.ClientRequest);
      assert.strictEqual(res.statusCode, 401);
      for await (const chunk of res) body += chunk;
      assert.strictEqual(body, 'foo');
      assert.strictEqual(websocket.readyState, WebSocket.CONNECTING);

      // The agent has the socket again by now.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.strictEqual(Object.keys(agent.freeSockets).length, 1);
      websocket.terminate();
      assert.strictEqual(req.socket.destroyed, true);
      assert.deepStrictEqual(await events, [
        ['error', CLOSED_EARLY],
        ['close', 1006, '']
      ]);
    });

    it('fails the connection with the code of the HTTP parser', async (t) => {
      const websocket = await connect(t, () => 'garbage\r\n\r\n');
      const { err, code } = await failureOf(websocket);

      assert.strictEqual(err.code, 'HPE_INVALID_CONSTANT');
      assert.strictEqual(code, 1006);
      assert.strictEqual(websocket.readyState, WebSocket.CLOSED);
      assert.strictEqual(websocket._req, null);
    });
  });

  describe('a failing connection', () => {
    it('is reported with its code', async () => {
      const websocket = new WebSocket('ws://127.0.0.1:1');
      const { err, code } = await failureOf(websocket);

      assert.strictEqual(err.code, 'ECONNREFUSED');
      assert.strictEqual(code, 1006);
    });

    it('is reported if the server hangs up', async (t) => {
      const peer = await startPeer(t, (head, socket) => socket.end());
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`);

      assert.deepStrictEqual(await eventsOf(websocket), [
        ['error', 'socket hang up'],
        ['close', 1006, '']
      ]);
    });

    it('times out after `handshakeTimeout`', async (t) => {
      const peer = await startPeer(t, () => {});
      const start = Date.now();
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        handshakeTimeout: 80
      });

      assert.deepStrictEqual(await eventsOf(websocket), [
        ['error', 'Opening handshake has timed out'],
        ['close', 1006, '']
      ]);
      assert.ok(Date.now() - start >= 75);
    });

    it('is not touched by `handshakeTimeout` once it is open', async (t) => {
      const websocket = await connect(t, (head) => head.switching(), [], {
        handshakeTimeout: 30
      });
      const events = eventsOf(websocket);

      await once(websocket, 'open');
      await new Promise((resolve) => setTimeout(resolve, 90));
      assert.strictEqual(websocket.readyState, WebSocket.OPEN);
      websocket.terminate();
      assert.deepStrictEqual(await events, [
        ['upgrade'],
        ['open'],
        ['close', 1006, '']
      ]);
    });
  });

  describe('#close() and #terminate() while connecting', () => {
    const failed = [
      ['error', CLOSED_EARLY],
      ['close', 1006, '']
    ];

    for (const method of ['close', 'terminate']) {
      it(`${method}: fails the connection in the next tick`, async (t) => {
        const peer = await startPeer(t, () => {});
        const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`);
        const events = eventsOf(websocket);
        const states = [];

        websocket.on('error', () => states.push(websocket.readyState));
        websocket[method]();
        websocket[method]();
        states.push(websocket.readyState);
        assert.strictEqual(websocket._req.destroyed, true);
        assert.deepStrictEqual(await events, failed);
        assert.deepStrictEqual(states, [2, 2]);
        assert.strictEqual(websocket.readyState, WebSocket.CLOSED);
      });

      it(`${method}: closes the socket under way`, async (t) => {
        let socketClosed;
        const arrived = new Promise((resolve) => {
          socketClosed = startPeer(t, (head, socket) => {
            resolve(once(socket, 'close'));
          });
        });
        const { port } = await socketClosed;
        const websocket = new WebSocket(`ws://127.0.0.1:${port}`);
        const events = eventsOf(websocket);
        const [socket] = await once(websocket._req, 'socket');

        await once(socket, 'connect');
        await new Promise((resolve) => setTimeout(resolve, 20));
        websocket[method]();
        assert.strictEqual(socket.destroyed, true);
        assert.deepStrictEqual(await events, failed);
        await arrived;
      });

      it(`${method}: works in an 'upgrade' listener`, async (t) => {
        const websocket = await connect(t, (head) => head.switching());

        websocket.on('upgrade', () => websocket[method]());
        assert.deepStrictEqual(await eventsOf(websocket), [
          ['upgrade'],
          ...failed
        ]);
      });

      it(`${method}: works in \`finishRequest\``, async (t) => {
        const websocket = await connect(t, (head) => head.switching(), [], {
          finishRequest(req, ws) {
            ws[method]();
            req.end();
          }
        });

        assert.deepStrictEqual(await eventsOf(websocket), failed);
      });
    }

    it('reports a request that the user has destroyed', async (t) => {
      const websocket = await connect(t, () => '');

      websocket._req.destroy(new Error('my own'));
      assert.deepStrictEqual(await eventsOf(websocket), [
        ['error', 'my own'],
        ['close', 1006, '']
      ]);
    });
  });
});
