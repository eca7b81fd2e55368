'use strict';

// The `loop` transport: the addon reads and writes on this thread, whenever
// libuv finds a socket readable, and at the end of a turn.

const native = require('../native');
const { IS_STRING, MASKED } = require('./frame-head');
const NativeIo = require('./native-io');
const turn = require('./turn');

/** Payloads from this many bytes on are not copied if they need no mask. */
const COPY_LIMIT = 16 * 1024;

/** Bytes that a connection keeps at most for the end of the turn. */
const HOLD_LIMIT = 64 * 1024;

/** Connections that `flushAll()` of the addon reports at once. */
const MAX_STUCK = 256;

const stuck = new Uint32Array(MAX_STUCK);

class LoopIo extends NativeIo {
  constructor() {
    super('loop', {
      open: native.openLoop,
      adopt: native.adopt,
      fill: native.fill,
      hold: native.holdLoop,
      pause: native.pauseReading,
      resume: native.resumeReading,
      bytesRead: native.bytesRead,
      bytesWritten: native.bytesWritten
    });
  }

  /** Whether Node may be writing still when a socket is adopted. */
  get toleratesBacklog() {
    return true;
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
    const { id } = transport;
    const isString = (head & IS_STRING) !== 0;
    // A unit of a string takes at most three bytes.
    const size = isString ? data.length * 3 : data.length;

    if ((turn.holding || transport.turn === turn.id) && size <= HOLD_LIMIT) {
      const bytes = native.keep(id, head, data, key);
      transport.keep(cb);
      if (bytes >= HOLD_LIMIT) this.flushOne(transport);
      return;
    }
    transport.turn = turn.id;
    turn.open();
    if (isString || size < COPY_LIMIT || (head & MASKED) !== 0) {
      const left = native.send(id, head, data, key);
      const done = transport.callBehind(cb);
      transport.written(left > 0 ? [native.takeUnsent(id)] : undefined, done);
      return;
    }
    const left = native.sendUncopied(id, head, data);
    const done = transport.callBehind(cb);
    if (left === 0) {
      transport.written(undefined, done);
      return;
    }
    const front = native.takeUnsent(id);
    const rest = data.subarray(Math.max(size - left, 0));
    transport.written(front === undefined ? [rest] : [front, rest], done);
  }

  /**
   * Writes what a connection keeps.
   *
   * @param {NativeTransport} transport the connection
   */
  flushOne(transport) {
    const left = native.flushOne(transport.id);
    this._settle(transport, left > 0);
  }

  /**
   * Writes what is kept, for all connections.
   *
   * @param {NativeTransport[]} kept those that keep something
   */
  flushAll(kept) {
    let count;
    do {
      count = native.flushAll(stuck);
      for (let index = 0; index < count; index++) {
        this._settle(this._links[stuck[index]], true);
      }
    } while (count === MAX_STUCK);
    for (const transport of kept) this._settle(transport, false);
  }

  /**
   * Bytes that the kernel has not taken, but for those that Node has.
   *
   * @return {number}
   */
  bufferedAmount() {
    return 0;
  }

  /**
   * The same, without writing any.
   *
   * @return {number}
   */
  unsent() {
    return 0;
  }

  /**
   * Before somebody writes to a socket himself.
   *
   * @param {NativeTransport} transport its connection
   */
  beforeWrite(transport) {
    transport.flush();
  }

  /**
   * Sends chunks that make up frames already.
   *
   * @param {NativeTransport} transport the connection
   * @param {Array<(Buffer|string)>} list one chunk, or two
   * @param {function(Error=)} [cb] called when they were written, or failed
   */
  sendChunks(transport, list, cb) {
    let bytes = 0;
    for (const chunk of list) bytes += Buffer.byteLength(chunk);
    if (bytes >= COPY_LIMIT) {
      transport.flush();
      transport.written(list, cb);
      return;
    }
    for (const chunk of list) {
      const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes = native.keepBytes(transport.id, data);
    }
    transport.keep(cb);
    if (!turn.holding && transport.turn !== turn.id) {
      transport.turn = turn.id;
      turn.open();
      this.flushOne(transport);
    } else if (bytes >= HOLD_LIMIT) {
      this.flushOne(transport);
    }
  }

  /**
   * Lets go of a connection.
   *
   * @param {NativeTransport} transport the connection
   * @return {Released}
   */
  release({ id }) {
    const read = native.bytesRead(id);
    const written = native.bytesWritten(id);
    return { rest: native.release(id), pending: 0, read, written };
  }

  /**
   * What a connection has kept was written.
   *
   * @param {NativeTransport} transport the connection
   * @param {boolean} isStuck whether the kernel has not taken all of it
   */
  _settle(transport, isStuck) {
    if (!transport.keeps) return;
    const done = transport.callBehind(undefined);
    const { id } = transport;
    transport.written(isStuck ? [native.takeUnsent(id)] : undefined, done);
  }
}

module.exports = new LoopIo();
