'use strict';

const { unexpected } = require('./header-syntax');
const { parseSubprotocols } = require('./native');

/**
 * Parses the value of a `Sec-WebSocket-Protocol` header (RFC 6455, section
 * 11.3.4).
 *
 * @param {string} header the header's value
 * @return {Set<string>} the subprotocols, most wanted first
 * @throws {SyntaxError} if the value does not follow the grammar or names a
 *     subprotocol twice
 */
function parse(header) {
  const parsed = parseSubprotocols(header);
  if (typeof parsed === 'number') throw unexpected(parsed);
  if (typeof parsed === 'string') {
    throw new SyntaxError(`The "${parsed}" subprotocol is duplicated`);
  }
  return new Set(parsed);
}

module.exports = { parse };
