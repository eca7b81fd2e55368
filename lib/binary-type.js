'use strict';

const { toArrayBuffer } = require('./buffer-util');

/**
 * The data of a binary message as `WebSocket#binaryType` asks for it.
 *
 * @param {string} binaryType one of `BINARY_TYPES`
 * @param {Buffer} payload the whole payload
 * @param {Float64Array} [frames] the lengths of the message's non-empty frames, if
 *     there is more than one
 * @return {(Buffer|ArrayBuffer|Buffer[]|Blob)}
 */
function toBinaryType(binaryType, payload, frames) {
  switch (binaryType) {
    case 'arraybuffer':
      return toArrayBuffer(payload);
    case 'blob':
      return new Blob([payload]);
    case 'fragments':
      return toFragments(payload, frames);
    default:
      return payload;
  }
}

/**
 * Takes a message apart again.
 *
 * @param {Buffer} payload the whole payload
 * @param {Float64Array} [frames] the lengths of the parts
 * @return {Buffer[]}
 */
function toFragments(payload, frames) {
  if (payload.length === 0) return [];
  if (frames === undefined) return [payload];
  let end = 0;
  return Array.from(frames, (length) => payload.subarray(end, (end += length)));
}

module.exports = toBinaryType;
