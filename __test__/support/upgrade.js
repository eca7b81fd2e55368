'use strict';

// Opening handshakes made by hand, to see exactly what a server answers.

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { Duplex } = require('node:stream');

const { WebSocketServer } = require('./ferrows');

/** The key of the example in RFC 6455, section 1.3, and its answer. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The response to a request with `KEY` and nothing to negotiate. */
const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${ACCEPT}`,
  '',
  ''
].join('\r\n');

/** `ACCEPTED` with one more line. */
const acceptedWith = (line) => ACCEPTED.replace(/\r\n$/, `${line}\r\n\r\n`);

/** A head without frames. */
const NO_BYTES = Buffer.alloc(0);

/**
 * The text of an upgrade request.
 *
 * @param {object} [fields] headers to add or replace; undefined leaves one out
 * @param {string} [line] the request line
 * @return {string} the request
 */
function requestText(fields, line = 'GET / HTTP/1.1') {
  const headers = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...fields
  };
  const lines = Object.entries(headers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return [line, ...lines, '', ''].join('\r\n');
}

/**
 * A stand-in for the `http.IncomingMessage` of an upgrade request.
 *
 * @param {object} [headers] headers to add or replace, names in lower case
 * @param {object} [properties] other properties to add or replace
 * @return {object} the request
 */
function fakeRequest(headers, properties) {
  return {
    method: 'GET',
    url: '/',
    headers: {
      upgrade: 'websocket',
      'sec-websocket-key': KEY,
      'sec-websocket-version': '13',
      ...headers
    },
    ...properties
  };
}

/**
 * Sends bytes to a local port and reads until the server closes.
 *
 * @param {number} port the port on 127.0.0.1
 * @param {(string|Buffer)} bytes what to send
 * @return {Promise<string>} everything the server sent, as UTF-8
 */
async function exchange(port, bytes) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/**
 * Takes a response apart.
 *
 * @param {string} text the response
 * @return {{statusLine: string, headers: string[], body: string}} its parts
 */
function splitResponse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine, ...headers] = text.slice(0, end).split('\r\n');
  return { statusLine, headers, body: text.slice(end + 4) };
}

/** A Duplex that has nothing of a `net.Socket` and keeps what is written. */
class BareDuplex extends Duplex {
  /** One string for each write. */
  writes = [];

  /** Nothing ever arrives by itself; tests use `push()`. */
  _read() {}

  /**
   * @param {Buffer} chunk what is written
   * @param {string} encoding not used
   * @param {Function} callback tells that it was written
   */
  _write(chunk, encoding, callback) {
    this.writes.push(chunk.toString());
    callback();
  }
}

/**
 * Upgrades a bare stream.
 *
 * @param {WebSocketServer} wss the server
 * @param {object} [headers] headers to add to the request
 * @param {Buffer} [head] what came with the request
 * @return {{ws: WebSocket, socket: BareDuplex, req: object}} the result; `ws` is
 *     undefined if the connection was not accepted in the same tick
 */
function upgrade(wss, headers, head = NO_BYTES) {
  const socket = new BareDuplex();
  const req = fakeRequest(headers, { socket });
  let ws;
  wss.handleUpgrade(req, socket, head, (connection, request) => {
    ws = connection;
    assert.strictEqual(request, req);
  });
  return { ws, socket, req };
}

/** A server without HTTP. */
const detached = (options) =>
  new WebSocketServer({ noServer: true, ...options });

module.exports = {
  ACCEPTED,
  acceptedWith,
  BareDuplex,
  detached,
  exchange,
  fakeRequest,
  KEY,
  NO_BYTES,
  requestText,
  splitResponse,
  upgrade
};
