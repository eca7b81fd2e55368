'use strict';

// Servers on a free port, and a client of npm's `ws` to connect to them.

const { once } = require('node:events');
const http = require('node:http');
const Client = require('ws');

const { WebSocketServer } = require('./ferrows');

/**
 * A listening server.
 *
 * @param {object} [options] more options
 * @return {Promise<WebSocketServer>} the server
 */
async function listen(options) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(wss, 'listening');
  return wss;
}

/**
 * An HTTP server that listens on a free port.
 *
 * @param {http.Server} [server] the server
 * @return {Promise<http.Server>} the same
 */
async function listenHttp(server = http.createServer()) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/**
 * Closes a server of either kind.
 *
 * @param {(WebSocketServer|net.Server)} server the server
 * @return {Promise} resolved when it is closed
 */
function closed(server) {
  return new Promise((resolve) => {
    server.once('close', resolve);
    server.close();
  });
}

/**
 * Connects a client of npm's `ws` and waits for both sides.
 *
 * @param {WebSocketServer} wss the server
 * @param {number} port where it listens
 * @return {Promise<{client: WebSocket, ws: WebSocket}>} both ends
 */
async function connect(wss, port = wss.address().port) {
  const client = new Client(`ws://127.0.0.1:${port}/`);
  const [[ws]] = await Promise.all([
    once(wss, 'connection'),
    once(client, 'open')
  ]);
  return { client, ws };
}

module.exports = { closed, connect, listen, listenHttp };
