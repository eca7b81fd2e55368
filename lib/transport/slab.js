'use strict';

// Memory for outgoing frames. Small ones share a slab that is used up from the
// front; larger ones have a scratch buffer. What the kernel has taken by the
// time `write()` returns, which is the rule, can be used again at once.

const native = require('../native');
const { MAX_HEADER } = require('./frame-head');

const FastBuffer = Buffer[Symbol.species];

/**
 * Bytes in a slab. A frame that the kernel does not take yet keeps its slab
 * alive, so it should not be many times larger than what lies in it.
 */
const SLAB_SIZE = 16 * 1024;

/** Bytes from which on something does not go into a slab. */
const SLAB_LIMIT = SLAB_SIZE / 4;

/** Bytes in the scratch buffer. It, too, may be kept alive by a frame. */
const SCRATCH_SIZE = 64 * 1024;

let slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
let used = 0;

/** @type {?Buffer} the scratch buffer, unless it is lent */
let scratch = null;

/**
 * Makes room in the slab.
 *
 * @param {number} size bytes needed, at most `SLAB_LIMIT`
 */
function reserve(size) {
  if (size <= SLAB_SIZE - used) return;
  slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
  used = 0;
}

/**
 * Names what was written to the slab.
 *
 * @param {number} end the byte after the last one written
 * @return {Buffer} the bytes written
 */
function commit(end) {
  const bytes = new FastBuffer(slab.buffer, used, end - used);
  used = end;
  return bytes;
}

/**
 * Lends the scratch buffer.
 *
 * @return {Buffer}
 */
function lend() {
  const lent = scratch ?? Buffer.allocUnsafeSlow(SCRATCH_SIZE);
  scratch = null;
  return lent;
}

/**
 * Encodes a frame.
 *
 * @param {number} head as `encode` of the addon takes it
 * @param {(Buffer|string)} data the payload
 * @param {number} key the mask key, if `head` says that it is given
 * @param {number} size bytes that suffice for the frame
 * @param {boolean} brief whether it is likely to be recycled soon
 * @return {Buffer} the frame
 */
function frame(head, data, key, size, brief) {
  if (size <= SLAB_LIMIT) {
    reserve(size);
    return commit(native.encode(slab, used, head, data, key));
  }
  if (!brief || size > SCRATCH_SIZE) return native.encodeNew(head, data, key);
  const target = lend();
  return target.subarray(0, native.encode(target, 0, head, data, key));
}

/**
 * Encodes the header of a frame whose payload is written by itself.
 *
 * @param {number} head as `encodeHeader` of the addon takes it
 * @param {number} length bytes in the payload
 * @param {number} key the mask key, if `head` says that it is given
 * @return {Buffer} the header
 */
function header(head, length, key) {
  reserve(MAX_HEADER);
  return commit(native.encodeHeader(slab, used, head, length, key));
}

/**
 * Takes what waits in an outbox.
 *
 * @param {number} slot the outbox
 * @param {number} size the number of bytes waiting there
 * @param {boolean} brief whether it is likely to be recycled soon
 * @return {Buffer} the bytes
 */
function take(slot, size, brief) {
  if (size <= SLAB_LIMIT) {
    reserve(size);
    return commit(native.take(slot, slab, used));
  }
  const target =
    brief && size <= SCRATCH_SIZE ? lend() : Buffer.allocUnsafeSlow(size);
  return target.subarray(0, native.take(slot, target, 0));
}

/**
 * Takes memory back that nobody will look at any more.
 *
 * @param {Buffer} bytes the last thing that was returned by one of the others
 */
function recycle(bytes) {
  const { buffer, byteOffset, length } = bytes;
  if (buffer === slab.buffer) {
    if (byteOffset + length === used) used = byteOffset;
  } else if (buffer.byteLength === SCRATCH_SIZE) {
    scratch = new FastBuffer(buffer);
  }
}

module.exports = { frame, header, recycle, take };
