'use strict';

/**
 * The error for a header value that does not follow its grammar.
 *
 * @param {number} index where the first unexpected character is, in UTF-16 code
 *     units; -1 if the value ends too early
 * @return {SyntaxError} the error to throw
 */
function unexpected(index) {
  return new SyntaxError(
    index < 0
      ? 'Unexpected end of input'
      : `Unexpected character at index ${index}`
  );
}

module.exports = { unexpected };
