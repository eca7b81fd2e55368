'use strict';

// Both directions of permessage-deflate (RFC 7692, section 7.2) over node:zlib,
// for the peers that tests play by hand. Synchronous: what was said before is
// given to zlib anew each time, as a dictionary.

const zlib = require('node:zlib');

/** What a sender cuts off the end of a message, and a receiver puts back. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** The RSV1 bit, as it lies in the first byte of a frame. */
const RSV1 = 0x40;

/** The longest way back that DEFLATE knows (RFC 1951, section 2). */
const WINDOW = 32768;

/** What one side remembers of the messages before. */
class Context {
  /**
   * @param {Object} [options]
   * @param {boolean} [options.takeover=true] false: each message for itself
   * @param {number} [options.windowBits=15] the base-2 logarithm of the window
   * @param {Buffer} [options.dictionary] what both sides know from the start
   * @param {Object} [options.zlib] more options of zlib, such as `level`
   */
  constructor({ takeover = true, dictionary, zlib: more, ...options } = {}) {
    this.takeover = takeover;
    this.options = { windowBits: 15, ...options, ...more };
    this.start = dictionary ?? Buffer.alloc(0);
    this.past = this.start;
  }

  /**
   * What to tell zlib.
   *
   * @param {number} finishFlush how to end
   * @return {Object} options of zlib
   */
  with(finishFlush) {
    const dictionary = this.past.length > 0 ? this.past : undefined;
    return { ...this.options, dictionary, finishFlush };
  }

  /** @param {Buffer} data what was said */
  remember(data) {
    const all = Buffer.concat([this.past, data]);
    this.past = Buffer.from(all.subarray(-WINDOW));
  }

  /** The message is at its end. */
  finish() {
    if (!this.takeover) this.past = this.start;
  }
}

/** Compresses messages. */
class Deflater {
  /** @param {Object} [options] see `Context` */
  constructor(options) {
    this.context = new Context(options);
  }

  /**
   * Compresses a part of a message, up to a flush.
   *
   * @param {(string|Buffer)} data the part
   * @param {number} [flush] how to flush
   * @return {Buffer} ends with `TAIL`
   */
  part(data, flush = zlib.constants.Z_SYNC_FLUSH) {
    const bytes = Buffer.from(data);
    const deflated = zlib.deflateRawSync(bytes, this.context.with(flush));
    this.context.remember(bytes);
    return deflated;
  }

  /**
   * Compresses a message, or its last part.
   *
   * @param {(string|Buffer)} data the message
   * @return {Buffer} the payload of its frame, without `TAIL`
   */
  message(data) {
    const deflated = this.part(data);
    this.context.finish();
    return deflated.subarray(0, -TAIL.length);
  }

  /**
   * Compresses a message into a final block, which makes an end of the stream.
   *
   * @param {(string|Buffer)} data the message
   * @return {Buffer} all bytes of the stream
   */
  final(data) {
    const { Z_FINISH } = zlib.constants;
    const deflated = zlib.deflateRawSync(data, this.context.with(Z_FINISH));
    this.context.past = this.context.start;
    return deflated;
  }
}

/** Inflates messages, fragment by fragment. */
class Inflater {
  /** @param {Object} [options] see `Context` */
  constructor(options) {
    this.context = new Context(options);
    this.payload = Buffer.alloc(0);
    this.length = 0;
  }

  /**
   * Inflates a fragment, as far as it was flushed.
   *
   * @param {Buffer} payload that of its frame
   * @param {boolean} [fin=true] whether it is the last one of the message
   * @return {Buffer} what it adds to the message
   */
  fragment(payload, fin = true) {
    this.payload = Buffer.concat([this.payload, payload]);
    const message = this.#inflate(fin ? [this.payload, TAIL] : [this.payload]);
    const added = message.subarray(this.length);
    this.length = message.length;
    if (fin) {
      this.context.remember(message);
      this.context.finish();
      this.payload = Buffer.alloc(0);
      this.length = 0;
    }
    return added;
  }

  /**
   * @param {Buffer[]} parts of a message
   * @return {Buffer}
   */
  #inflate(parts) {
    const bytes = Buffer.concat(parts);
    // Node.js has nothing to say about nothing.
    if (bytes.length === 0) return bytes;
    const { Z_SYNC_FLUSH } = zlib.constants;
    return zlib.inflateRawSync(bytes, this.context.with(Z_SYNC_FLUSH));
  }
}

module.exports = { Deflater, Inflater, RSV1, TAIL };
