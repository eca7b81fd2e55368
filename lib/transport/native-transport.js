'use strict';

// The transport of a connection whose socket the addon reads and writes, as
// long as nothing else is to be done with it. It begins as a `StreamTransport`,
// and is one again from the end of the connection on, or as soon as somebody
// wants to read the socket.

const { AsyncResource } = require('node:async_hooks');
const net = require('node:net');
const { getSystemErrorName } = require('node:util');

const native = require('../native');
const adoptedSocket = require('./adopted-socket');
const Callbacks = require('./callbacks');
const { IS_STRING, MASKED } = require('./frame-head');
const nativeIo = require('./native-io');
const { unguard } = require('./socket-guard');
const StreamTransport = require('./stream-transport');
const turn = require('./turn');
const writeChunks = require('./write-chunks');

/** Payloads from this many bytes on are not copied if they need no mask. */
const COPY_LIMIT = 16 * 1024;

/** Bytes that a connection keeps at most for the end of the turn. */
const HOLD_LIMIT = 64 * 1024;

const plainWrite = net.Socket.prototype.write;

/** The key of what `AsyncLocalStorage` keeps in a resource, before Node 24. */
const RESOURCE_STORE = 'kResourceStore';

class NativeTransport extends StreamTransport {
  /**
   * @param {stream.Duplex} socket the stream
   * @param {Object} owner first argument of the events
   * @param {(InboxEvents & TransportEvents)} events what to call
   * @param {Object} options as `Receiver` takes them
   */
  constructor(socket, owner, events, options) {
    super(socket, owner, events, options);
    /** The number of the connection; -1 while Node reads and writes. */
    this.id = -1;
    /** @type {?AsyncResource} in whose context events are delivered */
    this.resource = null;
    /** Whether events of this connection are being delivered. */
    this.delivering = false;
    /** @type {(Buffer|undefined)} what follows them */
    this._rest = undefined;
    /** Whether something waits for the end of the turn. */
    this._keeps = false;
    /** Whether the socket keeps the process alive. */
    this._holds = false;
  }

  /** The name of what reads and writes the socket. */
  get name() {
    return this.id === -1 ? 'stream' : 'loop';
  }

  /** Bytes that the addon has read. */
  get bytesRead() {
    return native.bytesRead(this.id);
  }

  /** Bytes that the addon has written. */
  get bytesWritten() {
    return native.bytesWritten(this.id);
  }

  /** @param {Buffer} head bytes that were read from the socket already */
  start(head) {
    super.start(head);
    // Node gives what it has read on a tick that was asked for before.
    process.nextTick(adopt, this);
  }

  send(data, head, key, cb) {
    // Somebody may want to see what all sockets write.
    if (net.Socket.prototype.write !== plainWrite) this.handBack();
    if (this.id === -1 || this.socket._writableState.length > 0) {
      super.send(data, head, key, cb);
      return;
    }
    if (this._slot !== -1) super.flush();
    const isString = typeof data === 'string';
    // A unit of a string takes at most three bytes.
    const size = isString ? data.length * 3 : data.length;
    if (isString) head |= IS_STRING;

    if ((turn.holding || this._turn === turn.id) && size <= HOLD_LIMIT) {
      this._keepFrame(data, head, key, cb);
      return;
    }
    this._turn = turn.id;
    turn.open();
    if (this._keeps) this.flush();
    if (size < COPY_LIMIT || (head & (MASKED | IS_STRING)) !== 0) {
      this._sent(native.send(this.id, head, data, key), cb);
    } else {
      this._sendUncopied(data, head, cb);
    }
  }

  flush() {
    super.flush();
    if (!this._keeps) return;
    this._written(native.flushOne(this.id));
  }

  discard() {
    this.handBack();
    super.discard();
  }

  end() {
    this.handBack();
    super.end();
  }

  destroy() {
    this.handBack();
    this.inbox.dropParked();
    super.destroy();
  }

  /** Has Node read and write the socket, from where the addon is. */
  handBack() {
    if (this.id === -1) return;
    const { id, socket } = this;
    this.flush();
    this.hold(false);
    unguard(socket);
    this._guarded = false;
    adoptedSocket.giveBack(socket, this.bytesRead, this.bytesWritten);
    this.id = -1;
    this._rest = nativeIo.release(id);

    const state = socket._readableState;
    // Node was asked to read meanwhile, and did not.
    if (!socket._handle?.reading) state.reading = false;
    if (this._rest !== undefined && !nativeIo.isDelivering(this)) {
      process.nextTick(deliverRest, this);
    }
    if (state.flowing && !socket.destroyed) socket.read(0);
  }

  /** The socket was resumed. */
  resumed() {
    this.inbox.unpark();
    if (this.id === -1) process.nextTick(adopt, this);
    else if (this.inbox.ready) native.resumeReading(this.id);
  }

  /** @param {boolean} hold whether the socket keeps the process alive */
  hold(hold) {
    if (hold === this._holds) return;
    this._holds = hold;
    nativeIo.hold(hold);
  }

  /** All events that were read with the last ones have been delivered. */
  delivered() {
    if (this._rest !== undefined) deliverRest(this);
    // The rest waits for something; what comes later is to wait as well.
    if (this.id !== -1 && !this.inbox.ready) {
      this.inbox.saturate();
      native.pauseReading(this.id);
    }
  }

  /**
   * The peer has ended its side, or the connection is lost.
   *
   * @param {number} errno what is wrong, if something is
   */
  ended(errno) {
    if (this.id === -1) return;
    // Node finds the end once more when it reads.
    this.handBack();
    if (errno !== 0) this.socket.destroy(readError(errno));
  }

  /** The kernel has not taken all that was kept. */
  stuck() {
    if (this._keeps) this._written(1);
  }

  /** The kernel has taken all that was kept, unless `stuck()` was called. */
  flushed() {
    if (this._keeps) this._written(0);
  }

  _writeChunks(list, cb) {
    if (this.id === -1) super._writeChunks(list, cb);
    else writeChunks.plainly(this.socket, list, cb);
  }

  /**
   * Keeps a frame for the end of the turn.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `frame-head.js`
   * @param {number} key the mask key, if `head` says that it is given
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  _keepFrame(data, head, key, cb) {
    const bytes = native.keep(this.id, head, data, key);
    if (!this._keeps) {
      this._keeps = true;
      nativeIo.enlist(this);
    }
    if (typeof cb === 'function') (this._callbacks ??= new Callbacks()).add(cb);
    if (bytes >= HOLD_LIMIT) this.flush();
  }

  /**
   * Sends a frame from where its payload is.
   *
   * @param {Buffer} data the payload
   * @param {number} head see `frame-head.js`
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  _sendUncopied(data, head, cb) {
    const left = native.sendUncopied(this.id, head, data);
    if (left === 0) {
      if (typeof cb === 'function') process.nextTick(cb, null);
      return;
    }
    // From here on Node does it, and says how much is buffered.
    const front = native.takeUnsent(this.id);
    const rest = data.subarray(Math.max(data.length - left, 0));
    this._writeChunks(front === undefined ? [rest] : [front, rest], cb);
  }

  /**
   * What was kept has been written.
   *
   * @param {number} left bytes that the kernel has not taken
   */
  _written(left) {
    const done = this._callbacks?.joined();
    this._keeps = false;
    this._callbacks = null;
    this._sent(left, done);
  }

  /**
   * Something was written.
   *
   * @param {number} left bytes that the kernel has not taken
   * @param {function(Error=)} [cb] called when it has, or will not
   */
  _sent(left, cb) {
    if (left > 0) {
      // As in `_sendUncopied`.
      this._writeChunks([native.takeUnsent(this.id)], cb);
    } else if (typeof cb === 'function') {
      process.nextTick(cb, null);
    }
  }
}

module.exports = NativeTransport;

/**
 * Has the addon read and write a connection's socket, if it can.
 *
 * @param {NativeTransport} transport the connection
 */
function adopt(transport) {
  const { socket } = transport;
  if (transport.id !== -1 || transport.closed) return;
  transport.flush();
  unguard(socket);
  transport._guarded = false;
  if (!isAdoptable(transport)) return;
  const { _handle: handle } = socket;
  const id = nativeIo.adopt(transport, handle.fd);
  if (id === -1) return;
  handle.reading = false;
  handle.readStop();
  transport.id = id;
  transport.resource ??= resourceLike(handle);
  adoptedSocket.adopt(socket);
  transport.hold(handle.hasRef());
}

/**
 * Tells whether the addon can do all the work for a connection.
 *
 * @param {NativeTransport} transport the connection
 * @return {boolean}
 */
function isAdoptable(transport) {
  const { inbox, input, socket } = transport;
  const { _handle: handle } = socket;
  return (
    adoptedSocket.isPlain(socket) &&
    net.Socket.prototype.write === plainWrite &&
    handle !== null &&
    handle.fd >= 0 &&
    input === inbox &&
    inbox.synchronous &&
    inbox.idle &&
    !inbox.concluded &&
    socket.readable &&
    socket.writable &&
    !socket.connecting &&
    !socket.isPaused() &&
    !socket.timeout &&
    socket.readableLength === 0 &&
    socket.readableEncoding === null &&
    socket.listenerCount('data') === 1 &&
    socket.listenerCount('readable') === 0 &&
    !adoptedSocket.isChanged(socket)
  );
}

/**
 * Makes a resource whose asynchronous context is that of a handle, in which
 * Node would emit the socket's events.
 *
 * @param {Object} handle the handle
 * @return {AsyncResource}
 */
function resourceLike(handle) {
  const resource = new AsyncResource('FERROWS_SOCKET', {
    requireManualDestroy: true
  });
  for (const key of Object.getOwnPropertySymbols(resource)) {
    if (key.description === RESOURCE_STORE) resource[key] = undefined;
  }
  for (const key of Object.getOwnPropertySymbols(handle)) {
    if (key.description === RESOURCE_STORE) resource[key] = handle[key];
  }
  return resource;
}

/**
 * Delivers what the addon had read, but not decoded, when it let go.
 *
 * @param {NativeTransport} transport the connection
 */
function deliverRest(transport) {
  const rest = transport._rest;
  transport._rest = undefined;
  if (rest !== undefined && !transport.closed) {
    transport.inbox.continueWith(rest);
  }
}

/**
 * The error of a read as Node makes it.
 *
 * @param {number} errno the system's number for it
 * @return {Error}
 */
function readError(errno) {
  const code = getSystemErrorName(-errno);
  const err = new Error(`read ${code}`);
  return Object.assign(err, { errno: -errno, code, syscall: 'read' });
}
