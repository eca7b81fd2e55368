'use strict';

// The `tokio` transport: threads of the addon read and write, and this one gets
// finished messages. What is sent is copied for them, and they are told at the
// end of a turn.

const native = require('../native');
const NativeIo = require('./native-io');
const turn = require('./turn');

/** Bytes that a connection keeps at most for the end of the turn. */
const HOLD_LIMIT = 64 * 1024;

class TokioIo extends NativeIo {
  constructor() {
    super('tokio', {
      open: (drain) => this._open(drain),
      adopt: native.remoteAdopt,
      fill: native.remoteFill,
      hold: native.remoteHold,
      pause: native.remotePause,
      resume: native.remoteResume,
      bytesRead: native.remoteBytesRead,
      bytesWritten: native.remoteBytesWritten
    });
    /** Threads to start, 0 to leave that to the machine. */
    this.threads = 0;
    this._isExiting = false;
  }

  /** Whether Node may be writing still when a socket is adopted. */
  get toleratesBacklog() {
    return false;
  }

  /**
   * Sends a frame, as `StreamTransport#send()` does.
   *
   * @param {NativeTransport} transport the connection
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `frame-head.js`
   * @param {number} key the mask key, if `head` says that it is given
   * @param {function(Error=)} [cb] called when the frame was written, or failed
   */
  send(transport, data, head, key, cb) {
    const unsent = native.remoteKeep(transport.id, head, data, key);
    this._kept(transport, unsent, cb);
  }

  /**
   * Sends chunks that make up frames already.
   *
   * @param {NativeTransport} transport the connection
   * @param {Array<(Buffer|string)>} list one chunk, or two
   * @param {function(Error=)} [cb] called when they were written, or failed
   */
  sendChunks(transport, list, cb) {
    let unsent;
    for (const chunk of list) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      unsent = native.remoteAppend(transport.id, bytes);
    }
    this._kept(transport, unsent, cb);
  }

  /**
   * Has the threads write what a connection keeps.
   *
   * @param {NativeTransport} transport the connection
   */
  flushOne(transport) {
    native.remoteFlush();
    this._settle(transport);
  }

  /**
   * Has the threads write what is kept.
   *
   * @param {NativeTransport[]} kept the connections that keep something
   */
  flushAll(kept) {
    native.remoteFlush();
    for (const transport of kept) this._settle(transport);
  }

  /**
   * Bytes that the kernel has not taken. Those that it takes now are none.
   *
   * @param {NativeTransport} transport the connection
   * @return {number}
   */
  bufferedAmount(transport) {
    return native.remoteWrite(transport.id);
  }

  /**
   * Bytes that the kernel has not taken.
   *
   * @param {NativeTransport} transport the connection
   * @return {number}
   */
  unsent(transport) {
    return native.remoteUnsent(transport.id);
  }

  /**
   * Before somebody writes to a socket himself.
   *
   * @param {NativeTransport} transport its connection
   */
  beforeWrite(transport) {
    transport.lend();
  }

  /**
   * The kernel has taken bytes that somebody has waited for.
   *
   * @param {NativeTransport} transport the connection
   * @param {number} total the number of bytes that it has ever taken
   */
  sent(transport, total) {
    const { awaiting } = transport;
    callUpTo(awaiting, total);
    if (transport.io !== this) return;
    while (awaiting.length > 0) {
      // The kernel may have taken them since.
      const [{ total: wanted }] = awaiting;
      if (native.remoteAwait(transport.id, wanted) > 0) return;
      callUpTo(awaiting, wanted);
    }
  }

  /**
   * Lets go of a connection. What it has not sent is the socket's from here on.
   *
   * @param {NativeTransport} transport the connection
   * @return {Released}
   */
  release(transport) {
    const parts = [];
    const pending = native.remoteRelease(transport.id, parts);
    const [unsent, rest, read, written] = parts;
    const { awaiting } = transport;
    transport.awaiting = [];
    callUpTo(awaiting, unsent === undefined ? Infinity : written);
    let at = 0;
    for (const [index, { total, done }] of awaiting.entries()) {
      const end = Math.max(total - written, at);
      const isLast = index === awaiting.length - 1;
      const piece = unsent.subarray(at, isLast ? unsent.length : end);
      // One by one, so that those which come to nothing fail.
      transport.written([piece], done);
      at = end;
    }
    if (awaiting.length === 0) {
      transport.written(unsent === undefined ? undefined : [unsent]);
    }
    return { rest, pending, read, written };
  }

  /** Whether the addon has more than was in the present slice. */
  hasMore({ words }) {
    return words[0] !== 0;
  }

  /**
   * Opens the addon's side.
   *
   * @param {function(): boolean} drain what it is to call
   * @return {boolean} whether that was possible
   */
  _open(drain) {
    if (!native.remoteOpen(drain, this.threads)) return false;
    process.on('exit', () => {
      // The threads may not come to it.
      this._isExiting = true;
      for (const transport of this._links) {
        if (transport?.io === this) native.remoteWrite(transport.id);
      }
    });
    return true;
  }

  /**
   * Something was put where the threads find it when they are told.
   *
   * @param {NativeTransport} transport the connection
   * @param {number} unsent bytes of it that the kernel has not taken
   * @param {function(Error=)} [cb] called when it has, or will not
   */
  _kept(transport, unsent, cb) {
    const { socket } = transport;
    transport.keep(cb);
    if (unsent >= socket.writableHighWaterMark) this._needDrain(transport);
    if (this._isExiting) {
      native.remoteWrite(transport.id);
    } else if (!turn.holding && transport.turn !== turn.id) {
      transport.turn = turn.id;
      turn.open();
      this.flushOne(transport);
    } else if (unsent >= HOLD_LIMIT) {
      this.flushOne(transport);
    }
  }

  /**
   * What a connection has kept is on its way.
   *
   * @param {NativeTransport} transport the connection
   */
  _settle(transport) {
    if (!transport.keeps) return;
    const done = transport.callBehind(undefined);
    if (done !== undefined) this._await(transport, done);
  }

  /**
   * Has a function called when everything is written.
   *
   * @param {NativeTransport} transport the connection
   * @param {function(?Error)} done the function
   */
  _await(transport, done) {
    const { awaiting, id } = transport;
    const total = native.remoteAwait(id, 0);
    if (total === 0 && awaiting.length === 0) process.nextTick(done, null);
    else if (awaiting.length > 0) awaiting.push({ total, done });
    else transport.awaiting = [{ total, done }];
  }

  /**
   * Emits `'drain'` when everything is written, as Node does after a write that
   * was too much.
   *
   * @param {NativeTransport} transport the connection
   */
  _needDrain(transport) {
    const { socket } = transport;
    if (transport.needsDrain) return;
    transport.needsDrain = true;
    const look = (err) => {
      if (err === null && transport.io === this && transport.unsent > 0) {
        this._await(transport, look);
        return;
      }
      transport.needsDrain = false;
      if (err === null && !socket.destroyed) socket.emit('drain');
    };
    this._await(transport, look);
  }
}

module.exports = new TokioIo();

/**
 * Calls, on the next tick, the callbacks of what the kernel has taken.
 *
 * @param {Array<{total: number, done: function(?Error)}>} awaiting those that
 *     wait, in order; they are taken off
 * @param {number} total the number of bytes that it has
 */
function callUpTo(awaiting, total) {
  while (awaiting.length > 0 && awaiting[0].total <= total) {
    process.nextTick(awaiting.shift().done, null);
  }
}
