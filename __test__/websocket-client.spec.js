'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const tls = require('node:tls');
const { describe, it } = require('node:test');

const { WebSocket } = require('./support/ferrows');
const {
  eventsOf,
  failureOf,
  identity,
  response,
  socketPath,
  startPeer
} = require('./support/peer');

const NO_DEFLATE = { perMessageDeflate: false };
const CLOSED_EARLY =
  'WebSocket was closed before the connection was established';

/** An agent that keeps what it is asked for and never connects. */
class IdleAgent {
  addRequest(req, options) {
    this.req = req;
    this.options = options;
  }
}

/**
 * Makes a client that does not connect and gives it up at once.
 *
 * @param {string} address the URL
 * @param {Object} [options] the client's options
 * @return {IdleAgent} what the client asked its agent for
 */
function ask(address, options) {
  const agent = new IdleAgent();
  const websocket = new WebSocket(address, { agent, ...options });

  websocket.on('error', () => {});
  websocket.terminate();

  return agent;
}

/**
 * Connects to a peer that answers with a 101.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] the client's options
 * @param {string} [path] the request's path
 * @return {Promise<RequestHead>} the request that the peer saw
 */
async function requestOf(t, options, path = '/') {
  const peer = await startPeer(t, (head, socket) => {
    socket.end(head.switching());
  });
  const url = `ws://127.0.0.1:${peer.port}${path}`;
  const websocket = new WebSocket(url, { ...NO_DEFLATE, ...options });

  await once(websocket, 'close');

  return peer.requests[0];
}

/**
 * Connects to a peer that answers in a given way.
 *
 * @param {TestContext} t the test
 * @param {function(RequestHead): string} answer makes the answer
 * @param {string[]} [protocols] the subprotocols
 * @param {Object} [options] the client's options
 * @return {Promise<WebSocket>} the client
 */
async function connect(t, answer, protocols = [], options = {}) {
  const peer = await startPeer(t, (head, socket) => {
    socket.write(answer(head), 'latin1');
  });
  const url = `ws://127.0.0.1:${peer.port}`;

  return new WebSocket(url, protocols, { ...NO_DEFLATE, ...options });
}

describe('WebSocket client', { timeout: 20000 }, () => {
  describe('the constructor', () => {
    const schemes =
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", ' +
      'or "ws+unix:"';
    const cases = [
      ['a relative URL', ['foo'], 'Invalid URL: foo'],
      ['a missing URL', [], 'Invalid URL: undefined'],
      ['another scheme', ['ftp://localhost'], schemes],
      ['another scheme with a fragment', ['ftp://localhost#a'], schemes],
      ['ws+unix: without path', ['ws+unix:'], "The URL's pathname is empty"],
      [
        'a fragment identifier',
        ['ws://localhost#a', ['']],
        'The URL contains a fragment identifier'
      ],
      ...[[''], ['a', 'a'], ['a b'], ['é'], [1], [null], ''].map((list) => [
        `the subprotocols ${JSON.stringify(list)}`,
        ['ws://localhost', list],
        'An invalid or duplicated subprotocol was specified'
      ])
    ];

    for (const [what, args, message] of cases) {
      it(`throws a SyntaxError for ${what}`, () => {
        assert.throws(
          () => new WebSocket(...args),
          (err) => {
            assert.strictEqual(err.constructor, SyntaxError);
            assert.strictEqual(err.message, message);
            return true;
          }
        );
      });
    }

    for (const version of [undefined, '13', 7, 14]) {
      it(`throws for protocol version ${typeof version} ${version}`, () => {
        assert.throws(
          () => new WebSocket('foo', { protocolVersion: version }),
          {
            name: 'RangeError',
            message:
              `Unsupported protocol version: ${version} ` +
              '(supported versions: 8, 13)'
          }
        );
      });
    }

    it('throws what `http.request` throws', () => {
      assert.throws(
        () => new WebSocket('ws://localhost', { headers: { a: '\n' } }),
        { name: 'TypeError', code: 'ERR_INVALID_CHAR' }
      );
    });

    it('accepts a `#` without a fragment identifier', () => {
      const { options } = ask('ws://localhost/a#');

      assert.strictEqual(options.path, '/a');
    });

    it('turns http and https URLs into ws and wss', () => {
      for (const [from, to] of [
        ['http://localhost/a?b', 'ws://localhost/a?b'],
        ['HTTPS://localhost', 'wss://localhost/'],
        [new URL('http://localhost'), 'ws://localhost/']
      ]) {
        const websocket = new WebSocket(from, { agent: new IdleAgent() });

        assert.strictEqual(websocket.url, to);
        websocket.on('error', () => {});
        websocket.terminate();
      }
    });

    it("changes neither the user's options nor the user's URL", () => {
      const url = new URL('http://localhost/a');
      const headers = Object.freeze({ Cookie: 'a' });
      const options = Object.freeze({
        agent: new IdleAgent(),
        followRedirects: true,
        headers
      });
      const websocket = new WebSocket(url, options);

      websocket.on('error', () => {});
      websocket.terminate();
      assert.strictEqual(url.href, 'http://localhost/a');
      assert.deepStrictEqual(headers, { Cookie: 'a' });
    });

    it('makes the request at once', () => {
      const agent = new IdleAgent();
      const websocket = new WebSocket('ws://localhost', {
        agent,
        headers: { 'X-Test': 'a' }
      });

      assert.strictEqual(agent.req, websocket._req);
      assert.ok(agent.req instanceof http.ClientRequest);
      assert.strictEqual(agent.req.writableEnded, true);
      assert.strictEqual(websocket._req.getHeader('x-test'), 'a');
      assert.strictEqual(websocket.readyState, WebSocket.CONNECTING);
      assert.strictEqual(websocket._socket, null);
      websocket.on('error', () => {});
      websocket.terminate();
    });
  });

  describe('the request', () => {
    it('has its fields in the order of ws', async (t) => {
      const head = await requestOf(
        t,
        {
          auth: 'user:pass',
          headers: { 'X-One': '1', cookie: 'a=b' },
          origin: 'http://example.com'
        },
        '/path?query'
      );

      assert.strictEqual(head.requestLine, 'GET /path?query HTTP/1.1');
      assert.deepStrictEqual(head.names, [
        'X-One',
        'cookie',
        'Sec-WebSocket-Version',
        'Sec-WebSocket-Key',
        'Connection',
        'Upgrade',
        'Origin',
        'Host',
        'Authorization'
      ]);
      assert.strictEqual(head.get('Sec-WebSocket-Version'), '13');
      assert.match(head.get('Sec-WebSocket-Key'), /^[\w+/]{22}==$/);
      assert.strictEqual(head.get('Connection'), 'Upgrade');
      assert.strictEqual(head.get('Upgrade'), 'websocket');
      assert.strictEqual(head.get('Origin'), 'http://example.com');
      assert.strictEqual(head.get('Authorization'), 'Basic dXNlcjpwYXNz');
    });

    it('uses a new key each time', () => {
      const keys = [1, 2, 3].map(() =>
        ask('ws://localhost').req.getHeader('Sec-WebSocket-Key')
      );

      assert.strictEqual(new Set(keys).size, 3);
      assert.ok(keys.every((key) => Buffer.from(key, 'base64').length === 16));
    });

    it('sends the origin in another field in version 8', async (t) => {
      const head = await requestOf(t, { origin: 'a', protocolVersion: 8 });

      assert.strictEqual(head.get('Sec-WebSocket-Version'), '8');
      assert.strictEqual(head.get('Sec-WebSocket-Origin'), 'a');
      assert.strictEqual(head.get('Origin'), undefined);
    });

    it('lists the subprotocols', () => {
      const { req } = ask('ws://localhost', { protocols: ['b', "a!'~"] });

      assert.strictEqual(req.getHeader('Sec-WebSocket-Protocol'), "b,a!'~");
    });

    it('offers no extension without `perMessageDeflate`', () => {
      const { req } = ask('ws://localhost', NO_DEFLATE);

      assert.strictEqual(req.hasHeader('Sec-WebSocket-Extensions'), false);
    });

    it('lets its own fields win over those of the user', async (t) => {
      const head = await requestOf(t, {
        headers: { connection: 'close', UPGRADE: 'h2c', Host: 'example.com' }
      });
      const count = (name) =>
        head.names.filter((other) => other.toLowerCase() === name).length;

      assert.strictEqual(head.get('Connection'), 'Upgrade');
      assert.strictEqual(head.get('Upgrade'), 'websocket');
      assert.strictEqual(head.get('Host'), 'example.com');
      assert.strictEqual(count('connection'), 1);
      assert.strictEqual(count('upgrade'), 1);
    });

    it("has the credentials of the URL, else the `auth` option's", () => {
      const auth = (url) => ask(url, { auth: 'a:b' }).options.auth;

      assert.strictEqual(auth('ws://localhost'), 'a:b');
      assert.strictEqual(auth('ws://u%20v:p%zz%3A@localhost'), 'u v:p%zz:');
      assert.strictEqual(auth('ws://user@localhost'), 'user:');
      assert.strictEqual(auth('ws://:pass@localhost'), ':pass');
    });

    it('leaves the default port out of `Host`', () => {
      const host = (url, options) => ask(url, options).req.getHeader('Host');

      assert.strictEqual(host('ws://localhost:80'), 'localhost');
      assert.strictEqual(host('wss://localhost:443'), 'localhost');
      assert.strictEqual(host('ws://localhost:443'), 'localhost:443');
      assert.strictEqual(host('wss://[::1]:1'), '[::1]:1');
      assert.strictEqual(
        host('ws://localhost:1', { defaultPort: 1 }),
        'localhost'
      );
    });

    it('takes address and method from the URL alone', () => {
      const { options } = ask('wss://[::1]:8080/a?b', {
        host: 'no',
        hostname: 'no',
        method: 'POST',
        path: '/no',
        port: 1,
        protocol: 'no:',
        socketPath: '/no',
        timeout: 1
      });

      assert.strictEqual(options.host, '::1');
      assert.strictEqual(options.port, '8080');
      assert.strictEqual(options.path, '/a?b');
      assert.strictEqual(options.method, 'GET');
      assert.strictEqual(options.hostname, undefined);
      assert.strictEqual(options.socketPath, undefined);
      assert.strictEqual(options.timeout, undefined);
    });

    it('hands other options on', () => {
      const given = { family: 4, lookup() {}, rejectUnauthorized: false };
      const { options } = ask('wss://localhost', given);

      for (const name of Object.keys(given)) {
        assert.strictEqual(options[name], given[name]);
      }
    });

    it('splits a ws+unix: URL at the first colon', () => {
      for (const [rest, path, requestPath] of [
        ['/a', '/a', '/'],
        ['/a:', '/a', '/'],
        ['./a:/b:c?d=:e', './a', '/b:c?d=:e'],
        ['/a?b', '/a?b', '/']
      ]) {
        const { options, req } = ask(`ws+unix:${rest}`);

        assert.strictEqual(options.socketPath, path);
        assert.strictEqual(req.path, requestPath);
        assert.strictEqual(req.getHeader('Host'), 'localhost');
      }
    });

    it('is left to `finishRequest` to end', async (t) => {
      const peer = await startPeer(t, (head, socket) => {
        socket.end(head.switching());
      });
      const seen = [];
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        ...NO_DEFLATE,
        finishRequest(req, ws) {
          seen.push(req, ws);
          setImmediate(() => {
            req.setHeader('X-Late', 'yes');
            req.end();
          });
        }
      });

      assert.strictEqual(seen[0], websocket._req);
      assert.strictEqual(seen[0].writableEnded, false);
      assert.strictEqual(seen[1], websocket);
      await once(websocket, 'open');
      await once(websocket, 'close');
      assert.strictEqual(peer.requests[0].get('X-Late'), 'yes');
      assert.strictEqual(seen.length, 2);
    });
  });

  describe('the connection', () => {
    it('is made by `createConnection` if there is one', async (t) => {
      const peer = await startPeer(t, (head, socket) => {
        socket.end(head.switching());
      });
      let given;
      let socket;
      const websocket = new WebSocket('ws://example.invalid:1234', {
        ...NO_DEFLATE,
        createConnection(options) {
          given = options;
          socket = net.connect(peer.port, '127.0.0.1');
          return socket;
        }
      });

      assert.strictEqual(given.host, 'example.invalid');
      assert.strictEqual(given.port, '1234');
      await once(websocket, 'open');
      assert.strictEqual(websocket._socket, socket);
      assert.strictEqual(websocket._req, null);
      await once(websocket, 'close');
    });

    it('does not come from the global agent', async (t) => {
      const { addRequest } = http.Agent.prototype;
      const mock = t.mock.method(http.Agent.prototype, 'addRequest');

      await requestOf(t);
      assert.strictEqual(mock.mock.callCount(), 0);
      await requestOf(t, { agent: new http.Agent() });
      assert.strictEqual(mock.mock.callCount(), 1);
      assert.notStrictEqual(http.Agent.prototype.addRequest, addRequest);
    });

    it('works over a Unix domain socket', async (t) => {
      const file = socketPath(t);
      const peer = await startPeer(
        t,
        (head, socket) => socket.end(head.switching()),
        { listen: [file] }
      );
      const websocket = new WebSocket(`ws+unix:${file}:/a?b`, NO_DEFLATE);

      await once(websocket, 'open');
      await once(websocket, 'close');
      assert.strictEqual(websocket.url, `ws+unix:${file}:/a?b`);
      assert.strictEqual(peer.requests[0].requestLine, 'GET /a?b HTTP/1.1');
    });

    it('works over IPv6', async (t) => {
      const probe = net.createServer();

      probe.listen(0, '::1');

      const [failure] = await Promise.race([
        once(probe, 'listening'),
        new Promise((resolve) => probe.on('error', (err) => resolve([err])))
      ]);

      if (failure) return t.skip('this machine has no IPv6');

      probe.close();

      const peer = await startPeer(
        t,
        (head, socket) => socket.end(head.switching()),
        { listen: [0, '::1'] }
      );
      const websocket = new WebSocket(`ws://[::1]:${peer.port}`, NO_DEFLATE);

      await once(websocket, 'close');
      assert.strictEqual(peer.requests[0].get('Host'), `[::1]:${peer.port}`);
    });

    it('works over TLS and checks the certificate', async (t) => {
      const peer = await startPeer(
        t,
        (head, socket) => socket.end(head.switching()),
        { secure: true }
      );
      const url = `wss://localhost:${peer.port}`;
      const options = { ...NO_DEFLATE, family: 4 };
      const trusting = new WebSocket(url, { ...options, ca: identity.cert });

      await once(trusting, 'open');
      assert.ok(trusting._socket instanceof tls.TLSSocket);
      assert.strictEqual(trusting._socket.authorized, true);
      await once(trusting, 'close');

      const careless = new WebSocket(url, {
        ...options,
        rejectUnauthorized: false
      });

      assert.deepStrictEqual((await eventsOf(careless))[1], ['open']);

      const { err } = await failureOf(new WebSocket(url, options));

      assert.strictEqual(err.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
    });

    it('asks TLS for the name of the host', (t) => {
      const given = [];
      const connections = t.mock.method(tls, 'connect', (options) => {
        given.push(options);
        return new net.Socket();
      });

      for (const [url, options] of [
        ['wss://localhost', {}],
        ['wss://127.0.0.1', {}],
        ['wss://[::1]', {}],
        ['wss://localhost', { servername: 'other' }],
        ['wss://localhost', { servername: '' }]
      ]) {
        const websocket = new WebSocket(url, options);

        websocket.on('error', () => {});
        websocket.terminate();
      }

      assert.strictEqual(connections.mock.callCount(), 5);
      assert.deepStrictEqual(
        given.map(({ servername }) => servername),
        ['localhost', '', '', 'other', '']
      );
      assert.ok(given.every(({ path }) => path === undefined));
    });
  });

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

  describe('the options of an open connection', () => {
    it('`maxPayload` limits a message', async (t) => {
      const websocket = await connect(
        t,
        (head) => head.switching() + '\x82\x03abc\x82\x04abcd',
        [],
        { maxPayload: 3 }
      );

      assert.deepStrictEqual(await eventsOf(websocket), [
        ['upgrade'],
        ['open'],
        ['message'],
        ['error', 'Max payload size exceeded'],
        ['close', 1006, '']
      ]);
    });

    it('`maxFragments` limits the frames of a message', async (t) => {
      const websocket = await connect(
        t,
        (head) => head.switching() + '\x02\x00\x00\x00\x00\x00',
        [],
        { maxFragments: 2 }
      );

      assert.deepStrictEqual((await eventsOf(websocket)).slice(2), [
        ['error', 'Too many message fragments'],
        ['close', 1006, '']
      ]);
    });

    it('`skipUTF8Validation` lets any bytes pass as text', async (t) => {
      const text = (head) => head.switching() + '\x81\x01\xff\x88\x00';
      const careless = eventsOf(
        await connect(t, text, [], { skipUTF8Validation: true })
      );
      const careful = eventsOf(await connect(t, text));

      assert.deepStrictEqual((await careless).slice(2), [
        ['message'],
        ['close', 1005, '']
      ]);
      assert.deepStrictEqual((await careful).slice(2), [
        ['error', 'Invalid WebSocket frame: invalid UTF-8 sequence'],
        ['close', 1006, '']
      ]);
    });

    for (const [autoPong, sent] of [
      [undefined, '8a826d61736b0508'],
      [false, '']
    ]) {
      it(`answers a ping as \`autoPong\` ${autoPong} says`, async (t) => {
        let received = '';
        const peer = await startPeer(t, (head, socket) => {
          socket.on('data', (data) => (received += data.toString('hex')));
          socket.write(head.switching() + '\x89\x02hi', 'latin1');
        });
        const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
          ...NO_DEFLATE,
          ...(autoPong === undefined ? {} : { autoPong }),
          generateMask: (mask) => mask.write('mask')
        });

        await once(websocket, 'ping');
        await new Promise((resolve) => setTimeout(resolve, 30));
        assert.strictEqual(received, sent);
        websocket.terminate();
        await once(websocket, 'close');
      });
    }

    it('`maxBufferedChunks` limits the chunks of a frame', async (t) => {
      const peer = await startPeer(t, async (head, socket) => {
        socket.setNoDelay();
        socket.write(head.switching() + '\x82\x7d', 'latin1');
        while (socket.writable) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          socket.write('x');
        }
      });
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        ...NO_DEFLATE,
        maxBufferedChunks: 2
      });

      assert.deepStrictEqual((await eventsOf(websocket)).slice(2), [
        ['error', 'Too many buffered chunks'],
        ['close', 1006, '']
      ]);
    });

    it('`maxPendingAutoPongs` limits pongs under way', async (t) => {
      const pings = (head) => head.switching() + '\x89\x00'.repeat(3);

      for (const [maxPendingAutoPongs, expected] of [
        [1, [WebSocket.OPEN, WebSocket.CLOSING]],
        [0, [WebSocket.OPEN, WebSocket.OPEN]]
      ]) {
        const websocket = await connect(t, pings, [], { maxPendingAutoPongs });
        const states = [];

        websocket.on('ping', () => states.push(websocket.readyState));
        setTimeout(() => websocket.terminate(), 50);
        await once(websocket, 'close');
        assert.deepStrictEqual(states.slice(0, 2), expected);
      }
    });

    it('`closeTimeout` bounds the closing handshake', async (t) => {
      const websocket = await connect(t, (head) => head.switching(), [], {
        closeTimeout: 50
      });

      await once(websocket, 'open');

      const start = Date.now();

      websocket.close(1000);

      const [code] = await once(websocket, 'close');

      assert.strictEqual(code, 1006);
      assert.ok(Date.now() - start >= 45);
    });
  });
});
