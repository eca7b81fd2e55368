'use strict';

// Open connections to try things on: between a WebSocket of either role and a
// peer that is played by hand, or between two WebSockets.

const { createHash } = require('node:crypto');
const { once } = require('node:events');
const net = require('node:net');

const { lib, WebSocket, WebSocketServer } = require('./ferrows');
const { readFrames } = require('./frames');
const { requestText } = require('./upgrade');

const { GUID } = lib('constants');

const EXTENSIONS = 'Sec-WebSocket-Extensions';

/** The other end of a WebSocket's socket, half-open sockets allowed. */
class Peer {
  /** @param {net.Socket} socket the socket */
  constructor(socket) {
    this.socket = socket;
    this.chunks = [];
    /** Whether a FIN came. */
    this.ended = false;
    this.closed = false;
    this.waiting = [];
    socket.on('data', (chunk) => {
      this.chunks.push(chunk);
      this.changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
    // The WebSocket may go away at any moment: that is what tests are about.
    socket.on('error', () => {});
  }

  /** What came. */
  get bytes() {
    if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0];
  }

  /** The frames that came, see `readFrames()`. */
  get frames() {
    return readFrames(this.bytes).frames;
  }

  /** Looks again at what somebody waits for. */
  changed() {
    this.waiting = this.waiting.filter(({ condition, resolve }) => {
      if (!condition(this)) return true;
      resolve();
      return false;
    });
  }

  /**
   * Waits until something is true of this peer.
   *
   * @param {function(Peer): boolean} condition what to wait for
   * @return {Promise}
   */
  until(condition) {
    return new Promise((resolve) => {
      this.waiting.push({ condition, resolve });
      this.changed();
    });
  }

  /**
   * Waits for frames.
   *
   * @param {number} count how many
   * @return {Promise<Object[]>} all of them
   */
  async framesCame(count) {
    await this.until(({ frames }) => frames.length >= count);
    return this.frames;
  }

  /** @param {...Buffer} chunks bytes to send, each with a packet of its own */
  async send(...chunks) {
    this.socket.setNoDelay();
    for (const chunk of chunks) {
      await new Promise((resolve) => this.socket.write(chunk, resolve));
    }
  }

  /** Takes the head of a request or response off. */
  async head() {
    await this.until(({ bytes }) => bytes.includes('\r\n\r\n'));
    const end = this.bytes.indexOf('\r\n\r\n') + 4;
    const text = this.bytes.toString('latin1', 0, end);
    this.chunks = [this.bytes.subarray(end)];
    return text;
  }
}

/**
 * Listens on a free port for the length of a test.
 *
 * @param {TestContext} t the test
 * @param {net.Server} server the server
 * @return {Promise<number>} the port
 */
async function listening(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address().port;
}

/**
 * A WebSocket of a server, and its peer.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] the server's options
 * @param {string} [extensions] those that the peer offers
 * @return {Promise<{ws: WebSocket, peer: Peer}>}
 */
async function server(t, options, extensions) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(wss, 'listening');
  t.after(() => {
    for (const ws of wss.clients) ws.terminate();
    wss.close();
  });

  const { port } = wss.address();
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  const peer = new Peer(socket);
  socket.write(requestText({ [EXTENSIONS]: extensions }));
  const [[ws]] = await Promise.all([once(wss, 'connection'), peer.head()]);
  return { ws, peer };
}

/**
 * A WebSocket of a client, and its peer.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] the client's options
 * @param {string} [extensions] those that the peer agrees to
 * @return {Promise<{ws: WebSocket, peer: Peer}>}
 */
async function client(t, options, extensions) {
  const listener = net.createServer({ allowHalfOpen: true });
  const port = await listening(t, listener);
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false,
    ...options
  });
  t.after(() => ws.terminate());

  const [socket] = await once(listener, 'connection');
  t.after(() => socket.destroy());
  const peer = new Peer(socket);
  const [, key] = /Sec-WebSocket-Key: (.*)\r\n/.exec(await peer.head());
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n' +
      `Upgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      (extensions === undefined ? '' : `${EXTENSIONS}: ${extensions}\r\n`) +
      '\r\n'
  );
  await once(ws, 'open');
  return { ws, peer };
}

/**
 * Two WebSockets that are connected.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] options of both
 * @return {Promise<{server: WebSocket, client: WebSocket}>}
 */
async function pair(t, options) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(wss, 'listening');
  const { port } = wss.address();
  const near = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false,
    ...options
  });
  t.after(() => {
    near.terminate();
    for (const ws of wss.clients) ws.terminate();
    wss.close();
  });
  const [[far]] = await Promise.all([
    once(wss, 'connection'),
    once(near, 'open')
  ]);
  return { server: far, client: near };
}

/**
 * Waits for the end of a WebSocket.
 *
 * @param {WebSocket} ws the WebSocket
 * @return {Promise<{code: number, reason: string, errors: Error[]}>}
 */
function endOf(ws) {
  const errors = [];
  ws.on('error', (err) => errors.push(err));
  return new Promise((resolve) => {
    ws.on('close', (code, reason) =>
      resolve({ code, reason: reason.toString(), errors })
    );
  });
}

module.exports = {
  client,
  endOf,
  pair,
  Peer,
  roles: { client, server },
  server
};
