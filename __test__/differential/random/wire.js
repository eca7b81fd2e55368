'use strict';

const { Duplex } = require('node:stream');

/**
 * A WebSocket's end of a connection in memory. Whoever owns the wire decides
 * when writes are done and when bytes arrive.
 *
 * Where one write ends and the next begins is no behaviour to compare (see
 * `Log`), so nothing here depends on it: writes become done all together, and
 * all those that are not done when the stream is destroyed fail alike.
 */
class Wire extends Duplex {
  /**
   * @param {Object} options
   * @param {boolean} options.allowHalfOpen as for a `Duplex`
   * @param {boolean} options.lazy whether writes are done only when
   *     `settle()` is called
   */
  constructor({ allowHalfOpen, lazy }) {
    super({ allowHalfOpen, highWaterMark: 16 * 1024 });
    this._lazy = lazy;
    /** Whether the peer does not read. */
    this.held = false;
    /** Whether the peer is gone, so that writes fail, when that is noticed. */
    this.broken = false;

    /** @type {?{chunks: Buffer[], done: function(Error=)}} */
    this._pending = null;
    this._finalDone = null;
    this._outgoing = [];
    this._outgoingEnd = false;
    this._endSent = false;

    /** @type {Array<?Buffer>} what arrived and was not read; null is the end */
    this._incoming = [];
    this._reading = false;
    /** Whether the peer ended its side. */
    this.arrivedEnd = false;
  }

  /**
   * Brings bytes from the peer.
   *
   * @param {?Buffer} chunk the bytes; null is the end
   */
  arrive(chunk) {
    if (this.destroyed || this.arrivedEnd) return;
    if (chunk === null) this.arrivedEnd = true;
    this._incoming.push(chunk);
    this.pump();
  }

  /** The writes made so far are done, or fail, unless the peer does not read. */
  settle() {
    if (this.held || this.destroyed) return;
    // To be done with one write may begin the next.
    while (this._pending !== null) this._finishWrite();
    if (this._finalDone === null) return;
    const done = this._finalDone;
    this._finalDone = null;
    this._sendEnd();
    done();
  }

  /**
   * Takes what was written since it was called last.
   *
   * @return {{bytes: Buffer, end: boolean}}
   */
  take() {
    const bytes = Buffer.concat(this._outgoing);
    const end = this._outgoingEnd;
    this._outgoing = [];
    this._outgoingEnd = false;
    return { bytes, end };
  }

  /** Hands on what arrived, as far as it is wanted. */
  pump() {
    while (this._reading && this._incoming.length > 0 && !this.destroyed) {
      this._reading = this.push(this._incoming.shift());
    }
  }

  _read() {
    // Like a socket's, bytes come in their own time and not from this call.
    this._reading = true;
  }

  _write(chunk, encoding, done) {
    this._begin([chunk], done);
  }

  _writev(entries, done) {
    this._begin(
      entries.map(({ chunk }) => chunk),
      done
    );
  }

  _final(done) {
    this._finalDone = done;
    if (!this._lazy) this.settle();
  }

  _destroy(err, done) {
    const pending = this._pending;
    this._pending = null;
    this._sendEnd();
    done(err);
    if (pending !== null) {
      process.nextTick(pending.done, err ?? destroyedError());
    }
  }

  /**
   * Begins a write.
   *
   * @param {Buffer[]} chunks what to write
   * @param {function(Error=)} done called when it is done
   */
  _begin(chunks, done) {
    this._pending = { chunks, done };
    if (!this._lazy && !this.held && !this.broken) this._finishWrite();
  }

  /** The peer sees the end of our side, once. */
  _sendEnd() {
    if (!this._endSent) this._outgoingEnd = true;
    this._endSent = true;
  }

  /** The write that was begun is done. */
  _finishWrite() {
    const { chunks, done } = this._pending;
    this._pending = null;
    if (this.broken) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    this._outgoing.push(...chunks);
    done();
  }
}

module.exports = Wire;

/**
 * What Node says to writes that wait in a stream that is destroyed.
 *
 * @return {Error}
 */
function destroyedError() {
  return Object.assign(
    new Error('Cannot call write after a stream was destroyed'),
    { code: 'ERR_STREAM_DESTROYED' }
  );
}
