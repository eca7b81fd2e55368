'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const { describe, it } = require('node:test');

const { itDiffers, lib, WebSocketServer } = require('./support/ferrows');
const {
  ACCEPTED,
  BareDuplex,
  exchange,
  fakeRequest,
  KEY,
  requestText,
  splitResponse
} = require('./support/upgrade');

const { kWebSocket } = lib('constants');

/** The checks of an upgrade request in their order, and what breaks them. */
const CHECKS = [
  {
    name: 'the method is not GET',
    line: 'POST / HTTP/1.1',
    status: '405 Method Not Allowed',
    body: 'Invalid HTTP method',
    faulty: true
  },
  {
    name: 'the Upgrade header is not websocket',
    fields: { Upgrade: 'websockets' },
    status: '400 Bad Request',
    body: 'Invalid Upgrade header',
    faulty: true
  },
  {
    name: 'the key is invalid',
    fields: { 'Sec-WebSocket-Key': `${KEY}=` },
    status: '400 Bad Request',
    body: 'Missing or invalid Sec-WebSocket-Key header',
    faulty: true
  },
  {
    name: 'the version is unknown',
    fields: { 'Sec-WebSocket-Version': '12' },
    status: '400 Bad Request',
    body: 'Missing or invalid Sec-WebSocket-Version header',
    headers: ['Sec-WebSocket-Version: 13, 8'],
    faulty: true
  },
  {
    name: 'the path is not the one in the options',
    options: { path: '/other' },
    status: '400 Bad Request',
    body: 'Bad Request',
    faulty: false
  },
  {
    name: 'the subprotocol header is invalid',
    fields: { 'Sec-WebSocket-Protocol': 'a,,b' },
    status: '400 Bad Request',
    body: 'Invalid Sec-WebSocket-Protocol header',
    faulty: true
  },
  {
    name: 'the extension header is invalid',
    options: { perMessageDeflate: true },
    fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate; =1' },
    status: '400 Bad Request',
    body: 'Invalid or unacceptable Sec-WebSocket-Extensions header',
    faulty: true
  },
  {
    name: '`verifyClient` says no',
    options: { verifyClient: () => false },
    status: '401 Unauthorized',
    body: 'Unauthorized',
    faulty: false
  },
  {
    name: 'the server is closing',
    prepare: (wss) => wss.on('test:upgrade', () => wss.close()),
    status: '503 Service Unavailable',
    body: 'Service Unavailable',
    faulty: false
  }
];

/** Values of the headers that are looked at, and the check they belong to. */
const HEADERS = {
  Upgrade: {
    check: CHECKS[1],
    invalid: [undefined, 'websocket, foo', 'foo', 'h2c'],
    valid: ['WebSocket', 'WEBSOCKET']
  },
  'Sec-WebSocket-Key': {
    check: CHECKS[2],
    invalid: [
      undefined,
      '',
      KEY.slice(1),
      `A${KEY}`,
      KEY.replace('=', ''),
      KEY.replace('d', '-'),
      KEY.replace('d', '_')
    ],
    valid: [`${'+'.repeat(22)}==`, `${'/'.repeat(22)}==`]
  },
  'Sec-WebSocket-Version': {
    check: CHECKS[3],
    invalid: [undefined, '', '7', '9', '14', '13, 8', 'x13'],
    valid: ['8', '13']
  },
  'Sec-WebSocket-Protocol': {
    check: CHECKS[5],
    invalid: ['', 'a,a', 'a;b', 'a b'],
    valid: ['a', 'a, b']
  },
  'Sec-WebSocket-Extensions': {
    check: CHECKS[6],
    invalid: ['', 'a;', 'a,', 'a=b', 'a;b="'],
    valid: ['foo', 'foo; bar="x"', 'foo, foo;\tbar']
  }
};

/**
 * Gives a server without HTTP a request and reads the answer.
 *
 * @param {object} headers headers to add or replace, names in lower case
 * @param {object} [options] more options of the server
 * @return {string} the response
 */
function answer(headers, options) {
  const wss = new WebSocketServer({ noServer: true, ...options });
  const socket = new BareDuplex();
  const req = fakeRequest(headers, { socket });

  wss.handleUpgrade(req, socket, Buffer.alloc(0), (ws) => ws.terminate());
  assert.strictEqual(socket.writes.length, 1);
  return socket.writes[0];
}

/**
 * Sends a request to a server and reads the answer.
 *
 * @param {object[]} checks what to break, any number of `CHECKS`
 * @param {object} [more] more to prepare
 * @param {object} [more.options] more options
 * @param {Function} [more.prepare] called with the server
 * @return {Promise<string>} the response
 */
async function ask(checks, { options, prepare } = {}) {
  const wss = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    ...Object.assign({}, ...checks.map((check) => check.options)),
    ...options
  });
  for (const check of checks) check.prepare?.(wss);
  prepare?.(wss);

  const { shouldHandle } = wss;
  wss.shouldHandle = (req) => {
    wss.emit('test:upgrade');
    return shouldHandle.call(wss, req);
  };
  // Nobody gets through here; a connection would keep the test waiting.
  wss.on('connection', (ws) => ws.terminate());
  await once(wss, 'listening');

  try {
    const fields = Object.assign({}, ...checks.map((check) => check.fields));
    const line = checks.find((check) => check.line)?.line;
    return await exchange(wss.address().port, requestText(fields, line));
  } finally {
    const closed = once(wss, 'close');
    wss.close();
    await closed;
  }
}

/**
 * What a refusal looks like on the wire.
 *
 * @param {object} check one of `CHECKS`
 * @return {string} the response
 */
function refusalText({ status, body, headers = [] }) {
  return [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/html',
    `Content-Length: ${body.length}`,
    ...headers,
    '',
    body
  ].join('\r\n');
}

describe('Refusals', { timeout: 20000 }, () => {
  for (const check of CHECKS) {
    describe(`if ${check.name}`, () => {
      const { status, body, faulty } = check;

      it(`answers ${status} and closes the connection`, async () => {
        assert.strictEqual(await ask([check]), refusalText(check));
      });

      it(`${faulty ? 'leaves it to' : 'ignores'} 'wsClientError'`, async () => {
        const errors = [];
        const prepare = (wss) =>
          wss.on('wsClientError', (err, socket, req) => {
            errors.push(err);
            assert.strictEqual(req.socket, socket);
            assert.ok(req instanceof http.IncomingMessage);
            socket.end('custom');
          });
        const text = await ask([check], { prepare });

        assert.deepStrictEqual(
          errors.map((err) => [err.constructor, err.message]),
          faulty ? [[Error, body]] : []
        );
        assert.strictEqual(text, faulty ? 'custom' : refusalText(check));
      });
    });
  }

  for (const [index, check] of CHECKS.entries()) {
    const later = CHECKS.slice(index + 1);
    if (later.length === 0) continue;

    it(`looks first if ${check.name}, then at what follows`, async () => {
      assert.strictEqual(await ask([...later, check]), refusalText(check));
    });
  }

  describe('because of a header', () => {
    for (const [name, { check, invalid, valid }] of Object.entries(HEADERS)) {
      for (const value of invalid) {
        const what = value === undefined ? 'without' : `with '${value}' as`;

        it(`happen ${what} ${name}`, () => {
          const headers = { [name.toLowerCase()]: value };
          const options = { perMessageDeflate: true };
          assert.deepStrictEqual(answer(headers, options), refusalText(check));
        });
      }

      for (const value of valid) {
        it(`do not happen with '${value}' as ${name}`, () => {
          const headers = { [name.toLowerCase()]: value };
          const options = { perMessageDeflate: true };
          assert.match(answer(headers, options), /^HTTP\/1\.1 101 /);
        });
      }
    }

    it('ignore extensions if none is wanted', () => {
      const headers = { 'sec-websocket-extensions': ';;' };
      assert.strictEqual(answer(headers), ACCEPTED);
    });

    it('happen if the Upgrade header is lost to `maxHeadersCount`', async (t) => {
      const server = http.createServer();
      const wss = new WebSocketServer({ server });
      t.after(() => {
        wss.close();
        server.close();
      });
      server.maxHeadersCount = 2;
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');

      const text = await exchange(server.address().port, requestText());
      // From version 22 on Node itself may refuse such a request.
      if (text.startsWith('HTTP/1.1 431 ')) t.skip('Node has refused it');
      else assert.strictEqual(text, refusalText(CHECKS[1]));
    });
  });

  describe('of `verifyClient` with a callback', () => {
    /**
     * @param {...*} args what `verifyClient` answers
     * @return {Promise<{statusLine: string, headers: string[], body: string}>}
     *     the response
     */
    async function deny(...args) {
      const verifyClient = (info, cb) => setImmediate(cb, false, ...args);
      return splitResponse(await ask([], { options: { verifyClient } }));
    }

    it('are 401 by default', async () => {
      assert.deepStrictEqual(await deny(), {
        statusLine: 'HTTP/1.1 401 Unauthorized',
        headers: [
          'Connection: close',
          'Content-Type: text/html',
          'Content-Length: 12'
        ],
        body: 'Unauthorized'
      });
    });

    it('have the status text as the default body', async () => {
      const { statusLine, body } = await deny(404, '');
      assert.strictEqual(statusLine, 'HTTP/1.1 404 Not Found');
      assert.strictEqual(body, 'Not Found');
    });

    it('count the bytes of the body', async () => {
      const { headers, body } = await deny(403, 'd\u00e9fendu');
      assert.strictEqual(body, 'd\u00e9fendu');
      assert.ok(headers.includes('Content-Length: 8'));
    });

    it('may have headers, which replace those of the same name', async () => {
      const { headers } = await deny(429, 'later', {
        'Content-Type': 'text/plain',
        'Retry-After': 120
      });
      assert.deepStrictEqual(headers, [
        'Connection: close',
        'Content-Type: text/plain',
        'Content-Length: 5',
        'Retry-After: 120'
      ]);
    });

    itDiffers('may have a status without a text', async () => {
      assert.deepStrictEqual(await deny(599), {
        statusLine: 'HTTP/1.1 599 ',
        headers: [
          'Connection: close',
          'Content-Type: text/html',
          'Content-Length: 0'
        ],
        body: ''
      });
    });
  });

  it('destroy the socket even if the peer keeps its side open', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const socket = new BareDuplex();
    const req = fakeRequest({}, { method: 'POST', socket });

    wss.handleUpgrade(req, socket, Buffer.alloc(0), assert.fail);
    assert.strictEqual(socket.destroyed, false);
    assert.strictEqual(socket.writableEnded, true);
    await once(socket, 'close');
    assert.strictEqual(socket[kWebSocket], undefined);
  });

  it('survive an error of the socket', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const socket = new BareDuplex();
    socket._write = (chunk, encoding, cb) => cb(new Error('EPIPE'));
    const req = fakeRequest({}, { method: 'POST', socket });

    wss.handleUpgrade(req, socket, Buffer.alloc(0), assert.fail);
    await new Promise((resolve) => socket.on('close', resolve));
    assert.strictEqual(socket.destroyed, true);
  });
});
