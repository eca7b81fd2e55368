'use strict';

const { isValidUtf8 } = require('./native');

/**
 * Indexed by character code: 1 where a character may be part of a token
 * (RFC 9110, section 5.6.2), such as a subprotocol or an extension name.
 */
const tokenChars = Array.from({ length: 128 }, (_, code) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)) ? 1 : 0
);

/**
 * Whether a value is a Blob or a File. Told by its members, so that those of
 * other realms and of polyfills count.
 *
 * @param {*} value anything but null
 * @return {boolean}
 */
function isBlob(value) {
  return (
    typeof value === 'object' &&
    typeof value.arrayBuffer === 'function' &&
    typeof value.stream === 'function' &&
    typeof value.type === 'string' &&
    (value[Symbol.toStringTag] === 'Blob' ||
      value[Symbol.toStringTag] === 'File')
  );
}

/**
 * Whether a code may be sent, and received, in a close frame
 * (RFC 6455, section 7.4, and the IANA registry).
 *
 * @param {number} code the close code
 * @return {boolean}
 */
function isValidStatusCode(code) {
  if (code >= 3000) return code <= 4999;

  return (
    (code >= 1000 && code <= 1003) || // 1004 is reserved
    (code >= 1007 && code <= 1014) // 1005, 1006 and 1015 are only reported
  );
}

/**
 * Whether bytes are strict UTF-8: nothing overlong, no surrogates, nothing
 * above U+10FFFF, nothing cut off.
 *
 * @param {Uint8Array} bytes the bytes
 * @return {boolean}
 */
function isValidUTF8(bytes) {
  return isValidUtf8(bytes);
}

module.exports = { isBlob, isValidStatusCode, isValidUTF8, tokenChars };
