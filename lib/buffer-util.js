'use strict';

const { EMPTY_BUFFER } = require('./constants');
const native = require('./native');

/**
 * From how many bytes on masking is left to the addon: a call costs about
 * 100 ns, and the loop here 2 ns for each byte.
 */
const NATIVE_LENGTH = 48;

/**
 * Joins chunks.
 *
 * @param {Uint8Array[]} list the chunks
 * @param {number} total the sum of their lengths, in bytes
 * @return {Uint8Array} never longer than what was copied; a single chunk comes
 *     back as it is, and no chunk gives `EMPTY_BUFFER`
 * @throws {RangeError} if the chunks are longer than `total`
 */
function concat(list, total) {
  if (list.length === 0) return EMPTY_BUFFER;
  if (list.length === 1) return list[0];

  const target = Buffer.allocUnsafe(total);
  let length = 0;

  for (const chunk of list) {
    target.set(chunk, length);
    length += chunk.length;
  }

  return length < total ? target.subarray(0, length) : target;
}

/**
 * Masks bytes into another place (RFC 6455, section 5.3).
 *
 * @param {Uint8Array} source the bytes to mask
 * @param {Uint8Array} key the four bytes of the mask
 * @param {Uint8Array} output where the masked bytes go
 * @param {number} offset the index in `output` of the first one
 * @param {number} length how many bytes to mask
 */
function mask(source, key, output, offset, length) {
  if (length >= NATIVE_LENGTH) {
    native.mask(source, key, output, offset, length);
    return;
  }

  for (let i = 0; i < length; i++) output[offset + i] = source[i] ^ key[i & 3];
}

/**
 * Masks, or unmasks, bytes where they are (RFC 6455, section 5.3).
 *
 * @param {Uint8Array} buffer the bytes
 * @param {Uint8Array} key the four bytes of the mask
 */
function unmask(buffer, key) {
  if (buffer.length >= NATIVE_LENGTH) {
    native.unmask(buffer, key);
    return;
  }

  for (let i = 0; i < buffer.length; i++) buffer[i] ^= key[i & 3];
}

/**
 * The bytes of a Buffer as an ArrayBuffer: the Buffer's own one if its bytes
 * fill it, else a copy.
 *
 * @param {Buffer} buffer the Buffer
 * @return {ArrayBuffer}
 */
function toArrayBuffer(buffer) {
  const { buffer: memory, byteOffset, byteLength } = buffer;

  if (byteLength === memory.byteLength) return memory;

  return memory.slice(byteOffset, byteOffset + byteLength);
}

/**
 * Makes a Buffer of whatever can be sent. After the call `toBuffer.readOnly`
 * tells whether the Buffer shows the user's memory, which is not to be changed.
 *
 * @param {*} data a Buffer, ArrayBuffer or view is not copied; anything else
 *     goes through `Buffer.from()`
 * @return {Buffer}
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if nothing can be made of it
 */
function toBuffer(data) {
  toBuffer.readOnly = true;

  if (Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }

  toBuffer.readOnly = false;
  return Buffer.from(data);
}

module.exports = { concat, mask, toArrayBuffer, toBuffer, unmask };
