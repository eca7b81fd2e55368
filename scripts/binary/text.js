'use strict';

/**
 * Reads a string that ends with a zero byte.
 *
 * @param {Buffer} bytes what it is in
 * @param {number} start where it begins
 * @return {string} the string
 */
function textAt(bytes, start) {
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}

module.exports = { textAt };
