'use strict';

// The transport of a connection whose socket the addon reads and writes, as
// long as nothing else is to be done with it. It begins as a `StreamTransport`,
// and is one again from the end of the connection on, or as soon as somebody
// wants to read the socket.

const { getSystemErrorName } = require('node:util');

const adoptedSocket = require('./adopted-socket');
const { adopt, contextOf } = require('./adoption');
const { copyContext, isWritePlain } = require('./adoption');
const Callbacks = require('./callbacks');
const { IS_STRING } = require('./frame-head');
const { unguard } = require('./socket-guard');
const StreamTransport = require('./stream-transport');
const writeChunks = require('./write-chunks');

/**
 * Reads and sends after which a socket is worth being taken over. That costs, and
 * being given back at the end, about as much as it saves with a few messages.
 */
const MIN_USES = 4;

/**
 * Attempts to take a socket over: those of others who read it, for instance, do
 * not succeed.
 */
const MAX_CHANCES = 16;

/** What most connections have of many things. */
const NONE = Object.freeze([]);

class NativeTransport extends StreamTransport {
  /**
   * @param {stream.Duplex} socket the stream
   * @param {Object} owner first argument of the events
   * @param {(InboxEvents & TransportEvents)} events what to call
   * @param {Object} options as `Receiver` takes them
   */
  constructor(socket, owner, events, options) {
    super(socket, owner, events, options);
    /** @type {NativeIo} what is to read and write the socket */
    this._choice = options.io;
    /** Whether another may, if that is better. */
    this.isMovable = options.isMovable;
    /** @type {?NativeIo} what does; null while Node does */
    this.io = null;
    /** How often to try to take the socket over. */
    this._chances = this._isPlain ? MAX_CHANCES : 0;
    this._isAsking = false;
    /** How often it was used, as far as that matters. */
    this._uses = options.isMovable ? 0 : MIN_USES;
  }

  /**
   * Makes what an adopted connection needs; others have the defaults of the
   * prototype, and do without the memory.
   *
   * @param {AsyncResource} context in which events are to be delivered
   */
  prepare(context) {
    if (this.resource !== null) return;
    this.id = -1;
    this.resource = context;
    this.delivering = false;
    this._rest = undefined;
    this._isLate = false;
    this._isPending = false;
    this.endsChunk = false;
    this._early = NONE;
    this.keeps = false;
    this.awaiting = NONE;
    this.needsDrain = false;
    this._holds = false;
  }

  /** The name of what reads and writes the socket. */
  get name() {
    return this.io === null ? 'stream' : this.io.name;
  }

  /** Bytes that the addon has read. */
  get bytesRead() {
    return this.io.addon.bytesRead(this.id);
  }

  /** Bytes that the addon has written. */
  get bytesWritten() {
    return this.io.addon.bytesWritten(this.id);
  }

  /** Bytes that the addon has to write still. */
  get unsent() {
    return this.io === null ? 0 : this.io.unsent(this);
  }

  get bufferedAmount() {
    const buffered = super.bufferedAmount;
    return this.io === null
      ? buffered
      : buffered + this.io.bufferedAmount(this);
  }

  /**
   * Has the addon take the socket over, on the next tick: with the first bytes
   * if that was asked for, otherwise after a few, since many a connection has
   * no more.
   */
  used() {
    if (this.io !== null || this._chances === 0 || this._isAsking) return;
    // There is no chance before what came earlier has been delivered.
    if (this._isLate) return;
    if (this._uses < MIN_USES) {
      this._uses++;
      return;
    }
    this._chances--;
    this._isAsking = true;
    process.nextTick(adopt, this);
  }

  receive(chunk) {
    // Somebody emits `'data'` by hand.
    this.handBack();
    if (this.context === null && this._isPlain) this._seeContext();
    if (!this._isLate) return super.receive(chunk);
    if (this._early === NONE) this._early = [];
    this._early.push(chunk);
    // What comes before it is on its way, so that this is soon over.
    return true;
  }

  send(data, head, key, cb) {
    // Somebody may want to see what all sockets write.
    if (!isWritePlain()) this.handBack();
    if (this.io === null || this.socket._writableState.length > 0) {
      super.send(data, head, key, cb);
      this.used();
      return;
    }
    if (this._slot !== -1) super.flush();
    if (typeof data === 'string') head |= IS_STRING;
    this.io.send(this, data, head, key, cb);
  }

  sendChunks(list, cb) {
    if (this.io === null || this.socket._writableState.length > 0) {
      super.sendChunks(list, cb);
    } else {
      if (this._slot !== -1) super.flush();
      this.io.sendChunks(this, list, cb);
    }
  }

  flush() {
    super.flush();
    if (this.keeps) this.io.flushOne(this);
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
    if (this.io === null) return;
    this.flush();
    // A write may have come here on its own.
    if (this.io === null) return;
    const { id, io, socket } = this;
    this._chances = 0;
    // COMPAT(ws): what was read with the present message is delivered.
    this.endsChunk = this.delivering;
    unguard(socket);
    this._guarded = false;
    const { rest, pending, read, written } = io.release(this);
    adoptedSocket.giveBack(socket, read, written);
    this._rest = rest;
    if (socket._handle) copyContext(this.resource, socket._handle);
    this.io = null;
    this.id = -1;
    this._isPending = pending > 0;
    const isDelivering = io.isDelivering(this);
    this._isLate = this._isPending || isDelivering || rest !== undefined;
    if (!this._isPending) {
      io.forget(this, id);
      this._letGo(io);
    }
    if (!this._isLate) this._readOn();
    else if (!this._isPending && !isDelivering) process.nextTick(catchUp, this);
  }

  /**
   * Has something else read and write the socket.
   *
   * @param {NativeIo} io what is to
   */
  moveTo(io) {
    this._choice = io;
    this.lend();
    this.used();
  }

  /** Has Node read and write the socket for once, until it is used again. */
  lend() {
    this.handBack();
    this._chances = MAX_CHANCES;
  }

  /**
   * Everything has been delivered that came before the socket was given back.
   *
   * @param {NativeIo} io what had it
   * @param {number} id the number that it had there
   */
  released(io, id) {
    io.forget(this, id);
    this._letGo(io);
    this._isPending = false;
    if (!io.isDelivering(this)) catchUp(this);
  }

  /** The socket was resumed. */
  resumed() {
    this.inbox.unpark();
    if (this.io === null) this._chances = this._isPlain ? MAX_CHANCES : 0;
    else if (this.inbox.ready) this.io.addon.resume(this.id);
  }

  /** @param {boolean} hold whether the socket keeps the process alive */
  hold(hold) {
    if (hold === this._holds) return;
    this._holds = hold;
    this.io.hold(hold);
  }

  /** @param {NativeIo} io what does not keep the process alive any more */
  _letGo(io) {
    if (this._holds) io.hold(false);
    this._holds = false;
  }

  /**
   * A group of events has been delivered.
   *
   * @param {NativeIo} io what it has come from
   */
  delivered(io) {
    if (this._isLate) {
      if (!this._isPending && !io.isDelivering(this)) catchUp(this);
    } else if (this.io !== null && !this.inbox.ready) {
      // The rest waits for something; what comes later is to wait as well.
      this.inbox.saturate();
      this.io.addon.pause(this.id);
    }
  }

  /**
   * The peer has ended its side, or the connection is lost.
   *
   * @param {number} errno what is wrong, if something is
   */
  ended(errno) {
    if (this.io === null) return;
    // Node finds the end once more when it reads.
    this.handBack();
    if (errno === 0) return;
    const { resource, socket } = this;
    resource.runInAsyncScope(socket.destroy, socket, readError(errno));
  }

  /** Somebody is about to write to the socket himself. */
  beforeWrite() {
    if (this.io === null) this.flush();
    else this.io.beforeWrite(this);
  }

  /**
   * Something waits for the end of the turn.
   *
   * @param {function(Error=)} [cb] called when it was written, or failed
   */
  keep(cb) {
    if (!this.keeps) {
      this.keeps = true;
      this.io.enlist(this);
    }
    if (typeof cb === 'function') (this._callbacks ??= new Callbacks()).add(cb);
  }

  /**
   * Nothing waits any more.
   *
   * @param {function(Error=)} [cb] a callback to be called behind those of what
   *     has waited
   * @return {(function(Error=)|undefined)} calls them all
   */
  callBehind(cb) {
    const callbacks = this._callbacks;
    this.keeps = false;
    if (callbacks === null || this._slot !== -1) return cb;
    if (typeof cb === 'function') callbacks.add(cb);
    this._callbacks = null;
    return callbacks.joined();
  }

  /**
   * Something was given to the kernel.
   *
   * @param {(Array<Buffer>|undefined)} unsent what it has not taken
   * @param {function(Error=)} [cb] called when it has, or will not
   */
  written(unsent, cb) {
    // From here on Node does it, and says how much is buffered.
    if (unsent !== undefined) this._writeChunks(unsent, cb);
    else if (typeof cb === 'function') process.nextTick(cb, null);
  }

  _writeChunks(list, cb) {
    if (this.io === null) super._writeChunks(list, cb);
    else writeChunks.plainly(this.socket, list, cb);
  }

  /** Notes the socket's asynchronous context, if this is the moment. */
  _seeContext() {
    const context = contextOf(this.socket);
    if (context === null) return;
    this.context = context;
    // The attempts before may have failed because of that alone.
    if (this.resource === null) this._chances = MAX_CHANCES;
  }

  /** Has Node read on. */
  _readOn() {
    const { socket } = this;
    const state = socket._readableState;
    // Node was asked to read meanwhile, and did not.
    if (!socket._handle?.reading) state.reading = false;
    const isRead = state.flowing || state.readableListening;
    if (isRead && !socket.destroyed) socket.read(0);
  }
}

Object.assign(NativeTransport.prototype, {
  /** The number of the connection where it is read; -1 while that is Node. */
  id: -1,
  /** @type {?AsyncResource} the socket's context, once something has come */
  context: null,
  /** @type {?AsyncResource} in whose context events are delivered */
  resource: null,
  /** Whether events of this connection are being delivered. */
  delivering: false,
  /** @type {(Buffer|undefined)} what follows them */
  _rest: undefined,
  /** Whether something is to come of before the socket was given back. */
  _isLate: false,
  /** Whether the addon is to say when that is over. */
  _isPending: false,
  /** Whether it is delivered even if the socket is destroyed. */
  endsChunk: false,
  /** @type {Buffer[]} what Node has read meanwhile */
  _early: NONE,
  /** Whether something waits for the end of the turn. */
  keeps: false,
  /** @type {Array<{total: number, done: function(?Error)}>} */
  awaiting: NONE,
  /** Whether `'drain'` is to be emitted. */
  needsDrain: false,
  /** Whether the socket keeps the process alive. */
  _holds: false
});

module.exports = NativeTransport;

/**
 * Goes on, with a socket that was given back, where the addon had come to.
 *
 * @param {NativeTransport} transport the connection
 */
function catchUp(transport) {
  transport.resource.runInAsyncScope(goOn, undefined, transport);
}

/**
 * Does that, in the connection's asynchronous context.
 *
 * @param {NativeTransport} transport the connection
 */
function goOn(transport) {
  const { _early: early, _rest: rest } = transport;
  transport._isLate = false;
  transport._early = NONE;
  transport._rest = undefined;
  if (!transport.closed) {
    if (rest !== undefined) transport.inbox.continueWith(rest);
    for (const chunk of early) {
      if (!transport.receive(chunk)) transport.pause();
    }
  }
  transport._readOn();
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
