'use strict';

const { Writable } = require('node:stream');

const toBinaryType = require('./binary-type');
const { BINARY_TYPES } = require('./constants');
const Inbox = require('./transport/inbox');
const { kInbox } = require('./transport/symbols');

/** How the events of an inbox become those of a `Receiver`. */
const EVENTS = {
  message(receiver, payload, isBinary, frames) {
    const data = isBinary
      ? toBinaryType(receiver._binaryType, payload, frames)
      : payload;
    receiver.emit('message', data, isBinary);
  },
  ping(receiver, payload) {
    receiver.emit('ping', payload);
  },
  pong(receiver, payload) {
    receiver.emit('pong', payload);
  },
  conclude(receiver, code, reason) {
    receiver.emit('conclude', code, reason);
    // Nothing is left to wait for; without it Node 18 is a tick sooner, as with ws.
    receiver._final = null;
    receiver.end();
  },
  error(receiver, err) {
    receiver._failure = err;
    // As late as if a write of the receiver's own had failed.
    if (receiver._done === null) process.nextTick(destroy, receiver, err);
  },
  drain(receiver) {
    if (receiver._done === null) receiver.emit('drain');
    else receiver._endWrite();
  },
  finish(receiver) {
    receiver._finalDone?.();
  }
};

/**
 * Parses frames (RFC 6455, section 5.2): bytes are written to it, and it emits
 * `'message'` (data, isBinary), `'ping'` and `'pong'` (Buffer), `'conclude'`
 * (code, reason) for a close frame, and `'error'`.
 */
class Receiver extends Writable {
  /**
   * @param {Object} [options]
   * @param {boolean} [options.allowSynchronousEvents=true] whether several
   *     events may be emitted in one tick
   * @param {string} [options.binaryType='nodebuffer'] how binary data is given
   * @param {Object} [options.extensions] the negotiated extensions
   * @param {boolean} [options.isServer=false] whether frames must be masked
   * @param {number} [options.maxBufferedChunks=0] chunks that may wait for the
   *     rest of a frame; 0 is no limit
   * @param {number} [options.maxFragments=0] frames of a message; 0 is no limit
   * @param {number} [options.maxPayload=0] bytes of a message; 0 is no limit
   * @param {boolean} [options.skipUTF8Validation=false] whether text need not
   *     be UTF-8
   */
  constructor(options = {}) {
    super();
    this._binaryType = options.binaryType || BINARY_TYPES[0];
    this._extensions = options.extensions || {};
    this._isServer = Boolean(options.isServer);
    this._failure = null;
    /** The callback of the write that is under way. */
    this._done = null;
    /** What waits for the inbox after `end()`. */
    this._finalDone = null;
    this._inbox = options[kInbox] ?? new Inbox(this, EVENTS, options);
    this._inbox.owner = this;
    this._inbox.events = EVENTS;
  }

  /**
   * Makes a receiver that goes on where an inbox is. What the inbox was given
   * before is no write of the receiver's, but ends in the same events.
   *
   * @param {Inbox} inbox the inbox, in whatever state
   * @param {Object} options as for the constructor
   * @return {Receiver}
   */
  static [kInbox](inbox, options) {
    const receiver = new Receiver({ ...options, [kInbox]: inbox });
    if (inbox.ended) receiver.end();
    return receiver;
  }

  /**
   * Implements `Writable`.
   *
   * @param {Buffer} chunk the bytes
   * @param {string} encoding not used
   * @param {function(Error=)} done called when they were worked off
   */
  _write(chunk, encoding, done) {
    // A listener may throw; then the rest of the chunk comes on a later tick.
    this._done = done;
    // What a write cannot work off at once has to be waited for.
    this._inbox.highWaterMark = 0;
    this._inbox.write(chunk);
    if (!this._inbox.saturated) this._endWrite();
  }

  /**
   * Implements `Writable`.
   *
   * @param {function()} done called when the inbox has delivered everything
   */
  _final(done) {
    // A failure ends in `'error'`, which may be under way.
    if (this._inbox.failed) return;
    if (this._inbox.idle) {
      done();
    } else {
      this._finalDone = done;
      this._inbox.end();
    }
  }

  /** Calls back the write that is under way. */
  _endWrite() {
    const done = this._done;
    this._done = null;
    if (done !== null) done(this._failure);
  }
}

module.exports = Receiver;

/**
 * @param {Receiver} receiver the receiver whose input was broken
 * @param {Error} err why
 */
function destroy(receiver, err) {
  receiver.destroy(err);
}
