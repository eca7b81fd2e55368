'use strict';

// From chunks of bytes to events. The addon decodes a whole chunk in one call
// and describes what is in it; the events are then delivered one after the
// other, as `ws` does, synchronously.

const { performance } = require('node:perf_hooks');
const stream = require('node:stream');

const { EMPTY_BUFFER, kStatusCode } = require('../constants');
const jobs = require('../deflate/jobs');
const native = require('../native');
const PerMessageDeflate = require('../permessage-deflate');
const { Batch, WORDS, kinds } = require('./batch');
const Inflation = require('./inflation');
const turn = require('./turn');

const { BINARY, FAILED, OPCODE, PING, PONG, SUSPENDED, TEXT } = kinds;

// The flags of the addon's `createDecoder`.
const IS_SERVER = 0x1;
const VALIDATE_UTF8 = 0x2;
const COMPRESSION = 0x4;

/** The mark of streams where Node.js does not tell it: before 18.17. */
const DEFAULT_MARK = 16 * 1024;

/** Bytes that one call of the addon takes: offsets are 32 bits wide. */
const MAX_CHUNK = 0x40000000;

/** Milliseconds for which replies may wait for the rest of a long batch. */
const MAX_HOLD = 1;

/** What a close frame without a body says (RFC 6455, section 7.1.5). */
const NO_CODE = 1005;

/** The close code where there is no thread to inflate on. */
const INTERNAL_ERROR = 1011;

// What an inbox is doing.
const IDLE = 0;
const DELIVERING = 1;
/** Events are left, to be delivered on a later tick. */
const WAITING = 2;
/** A close frame or an error came: whatever follows is ignored. */
const CONCLUDED = 3;
/** Events were decoded that the program does not want yet. */
const PARKED = 4;

/**
 * What an inbox calls. `owner` is the object given to the constructor.
 *
 * @typedef {Object} InboxEvents
 * @property {function(owner, Buffer, boolean, number[]=)} message payload,
 *     whether it is binary, and the lengths of the frames of a fragmented one
 * @property {function(owner, Buffer)} ping
 * @property {function(owner, Buffer)} pong
 * @property {function(owner, number, Buffer)} conclude a close frame came
 * @property {function(owner, Error)} error the input is broken
 * @property {function(owner)} drain after `write()` returned false
 * @property {function(owner)} finish after `end()`: everything was delivered;
 *     never after `error`
 */

class Inbox {
  /**
   * @param {Object} owner first argument of the events
   * @param {InboxEvents} events what to call
   * @param {Object} options as `Receiver` takes them
   */
  constructor(owner, events, options) {
    this.owner = owner;
    this.events = events;
    /** @type {(PerMessageDeflate|undefined)} if it was negotiated */
    this._deflate = options.extensions?.[PerMessageDeflate.extensionName];
    /** The addon's, which the decoder uses; made for the first message. */
    this._inflater = null;
    /** @type {?Inflation} the job of inflating, made when there is one */
    this._inflation = null;
    this._decoder = native.createDecoder(
      (options.isServer ? IS_SERVER : 0) |
        (options.skipUTF8Validation ? 0 : VALIDATE_UTF8) |
        (this._deflate === undefined ? 0 : COMPRESSION),
      limit(options.maxPayload),
      limit(options.maxFragments),
      limit(options.maxBufferedChunks)
    );
    /** Bytes that wait when `write()` begins to ask for a pause. */
    this.highWaterMark =
      stream.getDefaultHighWaterMark?.(false) ?? DEFAULT_MARK;
    this._synchronous = options.allowSynchronousEvents ?? true;
    this._state = IDLE;
    /** The turn in which something was parked. */
    this._parkedIn = -1;
    /** @type {?Batch} */
    this._batch = null;
    /** @type {?Buffer[]} chunks that wait behind `_batch` */
    this._chunks = null;
    this._waitingBytes = 0;
    this._saturated = false;
    this._failed = false;
    this._ended = false;
    this._finished = false;
  }

  /** Whether a close frame or an error has ended the input. */
  get concluded() {
    return this._state === CONCLUDED;
  }

  /** Whether `end()` was called. */
  get ended() {
    return this._ended;
  }

  /** Whether the input was broken. */
  get failed() {
    return this._failed;
  }

  /** Whether everything it was given has been delivered. */
  get idle() {
    return this._batch === null && this._waitingBytes === 0;
  }

  /** Whether `write()` returned false and `drain` was not called since. */
  get saturated() {
    return this._saturated;
  }

  /**
   * Takes bytes from the socket and delivers what they complete.
   *
   * @param {Buffer} chunk the bytes; payloads in it are unmasked in place and
   *     handed out as views on it
   * @return {boolean} false if the caller should wait: for `drain`, or until
   *     what follows an `error` is done
   */
  write(chunk) {
    if (chunk.length === 0) return true;
    if (this._state === CONCLUDED) return !this._failed;
    if (this._state === IDLE && !(chunk.length > MAX_CHUNK)) {
      this._consume(chunk);
      if (this._waitingBytes > 0) this._continue();
    } else {
      this._enqueue(chunk);
    }
    return !this._saturated && !this._failed;
  }

  /** Whether several events may be delivered in one tick. */
  get synchronous() {
    return this._synchronous;
  }

  /** The addon's decoder, for who reads the socket without this inbox. */
  get decoder() {
    return this._decoder;
  }

  /** Whether events may be delivered at once. */
  get ready() {
    return this._state === IDLE;
  }

  /**
   * Delivers events that were decoded elsewhere, until time is up.
   *
   * @param {Slice} slice what they are in: `left` events from `index` on
   */
  deliver(slice) {
    this._state = DELIVERING;
    try {
      while (slice.left > 0 && this._state === DELIVERING) {
        slice.left--;
        turn.holding = slice.index + 1 < slice.count;
        this._emit(slice, slice.index++);
        if (slice.isOver()) break;
      }
    } finally {
      if (this._state === DELIVERING) this._state = IDLE;
    }
    if (this._batch === null) return;
    // A payload was suspended: the rest of its chunk is this inbox's.
    if (this._state === CONCLUDED) {
      this._release();
    } else if (this._state === IDLE) {
      this._deliver();
      this._continue();
    }
  }

  /**
   * Keeps such events until `unpark()`.
   *
   * @param {Slice} slice what they are in
   */
  park(slice) {
    const batch = Batch.take(EMPTY_BUFFER);
    const from = (slice.index + 1) * WORDS;
    const { words } = slice;
    batch.words.set(words.subarray(from, from + slice.left * WORDS), WORDS);
    batch.words[0] = 0;
    batch.count = slice.left;
    batch.isForeign = true;
    batch.own(slice);
    if (this._state === IDLE) {
      this._batch = batch;
      this._state = PARKED;
      this._parkedIn = turn.id;
    } else {
      this._append(batch);
    }
  }

  /** Has `drain` called when everything is delivered. */
  saturate() {
    if (this._state !== CONCLUDED) this._saturated = true;
  }

  /** Delivers what was parked, on the next tick. */
  unpark() {
    if (this._state !== PARKED) return;
    this._saturated = true;
    this._wait();
  }

  /**
   * Drops what was parked in this turn: as far as programs can see, it was not
   * read yet.
   */
  dropParked() {
    if (this._state !== PARKED || this._parkedIn !== turn.id) return;
    this._state = CONCLUDED;
    this._release();
  }

  /**
   * Goes on with bytes of a chunk of which others were decoded elsewhere.
   *
   * @param {Buffer} rest the bytes, behind one that was decoded
   */
  continueWith(rest) {
    if (this._state === CONCLUDED) return;
    this._append(Batch.take(rest));
    if (this._state === IDLE) this._continue();
  }

  /** @param {Batch} batch what to deliver later */
  _append(batch) {
    (this._chunks ??= []).push(batch);
    this._waitingBytes += batchSize(batch);
  }

  /** No more bytes come; `finish` is called once all events are delivered. */
  end() {
    this._ended = true;
    if (this._state === PARKED) resume(this);
    this._finishIfDone();
  }

  /**
   * Keeps a chunk for later.
   *
   * @param {Buffer} chunk the bytes
   */
  _enqueue(chunk) {
    this._chunks ??= [];
    for (let at = 0; at < chunk.length; at += MAX_CHUNK) {
      this._chunks.push(chunk.subarray(at, at + MAX_CHUNK));
    }
    this._waitingBytes += chunk.length;
    this._measure();
    if (this._state === IDLE) this._continue();
  }

  /**
   * Decodes a chunk and delivers its events.
   *
   * @param {Buffer} chunk the bytes
   */
  _consume(chunk) {
    const batch = Batch.take(chunk);
    this._decode(batch, 0);
    this._batch = batch;
    if (this._synchronous || !this._hasToWait()) this._deliver();
    else this._wait();
  }

  /** Consumes the chunks that wait, until an event has to wait itself. */
  _continue() {
    while (this._state === IDLE && this._waitingBytes > 0) {
      const next = this._chunks.shift();
      if (next instanceof Batch) {
        this._waitingBytes -= batchSize(next);
        // Even where nothing follows there may be something to inflate.
        if (next.count === 0) this._decode(next, 1);
        this._batch = next;
        this._deliver();
      } else {
        this._waitingBytes -= next.length;
        this._consume(next);
      }
    }
    if (this._state === IDLE) this._drain();
    this._finishIfDone();
  }

  /**
   * Decodes as much of a chunk as a batch holds.
   *
   * @param {Batch} batch the batch
   * @param {number} at the byte to begin with
   * @throws {Error} if there is no memory for what the chunk completes; the
   *     rest of it is lost
   */
  _decode(batch, at) {
    batch.decode(this._decoder, at, this._inflater !== null);
  }

  /** Delivers the events of the present chunk. */
  _deliver() {
    const holding = turn.begin();
    let threw = true;
    this._state = DELIVERING;
    try {
      if (this._synchronous) this._emitAll(holding);
      else this._emitNext();
      threw = false;
    } finally {
      // An exception goes on to the caller; what is left comes after it.
      try {
        if (this._state === DELIVERING && threw) this._wait();
        else if (this._state !== WAITING) this._release();
      } finally {
        turn.end(holding);
      }
    }
  }

  /**
   * Delivers what is left of the present chunk.
   *
   * @param {boolean} holding whether an outer delivery keeps its sends
   */
  _emitAll(holding) {
    let since = this._batch.count > 1 ? performance.now() : 0;

    while (this._state === DELIVERING) {
      // An event may put another in its place.
      const batch = this._batch;
      if (batch.index === batch.count && !this._decodeMore()) return;
      const more =
        batch.index + 1 < batch.count || batch.words[0] < batch.chunk.length;
      if (more && turn.kept > 0) {
        const now = performance.now();
        if (now - since > MAX_HOLD) {
          since = now;
          turn.finish();
        }
      }
      turn.holding = holding || more;
      this._emit(batch, batch.index++);
    }
  }

  /** Delivers one event, and what need not wait for a tick of its own. */
  _emitNext() {
    let emitted = false;

    while (this._state === DELIVERING) {
      const batch = this._batch;
      if (batch.index === batch.count && !this._decodeMore()) return;
      if (emitted && this._hasToWait()) {
        this._wait();
        return;
      }
      this._emit(batch, batch.index++);
      emitted = true;
    }
  }

  /**
   * Tells whether the next event wants a tick of its own, where each message,
   * ping and pong has one; the end of the input does not.
   *
   * @return {boolean}
   */
  _hasToWait() {
    const batch = this._batch;
    return batch.index < batch.count && batch.isSeparate(batch.index);
  }

  /**
   * Decodes what a full batch left.
   *
   * @return {boolean} whether there are events
   */
  _decodeMore() {
    const batch = this._batch;
    const at = batch.words[0];
    if (at >= batch.chunk.length) return false;
    this._decode(batch, at);
    return batch.count > 0;
  }

  /**
   * Delivers one event.
   *
   * @param {Batch} batch what it is in
   * @param {number} index its place there
   */
  _emit(batch, index) {
    const { words, owned } = batch;
    const at = (index + 1) * WORDS;
    const kind = words[at];

    if (kind === FAILED) {
      this._fail(owned[words[at + 1]], words[at + 3]);
      return;
    }
    if (kind === SUSPENDED) {
      if (batch.isForeign) {
        // What follows was not decoded, and belongs to this inbox from now on.
        this._batch = Batch.take(owned[words[at + 2]]);
        this._batch.words[0] = 1;
      }
      this._inflate(words[at + 1], words[at + 3] === 1);
      return;
    }

    const { owner, events } = this;
    const payload = batch.payload(at);
    switch (kind & OPCODE) {
      case TEXT:
        events.message(owner, payload, false);
        break;
      case BINARY:
        events.message(owner, payload, true, batch.frames(at));
        break;
      case PING:
        events.ping(owner, payload);
        break;
      case PONG:
        events.pong(owner, payload);
        break;
      default: {
        const code = words[at + 3];
        this._state = CONCLUDED;
        events.conclude(
          owner,
          code,
          code === NO_CODE ? EMPTY_BUFFER : Buffer.from(payload)
        );
      }
    }
  }

  /**
   * Ends the input because it is broken.
   *
   * @param {Error} err what is wrong with it
   * @param {number} closeCode the code to answer with
   */
  _fail(err, closeCode) {
    err[kStatusCode] = closeCode;
    this._failed = true;
    this._state = CONCLUDED;
    this.events.error(this.owner, err);
  }

  /**
   * A compressed payload is to be inflated before anything else.
   *
   * @param {number} bytes its length
   * @param {boolean} isLight whether decoding once more does it, too
   */
  _inflate(bytes, isLight) {
    if (this._inflater === null) {
      try {
        this._inflater = this._deflate._makeInflater();
      } catch (err) {
        this._fail(err, INTERNAL_ERROR);
        return;
      }
      native.setInflater(this._decoder, this._inflater);
      this._decode(this._batch, this._batch.words[0]);
      return;
    }
    this._state = WAITING;
    this._measure();
    this._inflation ??= new Inflation(this);
    this._inflation.bytes = bytes;
    this._inflation.isLight = isLight;
    jobs.run(this._inflation);
  }

  /**
   * Goes on when a payload was inflated.
   *
   * @param {Error} [err] why that was not possible
   */
  _inflated(err) {
    if (err !== undefined) {
      this._fail(err, INTERNAL_ERROR);
      this._release();
      return;
    }
    this._decode(this._batch, this._batch.words[0]);
    if (this._synchronous || !this._hasToWait()) resume(this);
    else this._wait();
  }

  /** The rest is delivered on a later tick. */
  _wait() {
    this._state = WAITING;
    this._measure();
    if (this._synchronous) process.nextTick(resume, this);
    else setImmediate(resume, this);
  }

  /** Finds out whether more waits than should. */
  _measure() {
    const present = this._batch === null ? 0 : this._batch.chunk.length;
    if (this._waitingBytes + present >= this.highWaterMark) {
      this._saturated = true;
    }
  }

  /** Tells, after a pause was asked for, that it may end. */
  _drain() {
    if (!this._saturated) return;
    this._saturated = false;
    this.events.drain(this.owner);
  }

  /** The present chunk is done with. */
  _release() {
    const batch = this._batch;
    this._batch = null;
    batch.release();

    if (this._state === DELIVERING) {
      this._state = IDLE;
      this._finishIfDone();
    } else {
      this._chunks = null;
      this._waitingBytes = 0;
      this._drain();
      this._finishIfDone();
    }
  }

  /** Calls `finish`, once, when nothing more can come. */
  _finishIfDone() {
    if (!this._ended || this._finished || this._failed) return;
    if (!this.idle) return;
    this._finished = true;
    process.nextTick(finish, this);
  }
}

module.exports = Inbox;

/**
 * A limit as the addon takes it.
 *
 * @param {number} value anything; an option of the user
 * @return {number} the limit, 0 for none
 */
function limit(value) {
  return Math.max(value | 0, 0);
}

/**
 * @param {Batch} batch what waits
 * @return {number} what it counts for
 */
function batchSize(batch) {
  return Math.max(batch.chunk.length, 1);
}

/**
 * Delivers what was left.
 *
 * @param {Inbox} inbox the inbox
 */
function resume(inbox) {
  inbox._deliver();
  inbox._continue();
}

/**
 * Tells that everything was delivered.
 *
 * @param {Inbox} inbox the inbox
 */
function finish(inbox) {
  inbox.events.finish(inbox.owner);
}
