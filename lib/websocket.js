'use strict';

const EventEmitter = require('node:events');

const { toBuffer } = require('./buffer-util');
const connection = require('./connection');
const {
  BINARY_TYPES,
  EMPTY_BUFFER,
  kForOnEventAttribute,
  kListener
} = require('./constants');
const { EventTarget } = require('./event-target');
const { abortHandshake } = require('./handshake/abort');
const { connect } = require('./handshake/client');
const PerMessageDeflate = require('./permessage-deflate');
const { isBlob } = require('./validation');

const READY_STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
const [CONNECTING, OPEN, CLOSING, CLOSED] = READY_STATES.keys();

/**
 * A WebSocket connection (RFC 6455), of a client or of a server.
 *
 * The names of its private members are those of `ws`: programs read them.
 */
class WebSocket extends EventEmitter {
  /**
   * @param {(string|URL|null)} address the URL to connect to; null for the
   *     server's side of a connection
   * @param {(string|string[])} [protocols] the subprotocols to ask for
   * @param {Object} [options] see `docs/api.md`
   * @throws {RangeError} if `protocolVersion` is not supported
   * @throws {SyntaxError} if the URL or a subprotocol is invalid
   */
  constructor(address, protocols, options) {
    super();

    this._binaryType = BINARY_TYPES[0];
    this._closeCode = 1006;
    this._closeFrameReceived = false;
    this._closeFrameSent = false;
    this._closeMessage = EMPTY_BUFFER;
    this._closeTimer = null;
    this._errorEmitted = false;
    this._extensions = {};
    this._paused = false;
    this._protocol = '';
    this._readyState = CONNECTING;
    this._transport = null;
    this._takenReceiver = null;
    this._sender = null;
    this._socket = null;
    this._pendingAutoPongs = 0;
    this._pongWritten = undefined;

    if (address === null) {
      this._isServer = true;
      this._autoPong = options.autoPong;
      this._maxPendingAutoPongs = options.maxPendingAutoPongs | 0;
      this._closeTimeout = options.closeTimeout;
    } else {
      this._bufferedAmount = 0;
      this._isServer = false;
      this._redirects = 0;
      this._req = null;
      this._url = undefined;
      const given = normalized(protocols, options);
      connect(this, address, given.protocols, given.options);
      this._maxPendingAutoPongs |= 0;
    }
  }

  /** @type {string} how binary data is given: see `BINARY_TYPES` */
  get binaryType() {
    return this._binaryType;
  }

  set binaryType(type) {
    if (!BINARY_TYPES.includes(type)) return;
    this._binaryType = type;
    if (this._takenReceiver !== null) this._takenReceiver._binaryType = type;
  }

  /** @type {number} bytes that were sent but not taken by the kernel yet */
  get bufferedAmount() {
    if (this._transport === null) return this._bufferedAmount;
    return this._transport.bufferedAmount + this._sender._bufferedBytes;
  }

  /** @type {string} the names of the extensions in use */
  get extensions() {
    return Object.keys(this._extensions).join();
  }

  /** @type {boolean} whether `pause()` was called, and `resume()` was not */
  get isPaused() {
    return this._paused;
  }

  /** @type {string} the subprotocol in use, or '' */
  get protocol() {
    return this._protocol;
  }

  /** @type {number} CONNECTING, OPEN, CLOSING or CLOSED */
  get readyState() {
    return this._readyState;
  }

  /**
   * What reads and writes the socket at the moment, for diagnostics: `'loop'`,
   * `'tokio'` or `'stream'`; null before there is one.
   *
   * @type {?string}
   */
  get transport() {
    return this._transport === null ? null : this._transport.name;
  }

  /** @type {(string|undefined)} the address, of a client */
  get url() {
    return this._url;
  }

  /**
   * The `Receiver` that bytes go through, from the first look at it on.
   * Connections that nobody looks at so do without one.
   *
   * @type {?Receiver}
   */
  get _receiver() {
    if (this._transport === null) return null;
    return connection.takeReceiver(this);
  }

  /**
   * Opens the connection over a socket whose handshake is done.
   *
   * @param {stream.Duplex} socket the socket
   * @param {Buffer} head bytes that came after the handshake
   * @param {Object} options
   * @param {boolean} [options.allowSynchronousEvents=true] whether several
   *     events may be emitted in one tick
   * @param {function(Buffer)} [options.generateMask] fills a mask key
   * @param {number} [options.maxBufferedChunks=0] 0 is no limit
   * @param {number} [options.maxFragments=0] 0 is no limit
   * @param {number} [options.maxPayload=0] bytes; 0 is no limit
   * @param {boolean} [options.skipUTF8Validation=false]
   * @param {string} [options.transport='auto'] see `./transport/choice`
   */
  setSocket(socket, head, options) {
    connection.open(this, socket, head, options);
    this._readyState = OPEN;
    this.emit('open');
  }

  /** Ends the life of the connection: the last event. */
  emitClose() {
    // Fails what is still being compressed.
    this._extensions[PerMessageDeflate.extensionName]?.cleanup();
    this._readyState = CLOSED;
    if (this._takenReceiver !== null) this._takenReceiver.removeAllListeners();
    this.emit('close', this._closeCode, this._closeMessage);
  }

  /**
   * Starts the closing handshake (RFC 6455, section 7.1.2).
   *
   * @param {number} [code] the close code
   * @param {(string|Buffer)} [data] the reason, at most 123 bytes
   * @throws {TypeError} for a code that may not be sent, or a bad reason
   * @throws {RangeError} if the reason is too long
   */
  close(code, data) {
    if (this._readyState === CLOSED) return;
    if (this._readyState === CONNECTING) {
      abortHandshake(this, this._req, ABORTED);
    } else if (this._readyState === CLOSING) {
      connection.endIfClosed(this);
    } else {
      connection.close(this, code, data);
    }
  }

  /** Stops reading: no events come until `resume()`. */
  pause() {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return;
    this._paused = true;
    this._transport?.pause();
  }

  /** Reads on. */
  resume() {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return;
    this._paused = false;
    this._transport?.resume();
  }

  /**
   * Sends a ping.
   *
   * @param {*} [data] the payload, at most 125 bytes
   * @param {boolean} [mask] whether to mask it; a client does by default
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {Error} in the state CONNECTING
   * @throws {RangeError} if the payload is too long
   */
  ping(data, mask, cb) {
    sendControl(this, 'ping', data, mask, cb);
  }

  /**
   * Sends a pong.
   *
   * @param {*} [data] the payload, at most 125 bytes
   * @param {boolean} [mask] whether to mask it; a client does by default
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {Error} in the state CONNECTING
   * @throws {RangeError} if the payload is too long
   */
  pong(data, mask, cb) {
    sendControl(this, 'pong', data, mask, cb);
  }

  /**
   * Sends a message.
   *
   * @param {*} data the message
   * @param {Object} [options]
   * @param {boolean} [options.binary] whether it is binary; by default
   *     everything but strings is
   * @param {boolean} [options.compress=true] whether to compress it, if the
   *     connection can
   * @param {boolean} [options.fin=true] whether it ends the message
   * @param {boolean} [options.mask] whether to mask it; a client does by default
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {Error} in the state CONNECTING
   * @throws {TypeError} if `data` cannot be sent
   */
  send(data, options, cb) {
    if (this._readyState === CONNECTING) throw notOpen(this);
    if (typeof options === 'function') {
      cb = options;
      options = undefined;
    }
    if (typeof data === 'number') data = data.toString();
    if (this._readyState !== OPEN) {
      refuse(this, data, cb);
      return;
    }
    const settings = settingsOf(this, data, options);
    this._sender.send(data || EMPTY_BUFFER, settings, cb);
  }

  /** Closes the connection by force. */
  terminate() {
    if (this._readyState === CLOSED) return;
    if (this._readyState === CONNECTING) {
      abortHandshake(this, this._req, ABORTED);
    } else if (this._transport !== null) {
      this._readyState = CLOSING;
      this._transport.destroy();
    }
  }
}

const ABORTED = 'WebSocket was closed before the connection was established';

READY_STATES.forEach((name, value) => {
  const descriptor = { enumerable: true, value };
  Object.defineProperty(WebSocket, name, descriptor);
  Object.defineProperty(WebSocket.prototype, name, descriptor);
});

for (const name of [
  'binaryType',
  'bufferedAmount',
  'extensions',
  'isPaused',
  'protocol',
  'readyState',
  'url'
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}

// The listeners of the browser's interface (HTML, section 8.1.8.1).
for (const type of ['open', 'error', 'close', 'message']) {
  Object.defineProperty(WebSocket.prototype, `on${type}`, {
    configurable: true,
    enumerable: true,
    get() {
      const listener = attributeListener(this, type);
      return listener === undefined ? null : listener[kListener];
    },
    set(handler) {
      const listener = attributeListener(this, type);
      if (listener !== undefined) this.removeListener(type, listener);
      if (typeof handler !== 'function') return;
      this.addEventListener(type, handler, { [kForOnEventAttribute]: true });
    }
  });
}

WebSocket.prototype.addEventListener = EventTarget.addEventListener;
WebSocket.prototype.removeEventListener = EventTarget.removeEventListener;

module.exports = WebSocket;

/**
 * The listener that was set through an `onX` property.
 *
 * @param {WebSocket} websocket the WebSocket
 * @param {string} type the event
 * @return {(Function|undefined)}
 */
function attributeListener(websocket, type) {
  return websocket
    .listeners(type)
    .find((listener) => listener[kForOnEventAttribute]);
}

/**
 * Sorts out the last two arguments of the constructor.
 *
 * @param {*} protocols the second argument
 * @param {*} options the third argument
 * @return {{protocols: Array, options: (Object|undefined)}}
 */
function normalized(protocols, options) {
  if (protocols !== undefined) {
    if (Array.isArray(protocols)) return { protocols, options };
    if (typeof protocols !== 'object' || protocols === null) {
      return { protocols: [protocols], options };
    }
    options = protocols;
  }
  const wanted = options?.protocols;
  if (wanted === undefined) return { protocols: [], options };
  return { protocols: Array.isArray(wanted) ? wanted : [wanted], options };
}

/**
 * How to send a message.
 *
 * @param {WebSocket} websocket the WebSocket
 * @param {*} data the message
 * @param {Object} [options] what the user wants; an `undefined` in it counts
 * @return {Object} the options that `Sender#send()` takes
 */
function settingsOf(websocket, data, options) {
  const settings = {
    binary: typeof data !== 'string',
    compress: true,
    fin: true,
    mask: !websocket._isServer
  };
  if (options === undefined) return settings;
  if (
    options === null ||
    typeof options !== 'object' ||
    Object.getPrototypeOf(options) !== Object.prototype
  ) {
    return { ...settings, ...options };
  }

  // Of the usual object this makes the same, in less time than a message takes.
  const { binary, compress, fin, mask } = options;
  if (binary !== undefined || 'binary' in options) settings.binary = binary;
  if (compress !== undefined || 'compress' in options) {
    settings.compress = compress;
  }
  if (fin !== undefined || 'fin' in options) settings.fin = fin;
  if (mask !== undefined || 'mask' in options) settings.mask = mask;
  return settings;
}

/**
 * Sends a ping or a pong.
 *
 * @param {WebSocket} websocket the WebSocket
 * @param {string} method the method of the sender
 * @param {*} [data] the payload
 * @param {boolean} [mask] whether to mask it
 * @param {function(Error=)} [cb] called when it was written, or failed
 */
function sendControl(websocket, method, data, mask, cb) {
  if (websocket._readyState === CONNECTING) throw notOpen(websocket);
  if (typeof data === 'function') {
    cb = data;
    data = mask = undefined;
  } else if (typeof mask === 'function') {
    cb = mask;
    mask = undefined;
  }
  if (typeof data === 'number') data = data.toString();
  if (websocket._readyState !== OPEN) {
    refuse(websocket, data, cb);
    return;
  }
  if (mask === undefined) mask = !websocket._isServer;
  websocket._sender[method](data || EMPTY_BUFFER, mask, cb);
}

/**
 * Counts, and reports, what cannot be sent any more.
 *
 * @param {WebSocket} websocket the WebSocket, CLOSING or CLOSED
 * @param {*} data what should have been sent
 * @param {function(Error)} [cb] called with the error, on the next tick
 */
function refuse(websocket, data, cb) {
  if (data) {
    const length = isBlob(data) ? data.size : toBuffer(data).length;
    if (websocket._sender === null) websocket._bufferedAmount += length;
    else websocket._sender._bufferedBytes += length;
  }
  if (cb) process.nextTick(cb, notOpen(websocket));
}

/**
 * @param {WebSocket} websocket the WebSocket
 * @return {Error} the error of sending in its present state
 */
function notOpen(websocket) {
  const { readyState } = websocket;
  return new Error(
    `WebSocket is not open: readyState ${readyState} ` +
      `(${READY_STATES[readyState]})`
  );
}
