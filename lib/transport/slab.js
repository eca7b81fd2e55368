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

/**
 * Makes room; what is longer than a quarter of a slab gets its own memory.
 *
 * @param {number} size bytes needed
 * @return {Buffer} the memory to write to, from `used` on if it is the slab
 */
function reserve(size) {
  if (size > SLAB_SIZE / 4) return Buffer.allocUnsafeSlow(size);
  if (size > SLAB_SIZE - used) {
    slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
    used = 0;
  }
  return slab;
}

/**
 * Names what was written.
 *
 * @param {Buffer} target what `reserve()` returned
 * @param {number} end the byte after the last one written
 * @return {Buffer} the bytes written
 */
function commit(target, end) {
  if (target !== slab) {
    return end === target.length ? target : target.subarray(0, end);
  }
  const bytes = new FastBuffer(slab.buffer, used, end - used);
  used = end;
  return bytes;
}

module.exports = {
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
    const target = reserve(size);
    const at = target === slab ? used : 0;
    return commit(target, native.encode(target, at, head, data, key));
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
    const target = reserve(14);
    return commit(target, native.encodeHeader(target, used, head, length, key));
  },

  /**
   * Takes what waits in an outbox.
   *
   * @param {number} slot the outbox
   * @param {number} size the number of bytes waiting there
   * @return {Buffer} the bytes
   */
  take(slot, size) {
    const target = reserve(size);
    const at = target === slab ? used : 0;
    return commit(target, native.take(slot, target, at));
  }
};
