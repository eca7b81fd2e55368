'use strict';

const EventEmitter = require('node:events');
const http = require('node:http');

const { kWebSocket } = require('./constants');
const { refuse, refuseFaulty } = require('./handshake/refusal');
const handshake = require('./handshake/server');
const { connectionOptions, withDefaults } = require('./server-options');

/** Values of `_state`. */
const RUNNING = 0;
const CLOSING = 1;
const CLOSED = 2;

/** A WebSocket server: its own HTTP server, or part of one, or of none. */
class WebSocketServer extends EventEmitter {
  /**
   * Exactly one of `port`, `server` and `noServer` says where the upgrade
   * requests come from.
   *
   * @param {object} options see `./server-options`
   * @param {Function} [callback] a listener of the `'listening'` event of the
   *     HTTP server created for `port`
   * @throws {TypeError} if there is not exactly one of `port`, `server` and
   *     `noServer`
   */
  constructor(options, callback) {
    super();

    options = withDefaults(options);
    if (options.clientTracking) this.clients = new Set();

    this.options = options;
    this._state = RUNNING;
    this._server = options.server || undefined;
    this._httpListeners = {};

    if (ownsServer(this)) {
      const { backlog, host, port } = options;
      this._server = http.createServer(requireUpgrade);
      this._server.listen(port, host, backlog, callback);
    }
    if (this._server) attach(this);
  }

  /**
   * Where the HTTP server listens.
   *
   * @return {(object|string|null)} what its `address()` returns; null if it
   *     does not listen or this server is closing or closed
   * @throws {Error} in `noServer` mode
   */
  address() {
    if (this.options.noServer) {
      throw new Error('The server is operating in "noServer" mode');
    }
    return this._server ? this._server.address() : null;
  }

  /**
   * Stops accepting connections; those that are open stay open. `'close'` is
   * emitted once they are gone, at once if they are not tracked. An HTTP server
   * that was given is left running.
   *
   * @param {Function} [cb] a one-time listener of `'close'`; gets an error if
   *     the server was closed before
   */
  close(cb) {
    if (this._state === CLOSED) {
      if (cb) this.once('close', () => cb(notRunning()));
      process.nextTick(emitClose, this);
      return;
    }

    if (cb) this.once('close', cb);
    if (this._state === CLOSING) return;

    this._state = CLOSING;
    const server = this._server;
    if (server) detach(this);

    if (ownsServer(this)) server.close(() => emitClose(this));
    else closeIfIdle(this);
  }

  /**
   * Says whether a request is meant for this server. May be overridden.
   *
   * @param {http.IncomingMessage} req the request
   * @return {boolean} whether its path is the one in the options, if any
   */
  shouldHandle(req) {
    const { path } = this.options;
    return !path || req.url.split('?', 1)[0] === path;
  }

  /**
   * Answers an upgrade request.
   *
   * @param {http.IncomingMessage} req the request
   * @param {stream.Duplex} socket its connection
   * @param {Buffer} head what was received after the request
   * @param {Function} cb called with the WebSocket and the request if the
   *     connection is accepted
   * @throws {Error} if the socket has been upgraded before
   */
  handleUpgrade(req, socket, head, cb) {
    socket.on('error', destroyOnError);

    const upgradeFault = handshake.findUpgradeFault(req);
    if (upgradeFault) {
      refuseFaulty(this, req, socket, upgradeFault);
      return;
    }
    if (!this.shouldHandle(req)) {
      refuse(socket, 400);
      return;
    }

    const { protocols, extensions, fault } = handshake.readOffers(
      req,
      this.options
    );
    if (fault) {
      refuseFaulty(this, req, socket, fault);
      return;
    }

    const key = req.headers['sec-websocket-key'];
    handshake.verifyClient(
      this.options,
      req,
      () =>
        this.completeUpgrade(extensions, key, protocols, req, socket, head, cb),
      (status, message, headers) => refuse(socket, status, message, headers)
    );
  }

  /**
   * Accepts a connection whose request was found to be in order.
   *
   * @param {object} extensions the accepted extensions by name
   * @param {string} key the client's `Sec-WebSocket-Key`
   * @param {Set<string>} protocols the subprotocols that the client offers
   * @param {http.IncomingMessage} req the request
   * @param {stream.Duplex} socket its connection
   * @param {Buffer} head what was received after the request
   * @param {Function} cb called with the WebSocket and the request
   * @throws {Error} if the socket has been upgraded before
   */
  completeUpgrade(extensions, key, protocols, req, socket, head, cb) {
    // The client may have left while `verifyClient` was making up its mind.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (socket[kWebSocket]) throw upgradedBefore();
    if (this._state !== RUNNING) {
      refuse(socket, 503);
      return;
    }

    const ws = new this.options.WebSocket(null, undefined, this.options);
    const protocol = chooseProtocol(this.options, protocols, req);
    if (protocol) ws._protocol = protocol;
    ws._extensions = extensions;

    const lines = handshake.responseLines(key, protocol, extensions);
    this.emit('headers', lines, req);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);

    socket.removeListener('error', destroyOnError);
    ws.setSocket(socket, head, connectionOptions(this.options));
    if (this.clients) track(this, ws);
    cb(ws, req);
  }
}

/**
 * Whether the HTTP server was created here, so that it is closed here too.
 *
 * @param {WebSocketServer} wss the server
 * @return {boolean} true in `port` mode
 */
function ownsServer({ options }) {
  return !options.server && !options.noServer;
}

/**
 * Listens to the HTTP server.
 *
 * @param {WebSocketServer} wss the server
 */
function attach(wss) {
  const emitConnection = wss.emit.bind(wss, 'connection');

  wss._httpListeners = {
    listening: wss.emit.bind(wss, 'listening'),
    error: wss.emit.bind(wss, 'error'),
    upgrade: (req, socket, head) =>
      wss.handleUpgrade(req, socket, head, emitConnection)
  };
  for (const [event, listener] of Object.entries(wss._httpListeners)) {
    wss._server.on(event, listener);
  }
}

/**
 * Takes the listeners off the HTTP server again and forgets it.
 *
 * @param {WebSocketServer} wss the server
 */
function detach(wss) {
  for (const [event, listener] of Object.entries(wss._httpListeners)) {
    wss._server.removeListener(event, listener);
  }
  wss._httpListeners = {};
  wss._server = null;
}

/**
 * Keeps a connection among the server's clients for as long as it lives.
 *
 * @param {WebSocketServer} wss the server
 * @param {WebSocket} ws the connection
 */
function track(wss, ws) {
  wss.clients.add(ws);
  ws.on('close', () => {
    wss.clients.delete(ws);
    // An HTTP server of our own tells by itself when the last one is gone.
    if (wss._state === CLOSING && !ownsServer(wss)) closeIfIdle(wss);
  });
}

/**
 * Lets a closing server end in the next tick unless it has clients to wait for.
 *
 * @param {WebSocketServer} wss the server
 */
function closeIfIdle(wss) {
  if (!wss.clients || wss.clients.size === 0) process.nextTick(emitClose, wss);
}

/**
 * Ends a server.
 *
 * @param {WebSocketServer} wss the server
 */
function emitClose(wss) {
  wss._state = CLOSED;
  wss.emit('close');
}

/**
 * Chooses one of the subprotocols that the client offers.
 *
 * @param {object} options the server's options
 * @param {Set<string>} protocols what is offered, most wanted first
 * @param {http.IncomingMessage} req the request
 * @return {(string|undefined)} the subprotocol; anything falsy for none
 */
function chooseProtocol(options, protocols, req) {
  if (protocols.size === 0) return undefined;
  if (options.handleProtocols) return options.handleProtocols(protocols, req);
  return protocols.values().next().value;
}

/**
 * The request listener of an HTTP server that has nothing but WebSockets.
 *
 * @param {http.IncomingMessage} req a request without an upgrade
 * @param {http.ServerResponse} res its response
 */
function requireUpgrade(req, res) {
  const body = http.STATUS_CODES[426];

  res.writeHead(426, {
    'Content-Length': body.length,
    'Content-Type': 'text/plain'
  });
  res.end(body);
}

/** The `'error'` listener of a socket until a WebSocket takes it over. */
function destroyOnError() {
  this.destroy();
}

/** @return {Error} the error of `close()` on a closed server */
function notRunning() {
  return new Error('The server is not running');
}

/** @return {Error} the error of an upgrade of an upgraded socket */
function upgradedBefore() {
  return new Error(
    'server.handleUpgrade() was called more than once with the same socket, ' +
      'possibly due to a misconfiguration'
  );
}

module.exports = WebSocketServer;
