'use strict';

const { CLOSE_TIMEOUT } = require('./constants');
const { checkTransport, transportOptions } = require('./transport/choice');
const WebSocket = require('./websocket');

/** What the options are if not given. */
const DEFAULTS = {
  allowSynchronousEvents: true,
  autoPong: true,
  maxBufferedChunks: 256 * 1024,
  maxFragments: 16 * 1024,
  maxPayload: 100 * 1024 * 1024,
  maxPendingAutoPongs: 60,
  skipUTF8Validation: false,
  perMessageDeflate: false,
  handleProtocols: null,
  clientTracking: true,
  closeTimeout: CLOSE_TIMEOUT,
  verifyClient: null,
  noServer: false,
  backlog: null, // use the default of `net.Server`
  server: null,
  host: null,
  path: null,
  port: null,
  WebSocket
};

/**
 * Completes the options of a server.
 *
 * @param {object} options the options
 * @param {boolean} [options.allowSynchronousEvents=true] whether more than one
 *     `'message'`, `'ping'` or `'pong'` event may be emitted in a tick
 * @param {boolean} [options.autoPong=true] whether pings are answered
 * @param {number} [options.backlog] how many connections may wait to be
 *     accepted
 * @param {boolean} [options.clientTracking=true] whether `clients` is kept
 * @param {number} [options.closeTimeout=30000] milliseconds that a closing
 *     handshake may take
 * @param {Function} [options.handleProtocols] chooses a subprotocol; the first
 *     one if missing
 * @param {string} [options.host] the host to listen on
 * @param {number} [options.maxBufferedChunks=262144] how many chunks may wait
 *     for the rest of a frame
 * @param {number} [options.maxFragments=16384] how many frames a message may
 *     have
 * @param {number} [options.maxPayload=104857600] how many bytes a message may
 *     have
 * @param {number} [options.maxPendingAutoPongs=60] how many pongs may wait to
 *     be written
 * @param {boolean} [options.noServer=false] whether the application passes the
 *     requests to `handleUpgrade()` itself
 * @param {string} [options.path] the only path to accept
 * @param {(boolean|object)} [options.perMessageDeflate=false] whether offers to
 *     compress are accepted, and how: see `./permessage-deflate`
 * @param {number} [options.port] the port of an HTTP server to create
 * @param {(http.Server|https.Server)} [options.server] the HTTP server to use
 * @param {boolean} [options.skipUTF8Validation=false] whether text is taken as
 *     it comes
 * @param {string} [options.transport='auto'] what reads and writes the
 *     sockets: see `./transport/choice`
 * @param {Function} [options.verifyClient] says whether a client is welcome
 * @param {Function} [options.WebSocket=WebSocket] the class of the connections
 * @return {object} a new object with the defaults filled in
 * @throws {TypeError} if there is not exactly one of `port`, `server` and
 *     `noServer`, or `transport` names none
 */
function withDefaults(options) {
  const completed = { ...DEFAULTS, ...options };
  const { noServer, perMessageDeflate, port, server } = completed;

  const hasPort = port !== null && port !== undefined;
  if ([hasPort, server, noServer].filter(Boolean).length !== 1) {
    throw new TypeError(
      'One and only one of the "port", "server", or "noServer" options must ' +
        'be specified'
    );
  }
  checkTransport(completed);
  if (perMessageDeflate === true) completed.perMessageDeflate = {};
  return completed;
}

/**
 * The options that a connection needs to know about its socket.
 *
 * @param {object} options the server's options
 * @return {object} those of them that `setSocket()` takes
 */
function connectionOptions(options) {
  return {
    allowSynchronousEvents: options.allowSynchronousEvents,
    maxBufferedChunks: options.maxBufferedChunks,
    maxFragments: options.maxFragments,
    maxPayload: options.maxPayload,
    skipUTF8Validation: options.skipUTF8Validation,
    ...transportOptions(options)
  };
}

module.exports = { connectionOptions, withDefaults };
