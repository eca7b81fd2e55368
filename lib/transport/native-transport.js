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

const socketPrototype = net.Socket.prototype;
const plainWrite = socketPrototype.write;

/**
 * Attempts to take a socket over: those of others who read it, for instance, do
 * not succeed.
 */
const MAX_CHANCES = 16;

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
    /** How often to try to take the socket over. */
    this._chances = this._isPlain ? MAX_CHANCES : 0;
    this._isAsking = false;
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

  /**
   * Has the addon take the socket over, on the next tick, once it is used:
   * many a connection is not, or hardly.
   */
  used() {
    if (this.id !== -1 || this._chances === 0 || this._isAsking) return;
    this._chances--;
    this._isAsking = true;
    process.nextTick(adopt, this);
  }

  send(data, head, key, cb) {
    // Somebody may want to see what all sockets write.
    if (socketPrototype.write !== plainWrite) this.handBack();
    if (this.id === -1 || this.socket._writableState.length > 0) {
      super.send(data, head, key, cb);
      this.used();
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
    if (this._keeps && typeof cb === 'function') {
      // It is called after those of the frames that are kept.
      (this._callbacks ??= new Callbacks()).add(cb);
      cb = undefined;
    }
    const isCopied = size < COPY_LIMIT || (head & (MASKED | IS_STRING)) !== 0;
    const left = isCopied
      ? native.send(this.id, head, data, key)
      : native.sendUncopied(this.id, head, data);
    const unsent =
      left === 0 ? undefined : this._takeUnsent(left, data, isCopied);
    if (this._keeps) cb = this._endKeeping();
    this._sent(unsent, cb);
  }

  flush() {
    super.flush();
    if (!this._keeps) return;
    if (native.flushOne(this.id) > 0) this.stuck();
    else this.flushed();
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
    if (this.id === -1 && this._isPlain) this._chances = MAX_CHANCES;
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
    if (this._keeps)
      this._sent([native.takeUnsent(this.id)], this._endKeeping());
  }

  /** The kernel has taken all that was kept, unless `stuck()` was called. */
  flushed() {
    if (this._keeps) this._sent(undefined, this._endKeeping());
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
   * Nothing is kept any more.
   *
   * @return {(function(Error=)|undefined)} calls the callbacks of what was
   */
  _endKeeping() {
    const done = this._callbacks?.joined();
    this._keeps = false;
    this._callbacks = null;
    return done;
  }

  /**
   * Takes what the kernel has not taken after a send.
   *
   * @param {number} left how many bytes there are
   * @param {Buffer} data the payload, which they end with
   * @param {boolean} isCopied whether the addon has all of them
   * @return {Array<Buffer>} one chunk, or two
   */
  _takeUnsent(left, data, isCopied) {
    const front = native.takeUnsent(this.id);
    if (isCopied) return [front];
    const rest = data.subarray(Math.max(data.length - left, 0));
    return front === undefined ? [rest] : [front, rest];
  }

  /**
   * Something was written.
   *
   * @param {(Array<Buffer>|undefined)} unsent what the kernel has not taken
   * @param {function(Error=)} [cb] called when it has, or will not
   */
  _sent(unsent, cb) {
    // From here on Node does it, and says how much is buffered.
    if (unsent !== undefined) this._writeChunks(unsent, cb);
    else if (typeof cb === 'function') process.nextTick(cb, null);
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
  transport._isAsking = false;
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
    socketPrototype.write === plainWrite &&
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
