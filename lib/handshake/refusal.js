'use strict';

const { STATUS_CODES } = require('node:http');

/**
 * Answers an upgrade request with an HTTP error and closes the connection.
 *
 * @param {stream.Duplex} socket the connection of the request
 * @param {number} status the HTTP status code
 * @param {string} [message] the body; the status text if missing or empty
 * @param {object} [headers] more header fields; they take the place of those
 *     written here if they have the same name
 */
function refuse(socket, status, message, headers) {
  const statusText = STATUS_CODES[status] || '';
  const body = message || statusText;
  const fields = {
    Connection: 'close',
    'Content-Type': 'text/html',
    'Content-Length': Buffer.byteLength(body),
    ...headers
  };
  const head = Object.entries(fields).map(
    ([name, value]) => `${name}: ${value}`
  );

  // A peer that never closes its side must not keep the socket.
  socket.once('finish', () => socket.destroy());
  socket.end(
    [`HTTP/1.1 ${status} ${statusText}`, ...head, '', body].join('\r\n')
  );
}

/**
 * Turns down a request that is not a valid opening handshake. The listeners of
 * `'wsClientError'`, if there are any, answer it themselves and own the socket.
 *
 * @param {WebSocketServer} server the server that was asked
 * @param {http.IncomingMessage} req the request
 * @param {stream.Duplex} socket its connection
 * @param {object} fault what is wrong, one of those in `./server`
 * @param {number} fault.status the HTTP status code
 * @param {string} fault.message the body, and the message of the error
 * @param {object} [fault.headers] more header fields
 */
function refuseFaulty(server, req, socket, { status, message, headers }) {
  if (server.listenerCount('wsClientError') === 0) {
    refuse(socket, status, message, headers);
  } else {
    server.emit('wsClientError', new Error(message), socket, req);
  }
}

module.exports = { refuse, refuseFaulty };
