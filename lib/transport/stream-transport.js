'use strict';

// The transport over a stream: Node reads and writes, any Duplex will do. The
// chunks it reads go through the addon into the inbox; the frames to send come
// out of the addon, and go to the stream as few writes as possible.

const net = require('node:net');

const native = require('../native');
const Callbacks = require('./callbacks');
const { IS_STRING, MASKED, MAX_HEADER } = require('./frame-head');
const Inbox = require('./inbox');
const { guard, guardsFor } = require('./socket-guard');
const slab = require('./slab');
const { kTransport } = require('./symbols');
const turn = require('./turn');
const writeChunks = require('./write-chunks');

/**
 * Payloads from this many bytes on are not copied if they need no mask: header
 * and payload are two chunks of one vectored write.
 */
const COPY_LIMIT = 16 * 1024;

/** UTF-16 units from which on Node encodes strings, straight for the kernel. */
const STRING_LIMIT = 20 * 1024;

/** Bytes a connection keeps at most for the end of the turn. */
const HOLD_LIMIT = 64 * 1024;

const plainWrite = net.Socket.prototype.write;
const guardedWrite = guardsFor(net.Socket.prototype).write.value;

/**
 * What a transport calls, beyond the events of its inbox. `owner` is the
 * object given to the constructor.
 *
 * @typedef {Object} TransportEvents
 * @property {function(owner)} end the peer has ended its side
 * @property {function(owner)} lost the socket failed or is closed
 * @property {function(owner)} close the socket is closed; what it brought has
 *     been given to the inbox
 */

class StreamTransport {
  /**
   * @param {stream.Duplex} socket the stream
   * @param {Object} owner first argument of the events
   * @param {(InboxEvents & TransportEvents)} events what to call
   * @param {Object} options as `Receiver` takes them
   */
  constructor(socket, owner, events, options) {
    this.socket = socket;
    this.owner = owner;
    this.events = events;
    this.inbox = new Inbox(owner, events, options);
    /** Where chunks go: the inbox, or a `Receiver` around it. */
    this.input = this.inbox;

    /** Whether it is one of Node's own over TCP, or a Unix socket. */
    this._isPlain = Object.getPrototypeOf(socket) === net.Socket.prototype;

    /** Whether the socket is closed. */
    this.closed = false;
    /** Whether the input was broken. */
    this.failed = false;
    /** Whether everything received was delivered. */
    this.finished = false;

    /** The turn in which something was written last. */
    this.turn = -1;
    /** The outbox that keeps frames, or -1. */
    this._slot = -1;
    this._keptBytes = 0;
    /** @type {?Callbacks} those of the frames kept */
    this._callbacks = null;
    /** Whether the socket's methods respect what is kept. */
    this._guarded = false;
    this._unguardable = false;
  }

  /** @type {string} what reads and writes the socket */
  get name() {
    return 'stream';
  }

  /**
   * Begins to read.
   *
   * @param {Buffer} head bytes that were read from the socket already
   */
  start(head) {
    const { socket } = this;
    socket[kTransport] = this;
    if (head.length > 0) socket.unshift(head);
    socket.on('close', onClose);
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('error', onError);
  }

  /**
   * Bytes given to the socket that the kernel has not taken.
   *
   * @return {number} bytes, frame headers included
   */
  get bufferedAmount() {
    this.flush();
    const state = this.socket._writableState;
    return state === undefined ? this.socket.writableLength : state.length;
  }

  /**
   * Sends a frame.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `frame-head.js`
   * @param {number} key the mask key, if `head` says that it is given
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  send(data, head, key, cb) {
    // A unit of a string takes at most three bytes.
    const size = typeof data === 'string' ? data.length * 3 : data.length;

    if (size > HOLD_LIMIT || this._unguardable || this.socket.destroyed) {
      this.flush();
      this._write(data, head, key, size, cb);
    } else if (turn.holding || this.turn === turn.id) {
      this._keep(data, head, key, cb);
    } else {
      this.turn = turn.id;
      turn.open();
      if (this._slot === -1) {
        this._write(data, head, key, size, cb);
      } else {
        this._keep(data, head, key, cb);
        this.flush();
      }
    }
  }

  /**
   * Sends chunks that make up frames already.
   *
   * @param {Array<(Buffer|string)>} list one chunk, or two
   * @param {function(Error=)} [cb] called when they were written, or failed
   */
  sendChunks(list, cb) {
    this.flush();
    this._writeChunks(list, cb);
  }

  /** Writes what is kept. */
  flush() {
    if (this._slot === -1) return;
    const slot = this._slot;
    const callbacks = this._callbacks;
    const bytes = slab.take(slot, this._keptBytes, this._isBrief());
    this._slot = -1;
    this._keptBytes = 0;
    this._callbacks = null;
    turn.release(slot);
    const done = callbacks?.joined();
    const { errored } = this.socket;
    // Before Node.js 20 a Duplex that failed never calls back again.
    if (!errored) this._writeBytes(bytes, done);
    else if (done !== undefined) process.nextTick(done, errored);
  }

  /**
   * Takes bytes that were read from the socket.
   *
   * @param {Buffer} chunk the bytes
   * @return {boolean} false if the socket should pause
   */
  receive(chunk) {
    return this.input.write(chunk);
  }

  /** Has Node read and write the socket, if it does not. */
  handBack() {}

  /** The socket is in use: bytes have come or gone. */
  used() {}

  /** Stops reading. */
  pause() {
    this.socket.pause();
  }

  /** Reads on, unless the inbox has more than enough. */
  resume() {
    if (!this.input.saturated) this.socket.resume();
  }

  /** Reads on, only to throw away what comes. */
  discard() {
    this.socket.removeListener('data', onData);
    process.nextTick(resume, this.socket);
  }

  /** Ends our side, after everything sent. */
  end() {
    this.flush();
    this.socket.end();
  }

  /** Closes at once; what the kernel has taken still goes out. */
  destroy() {
    this.flush();
    this.socket.destroy();
  }

  /**
   * Writes a frame.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `frame-head.js`
   * @param {number} key the mask key, if `head` says that it is given
   * @param {number} size bytes that suffice for the payload
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  _write(data, head, key, size, cb) {
    if (typeof data === 'string') {
      if (data.length > STRING_LIMIT && (head & MASKED) === 0) {
        const header = slab.header(head, Buffer.byteLength(data), key);
        this._writeChunks([header, data], cb);
        return;
      }
      head |= IS_STRING;
    } else if (size >= COPY_LIMIT && (head & MASKED) === 0) {
      this._writeChunks([slab.header(head, size, key), data], cb);
      return;
    }
    const room = size + MAX_HEADER;
    this._writeBytes(slab.frame(head, data, key, room, this._isBrief()), cb);
  }

  /**
   * Writes a frame that is one chunk, or two.
   *
   * @param {Array<(Buffer|string)>} list the chunks
   * @param {function(Error=)} [cb] called when they were written, or failed
   */
  _writeChunks(list, cb) {
    writeChunks(this.socket, list, cb);
  }

  /**
   * Writes bytes that came from the slab.
   *
   * @param {Buffer} bytes the bytes
   * @param {function(Error=)} [cb] called when they were written, or failed
   */
  _writeBytes(bytes, cb) {
    this.socket.write(bytes, cb);
    if (this._isBrief()) slab.recycle(bytes);
  }

  /**
   * Whether the kernel has taken all that the socket was given, so that nobody
   * holds on to its memory. Other streams than Node's own sockets, and methods
   * that somebody put in the place of theirs, may do so at any time.
   *
   * @return {boolean}
   */
  _isBrief() {
    const { socket } = this;
    return (
      this._isPlain &&
      socket._writableState.length === 0 &&
      net.Socket.prototype.write === plainWrite &&
      (socket.write === plainWrite || socket.write === guardedWrite)
    );
  }

  /**
   * Keeps a frame for the end of the turn.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `frame-head.js`
   * @param {number} key the mask key, if `head` says that it is given
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  _keep(data, head, key, cb) {
    if (!this._guarded) {
      this._guarded = guard(this.socket);
      if (!this._guarded) {
        this._unguardable = true;
        this.send(data, head, key, cb);
        return;
      }
    }
    if (this._slot === -1) {
      this._slot = turn.enlist(this);
      turn.open();
    }
    if (typeof data === 'string') head |= IS_STRING;
    this._keptBytes = native.hold(this._slot, head, data, key);
    if (typeof cb === 'function') (this._callbacks ??= new Callbacks()).add(cb);
    if (this._keptBytes >= HOLD_LIMIT) this.flush();
  }
}

module.exports = StreamTransport;

/**
 * @param {stream.Readable} stream what to resume
 */
function resume(stream) {
  stream.resume();
}

/**
 * Gives a socket's bytes to the input of its transport.
 *
 * @param {stream.Duplex} socket the socket
 * @param {(Buffer|string)} chunk the bytes; a string if a program has given
 *     the socket an encoding
 * @return {boolean} false if the socket should pause
 */
function deliver(socket, chunk) {
  if (typeof chunk === 'string') {
    chunk = Buffer.from(chunk, socket.readableEncoding);
  }
  const transport = socket[kTransport];
  const isEager = transport.receive(chunk);
  transport.used();
  return isEager;
}

/**
 * The socket's `'data'` listener.
 *
 * @param {Buffer} chunk what was read
 */
function onData(chunk) {
  if (!deliver(this, chunk)) this.pause();
}

/** The socket's `'end'` listener. */
function onEnd() {
  const transport = this[kTransport];
  transport.events.end(transport.owner);
}

/** The socket's `'error'` listener: `'close'` follows. */
function onError() {
  const transport = this[kTransport];
  this.removeListener('error', onError);
  this.on('error', ignore);
  if (transport === undefined) return;
  transport.events.lost(transport.owner);
  this.destroy();
}

/** An `'error'` listener for a socket that is lost already. */
function ignore() {}

/** The socket's `'close'` listener. */
function onClose() {
  const transport = this[kTransport];
  this.removeListener('close', onClose);
  this.removeListener('data', onData);
  this.removeListener('end', onEnd);
  transport.events.lost(transport.owner);

  try {
    // A paused socket may hold bytes that were read before it was closed.
    if (!transport.input.concluded && this.readableLength > 0) {
      const rest = this.read(this.readableLength);
      if (rest !== null) deliver(this, rest);
    }
  } finally {
    this[kTransport] = undefined;
    transport.events.close(transport.owner);
  }
}
