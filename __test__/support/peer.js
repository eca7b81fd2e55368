'use strict';

// The other side of a handshake, played by hand: a server that reads the head
// of each request and leaves the answer, byte by byte, to the test.

const { createHash } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');

const { WebSocket, lib } = require('./ferrows');

const { GUID } = lib('constants');

const FIXTURES = path.join(__dirname, '..', 'fixtures');

/**
 * A certificate for `localhost` and 127.0.0.1 that signs itself, with its key.
 * Made with `openssl req -x509 -newkey ec -pkeyopt
 * ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,IP:127.0.0.1`.
 */
const identity = {
  cert: fs.readFileSync(path.join(FIXTURES, 'localhost.crt')),
  key: fs.readFileSync(path.join(FIXTURES, 'localhost.key'))
};

/** The head of a request as it came over the wire. */
class RequestHead {
  /** @param {string} text the head without the blank line that ends it */
  constructor(text) {
    const [requestLine, ...lines] = text.split('\r\n');

    this.requestLine = requestLine;
    /** Names and values, in order. */
    this.fields = lines.map((line) => line.split(/: (.*)/s).slice(0, 2));
  }

  /** The names of the fields, in order. */
  get names() {
    return this.fields.map(([name]) => name);
  }

  /** The value of `Sec-WebSocket-Accept` that fits the key of the request. */
  get accept() {
    return createHash('sha1')
      .update(this.get('sec-websocket-key') + GUID)
      .digest('base64');
  }

  /**
   * @param {string} name the name of a field, in any case
   * @return {(string|undefined)} its value
   */
  get(name) {
    const isIt = ([key]) => key.toLowerCase() === name.toLowerCase();

    return this.fields.find(isIt)?.[1];
  }

  /**
   * A correct answer to the request.
   *
   * @param {...string} lines more fields
   * @return {string} a 101 response
   */
  switching(...lines) {
    return response(
      '101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Accept: ${this.accept}`,
      ...lines
    );
  }
}

/**
 * Writes the head of a response.
 *
 * @param {string} status code and reason phrase
 * @param {...string} lines the fields
 * @return {string} the head with the blank line
 */
function response(status, ...lines) {
  return [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
}

/**
 * Starts a server for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {function(RequestHead, net.Socket)} answer called for each request
 * @param {Object} [options] `secure`: speak TLS; `listen`: arguments of
 *     `server.listen`, a free port of 127.0.0.1 by default
 * @return {Promise<{port: number, requests: RequestHead[]}>} the server's port
 *     (undefined for a Unix socket), and the requests that came
 */
async function startPeer(t, answer, { secure = false, listen } = {}) {
  const requests = [];
  const sockets = new Set();
  const server = secure ? tls.createServer(identity) : net.createServer();

  server.on(secure ? 'secureConnection' : 'connection', (socket) => {
    let text = '';

    sockets.add(socket);
    // The client may go away at any moment: that is what tests are about.
    socket.on('error', () => {});
    socket.on('data', function onData(chunk) {
      text += chunk.toString('latin1');

      const end = text.indexOf('\r\n\r\n');

      if (end === -1) return;

      const head = new RequestHead(text.slice(0, end));

      socket.off('data', onData);
      requests.push(head);
      answer(head, socket);
    });
  });

  server.listen(...(listen || [0, '127.0.0.1']));
  await once(server, 'listening');

  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  return { port: server.address().port, requests };
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

  return new WebSocket(url, protocols, {
    perMessageDeflate: false,
    ...options
  });
}

/**
 * Writes down the events of a WebSocket until it is closed, and a little
 * longer, so that an event after `'close'` is seen.
 *
 * @param {WebSocket} websocket the WebSocket
 * @return {Promise<Array>} names and arguments of the events, in order
 */
function eventsOf(websocket) {
  const events = [];

  for (const name of ['open', 'redirect', 'upgrade', 'message']) {
    websocket.on(name, () => events.push([name]));
  }

  websocket.on('error', (err) => events.push(['error', err.message]));

  return new Promise((resolve) => {
    websocket.on('close', (code, reason) => {
      events.push(['close', code, reason.toString()]);
      setTimeout(resolve, 20, events);
    });
  });
}

/**
 * Waits for a connection that must fail.
 *
 * @param {WebSocket} websocket the WebSocket
 * @return {Promise<{err: Error, code: number}>} what `'error'` and `'close'`
 *     said
 */
async function failureOf(websocket) {
  let err;

  websocket.on('error', (reason) => (err = reason));

  const code = await new Promise((resolve) => websocket.on('close', resolve));

  return { err, code };
}

/**
 * A path for a Unix domain socket (on Windows a named pipe), free to listen on.
 *
 * @param {TestContext} t the test
 * @return {string} the path
 */
function socketPath(t) {
  const name = `ferrows-${process.pid}-${Math.random().toString(36).slice(2)}`;

  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;

  const file = path.join(os.tmpdir(), `${name}.sock`);

  t.after(() => fs.rmSync(file, { force: true }));

  return file;
}

module.exports = {
  connect,
  eventsOf,
  failureOf,
  identity,
  response,
  socketPath,
  startPeer
};
