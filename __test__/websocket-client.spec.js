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
  socketPath,
  startPeer
} = require('./support/peer');

const NO_DEFLATE = { perMessageDeflate: false };

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
});
