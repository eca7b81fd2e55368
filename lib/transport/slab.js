'use strict';

// Memory for small outgoing frames: one slab after another is used up from the
// front, and freed by the garbage collector when the socket is done with it.

const native = require('../native');

const FastBuffer = Buffer[Symbol.species];

/**
 * Bytes in a slab. A frame that the kernel does not take yet keeps its slab
 * alive, so it should not be many times larger than what lies in it.
 */
const SLAB_SIZE = 16 * 1024;

let slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
let used = 0;

/** Bytes that any frame header fits in (RFC 6455, section 5.2). */
const MAX_HEADER = 14;

/** Bytes from which on something gets memory of its own. */
const OWN_MEMORY = SLAB_SIZE / 4;

/**
 * Makes room.
 *
 * @param {number} size bytes needed, at most `OWN_MEMORY`
 */
function reserve(size) {
  if (size <= SLAB_SIZE - used) return;
  slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
  used = 0;
}

/**
 * Names what was written.
 *
 * @param {number} end the byte after the last one written
 * @return {Buffer} the bytes written
 */
function commit(end) {
  const bytes = new FastBuffer(slab.buffer, used, end - used);
  used = end;
  return bytes;
}

module.exports = {
  MAX_HEADER,

  /**
   * Encodes a frame.
   *
   * @param {number} head as `encode` of the addon takes it
   * @param {(Buffer|string)} data the payload
   * @param {number} key the mask key, if `head` says that it is given
   * @param {number} size bytes that suffice for the frame
   * @return {Buffer} the frame
   */
  frame(head, data, key, size) {
    if (size > OWN_MEMORY) return native.encodeNew(head, data, key);
    reserve(size);
    return commit(native.encode(slab, used, head, data, key));
  },

  /**
   * Encodes the header of a frame whose payload is written by itself.
   *
   * @param {number} head as `encodeHeader` of the addon takes it
   * @param {number} length bytes in the payload
   * @param {number} key the mask key, if `head` says that it is given
   * @return {Buffer} the header
   */
  header(head, length, key) {
    reserve(MAX_HEADER);
    return commit(native.encodeHeader(slab, used, head, length, key));
  },

  /**
   * Takes what waits in an outbox.
   *
   * @param {number} slot the outbox
   * @param {number} size the number of bytes waiting there
   * @return {Buffer} the bytes
   */
  take(slot, size) {
    if (size > OWN_MEMORY) {
      const bytes = Buffer.allocUnsafeSlow(size);
      native.take(slot, bytes, 0);
      return bytes;
    }
    reserve(size);
    return commit(native.take(slot, slab, used));
  }
};
