'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { describe, it } = require('node:test');

const { WebSocket, itDiffers } = require('./support/ferrows');
const {
  eventsOf,
  failureOf,
  identity,
  response,
  socketPath,
  startPeer
} = require('./support/peer');

const CLOSED_EARLY =
  'WebSocket was closed before the connection was established';

const redirect = (location, status = '302 Found') =>
  response(status, `Location: ${location}`, 'Content-Length: 0');

/**
 * Has a client go along addresses of a made-up network, in which one peer
 * answers at every address: with a redirect, and at the last one with a 101.
 *
 * @param {TestContext} t the test
 * @param {string[]} addresses the URLs
 * @param {Object} [options] the client's options
 * @param {function(WebSocket)} [prepare] is given the client at its start
 * @return {Promise<{requests: RequestHead[], websocket: WebSocket}>} the
 *     requests that the peer saw, and the client, closed
 */
async function follow(t, addresses, options, prepare = () => {}) {
  const locations = addresses.slice(1);
  const peer = await startPeer(t, (head, socket) => {
    const location = locations.shift();

    socket.end(location ? redirect(location) : head.switching());
  });
  const websocket = new WebSocket(addresses[0], {
    perMessageDeflate: false,
    followRedirects: true,
    createConnection: () => net.connect(peer.port, '127.0.0.1'),
    ...options
  });

  prepare(websocket);
  await once(websocket, 'close');

  return { requests: peer.requests, websocket };
}

/**
 * Connects to a peer that answers the first request with a redirect and leaves
 * the others alone.
 *
 * @param {TestContext} t the test
 * @param {string} location where it leads to
 * @param {Object} [options] the client's options
 * @return {Promise<WebSocket>} the client
 */
async function redirectOnce(t, location, options) {
  const peer = await startPeer(t, (head, socket) => {
    if (peer.requests.length === 1) socket.end(redirect(location), 'latin1');
  });

  return new WebSocket(`ws://127.0.0.1:${peer.port}/first`, {
    followRedirects: true,
    ...options
  });
}

describe('redirects', { timeout: 20000 }, () => {
  describe('the `followRedirects` option', () => {
    it('follows each 3xx response that has a Location', async (t) => {
      for (const status of ['300 A', '301 B', '307 C', '399 D']) {
        const peer = await startPeer(t, (head, socket) => {
          socket.end(
            head.requestLine.includes('/new')
              ? head.switching()
              : redirect('/new?a', status)
          );
        });
        const url = `ws://127.0.0.1:${peer.port}/old?b`;
        const websocket = new WebSocket(url, {
          perMessageDeflate: false,
          followRedirects: true
        });
        const hops = [];

        websocket.on('redirect', (...args) => hops.push(args));
        await once(websocket, 'open');
        assert.strictEqual(websocket.url, `ws://127.0.0.1:${peer.port}/new?a`);
        assert.strictEqual(hops.length, 1);
        assert.strictEqual(hops[0][0], websocket.url);
        assert.ok(hops[0][1] instanceof http.ClientRequest);
        assert.notStrictEqual(
          peer.requests[0].get('Sec-WebSocket-Key'),
          peer.requests[1].get('Sec-WebSocket-Key')
        );
        await once(websocket, 'close');
      }
    });

    it('does not take a 3xx without Location for a redirect', async (t) => {
      const peer = await startPeer(t, (head, socket) => {
        socket.end(response('304 Not Modified'));
      });
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        followRedirects: true
      });

      assert.deepStrictEqual(await eventsOf(websocket), [
        ['error', 'Unexpected server response: 304'],
        ['close', 1006, '']
      ]);
    });

    it('resolves the target against the address before it', async (t) => {
      const { requests, websocket } = await follow(t, [
        'http://a/x/y',
        'z?q',
        '//b:81/',
        'https://c',
        '/d'
      ]);

      assert.strictEqual(websocket.url, 'wss://c/d');
      assert.deepStrictEqual(
        requests.map((head) => [
          head.requestLine.split(' ')[1],
          head.get('Host')
        ]),
        [
          ['/x/y', 'a'],
          ['/x/z?q', 'a'],
          ['/', 'b:81'],
          ['/', 'c'],
          ['/d', 'c']
        ]
      );
    });

    it('keeps subprotocols, origin and `finishRequest`', async (t) => {
      const finished = [];
      const { requests } = await follow(t, ['ws://a', 'ws://b'], {
        origin: 'http://o',
        protocolVersion: 8,
        finishRequest(req) {
          finished.push(req);
          req.end();
        }
      });

      assert.strictEqual(finished.length, 2);
      assert.strictEqual(new Set(finished).size, 2);
      assert.strictEqual(requests[1].get('Sec-WebSocket-Origin'), 'http://o');
      assert.strictEqual(requests[1].get('Sec-WebSocket-Version'), '8');
    });

    it('goes from TLS to TCP and to a Unix socket', async (t) => {
      const file = socketPath(t);
      const switching = (head, socket) => socket.end(head.switching());
      const unix = await startPeer(t, switching, { listen: [file] });
      const tcp = await startPeer(t, (head, socket) =>
        socket.end(redirect(`ws+unix:${file}:/last`))
      );
      const secure = await startPeer(
        t,
        (head, socket) => socket.end(redirect(`ws://127.0.0.1:${tcp.port}`)),
        { secure: true }
      );
      const websocket = new WebSocket(`wss://localhost:${secure.port}`, {
        ca: identity.cert,
        followRedirects: true,
        headers: { Authorization: 'secret', Cookie: 'secret', 'X-Kept': '1' },
        perMessageDeflate: false
      });

      await once(websocket, 'close');

      const seen = [secure, tcp, unix].map(({ requests }) =>
        ['Authorization', 'Cookie', 'X-Kept'].map((name) =>
          requests[0].get(name)
        )
      );

      assert.deepStrictEqual(seen, [
        ['secret', 'secret', '1'],
        [undefined, undefined, '1'],
        [undefined, undefined, '1']
      ]);
      assert.strictEqual(unix.requests[0].requestLine, 'GET /last HTTP/1.1');
    });

    it('hangs up on the server that redirects', async (t) => {
      const peer = await startPeer(t, (head, socket) => {
        if (peer.requests.length === 1) {
          peer.closed = once(socket, 'close');
          socket.write(redirect('/second'));
        } else {
          socket.end(head.switching());
        }
      });
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        followRedirects: true,
        perMessageDeflate: false
      });

      await once(websocket, 'close');
      await peer.closed;
    });

    itDiffers('does not mind garbage behind a redirect', async (t) => {
      const peer = await startPeer(t, (head, socket) => {
        socket.end(
          peer.requests.length === 1
            ? redirect('/second') + 'garbage\r\n\r\n'
            : head.switching()
        );
      });
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        followRedirects: true
      });

      assert.deepStrictEqual(await eventsOf(websocket), [
        ['redirect'],
        ['upgrade'],
        ['open'],
        ['close', 1006, '']
      ]);
    });

    it('stops at a server that cannot be reached', async (t) => {
      const websocket = await redirectOnce(t, 'ws://127.0.0.1:1');
      const { err, code } = await failureOf(websocket);

      assert.strictEqual(err.code, 'ECONNREFUSED');
      assert.strictEqual(code, 1006);
    });
  });

  describe('the `maxRedirects` option', () => {
    for (const [options, count] of [
      [{}, 11],
      [{ maxRedirects: 1 }, 2],
      [{ maxRedirects: 0 }, 1]
    ]) {
      it(`is ${options.maxRedirects ?? 'missing'}`, async (t) => {
        const peer = await startPeer(t, (head, socket) => {
          socket.end(redirect('/again'));
        });
        const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
          followRedirects: true,
          ...options
        });
        const { err, code } = await failureOf(websocket);

        assert.strictEqual(err.message, 'Maximum redirects exceeded');
        assert.strictEqual(code, 1006);
        assert.strictEqual(peer.requests.length, count);
        assert.strictEqual(websocket._redirects, count);
      });
    }
  });

  describe('a bad target', () => {
    for (const [location, message] of [
      ['http://[', 'Invalid URL: http://['],
      [
        'ftp://localhost',
        'The URL\'s protocol must be one of "ws:", "wss:", "http:", ' +
          '"https:", or "ws+unix:"'
      ],
      ['ws+unix:', "The URL's pathname is empty"],
      ['/a#b', 'The URL contains a fragment identifier']
    ]) {
      it(`is reported: ${location}`, async (t) => {
        const websocket = await redirectOnce(t, location);
        let redirects = 0;

        websocket.on('redirect', () => redirects++);

        const { err, code } = await failureOf(websocket);

        assert.strictEqual(err.constructor, SyntaxError);
        assert.strictEqual(err.message, message);
        assert.strictEqual(code, 1006);
        assert.strictEqual(redirects, 0);
      });
    }

    itDiffers('is reported if `http.request` throws', async (t) => {
      const websocket = await redirectOnce(t, 'ws+unix:a:/b c');
      const { err, code } = await failureOf(websocket);

      assert.strictEqual(err.code, 'ERR_UNESCAPED_CHARACTERS');
      assert.strictEqual(code, 1006);
    });

    itDiffers('is reported if the agent does not fit', async (t) => {
      const agent = new http.Agent();
      const websocket = await redirectOnce(t, 'wss://localhost', { agent });
      const { err, code } = await failureOf(websocket);

      assert.strictEqual(err.code, 'ERR_INVALID_PROTOCOL');
      assert.strictEqual(code, 1006);
    });
  });

  describe("a 'redirect' listener", () => {
    for (const method of ['close', 'terminate']) {
      it(`may call ${method}()`, async (t) => {
        const websocket = await redirectOnce(t, '/second');

        websocket.on('redirect', (url, req) => {
          assert.strictEqual(req, websocket._req);
          assert.strictEqual(req.writableEnded, false);
          websocket[method]();
        });
        assert.deepStrictEqual(await eventsOf(websocket), [
          ['redirect'],
          ['error', CLOSED_EARLY],
          ['close', 1006, '']
        ]);
      });
    }

    it('may abort the request', async (t) => {
      const websocket = await redirectOnce(t, '/second');

      websocket.on('redirect', (url, req) => {
        req.on('socket', () => req.abort());
      });
      assert.deepStrictEqual(await eventsOf(websocket), [
        ['redirect'],
        ['error', 'socket hang up'],
        ['close', 1006, '']
      ]);
    });

    it('may change the header fields', async (t) => {
      const { requests } = await follow(
        t,
        ['ws://a', 'ws://b'],
        {},
        (websocket) =>
          websocket.on('redirect', (url, req) => req.setHeader('X-New', url))
      );

      assert.strictEqual(requests[0].get('X-New'), undefined);
      assert.strictEqual(requests[1].get('X-New'), 'ws://b/');
    });
  });

  it('`handshakeTimeout` starts anew', async (t) => {
    const peer = await startPeer(t, (head, socket) => {
      if (peer.requests.length < 3) {
        setTimeout(() => socket.end(redirect('/')), 70);
      }
    });
    const start = Date.now();
    const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
      followRedirects: true,
      handshakeTimeout: 120
    });
    const { err } = await failureOf(websocket);

    assert.strictEqual(err.message, 'Opening handshake has timed out');
    assert.strictEqual(peer.requests.length, 3);
    assert.ok(Date.now() - start >= 240);
  });

  describe('the header fields', () => {
    it('have lower-case names on the requests that follow', async (t) => {
      const headers = { 'X-Test': '1', 'x-OTHER': '2' };
      const { requests } = await follow(t, ['ws://a', '/b', '/c'], { headers });
      const names = requests.map((head) => head.names.slice(0, 2));

      assert.deepStrictEqual(names, [
        ['X-Test', 'x-OTHER'],
        ['x-test', 'x-other'],
        ['x-test', 'x-other']
      ]);
    });

    const basic = (auth) => `Basic ${Buffer.from(auth).toString('base64')}`;
    const headers = { Authorization: 'A', COOKIE: 'C', Host: 'H' };
    const all = ['A', 'C', 'H'];

    // What is seen of Authorization, Cookie and Host at each address.
    for (const [what, addresses, expected, options = { headers }] of [
      ['stay with the same host', ['ws://a:1', '/b'], [all, all]],
      [
        'stay with the same host when it turns secure',
        ['ws://a', 'wss://a'],
        [all, all]
      ],
      [
        'stay with the same Unix socket',
        ['ws+unix:/s:/a', 'ws+unix:/s:/b'],
        [all, all]
      ],
      [
        'lose secrets and `Host` to another host',
        ['ws://a', 'ws://b'],
        [all, [undefined, undefined, 'b']]
      ],
      [
        'lose secrets and `Host` to another port',
        ['ws://a:1', 'ws://a:2'],
        [all, [undefined, undefined, 'a:2']]
      ],
      [
        'lose secrets and `Host` to another Unix socket',
        ['ws+unix:/s', 'ws+unix:/t'],
        [all, [undefined, undefined, 'localhost']]
      ],
      [
        'lose secrets and `Host` from TCP to a Unix socket',
        ['ws://a', 'ws+unix:a:/'],
        [all, [undefined, undefined, 'localhost']]
      ],
      [
        'lose secrets and `Host` from a Unix socket to TCP',
        ['ws+unix:a:/', 'ws://a'],
        [all, [undefined, undefined, 'a']]
      ],
      [
        'lose secrets to the same host without TLS',
        ['wss://a', 'ws://a'],
        [all, [undefined, undefined, 'H']]
      ],
      [
        'get secrets back on the way home',
        ['ws://a', 'ws://b', 'ws://a'],
        [all, [undefined, undefined, 'b'], all]
      ],
      [
        'keep the credentials of the first URL',
        ['ws://u:p@a', 'ws://a/b', 'ws://x:y@a/c'],
        [
          [basic('u:p'), undefined, 'a'],
          [basic('u:p'), undefined, 'a'],
          [basic('u:p'), undefined, 'a']
        ],
        {}
      ],
      [
        'keep the credentials of the `auth` option',
        ['ws://a', 'ws://x:y@a/c'],
        [
          [basic('u:p'), undefined, 'a'],
          [basic('u:p'), undefined, 'a']
        ],
        { auth: 'u:p' }
      ],
      [
        'keep credentials that a redirect on the same host brought',
        ['ws://a', 'ws://x:y@a/b', 'ws://a/c'],
        [
          [undefined, undefined, 'a'],
          [basic('x:y'), undefined, 'a'],
          [basic('x:y'), undefined, 'a']
        ],
        {}
      ],
      [
        "prefer the user's Authorization to other credentials",
        ['ws://u:p@a', 'ws://x:y@a'],
        [all, all],
        { auth: 'o:o', headers }
      ],
      [
        'lose the credentials of the URL to another host',
        ['ws://u:p@a', 'ws://b'],
        [
          [basic('u:p'), undefined, 'a'],
          [undefined, undefined, 'b']
        ],
        {}
      ],
      [
        'lose the credentials of the `auth` option to another host',
        ['ws://a', 'ws://b', 'ws://a'],
        [
          [basic('u:p'), undefined, 'a'],
          [undefined, undefined, 'b'],
          [basic('u:p'), undefined, 'a']
        ],
        { auth: 'u:p' }
      ],
      [
        'do not take credentials from a redirect to another host',
        ['ws://a', 'ws://x:y@b'],
        [
          [undefined, undefined, 'a'],
          [undefined, undefined, 'b']
        ],
        {}
      ]
    ]) {
      it(what, async (t) => {
        const { requests } = await follow(t, addresses, options);

        assert.deepStrictEqual(
          requests.map((head) =>
            ['Authorization', 'Cookie', 'Host'].map((name) => head.get(name))
          ),
          expected
        );
      });
    }

    it("stay as they are if there is a 'redirect' listener", async (t) => {
      const { requests } = await follow(
        t,
        ['wss://u:p@a', 'ws://b', 'ws+unix:c'],
        { headers: { Cookie: 'C', Host: 'H' } },
        (websocket) => websocket.on('redirect', () => {})
      );

      for (const head of requests) {
        assert.strictEqual(head.get('Authorization'), basic('u:p'));
        assert.strictEqual(head.get('Cookie'), 'C');
        assert.strictEqual(head.get('Host'), 'H');
      }

      assert.strictEqual(requests.length, 3);
    });
  });
});
