'use strict';

const { acceptKey } = require('../native');

/**
 * Finds what is wrong with the 101 answer of a server (RFC 6455, section 4.1).
 *
 * @param {Object} headers the response's header fields
 * @param {import('./request').Offer} offer what the client asked for
 * @return {(string|undefined)} the first fault, undefined if there is none
 */
function findFault(headers, offer) {
  const upgrade = headers.upgrade;

  if (upgrade === undefined || upgrade.toLowerCase() !== 'websocket') {
    return 'Invalid Upgrade header';
  }

  if (headers['sec-websocket-accept'] !== acceptKey(offer.key)) {
    return 'Invalid Sec-WebSocket-Accept header';
  }

  return (
    findProtocolFault(headers['sec-websocket-protocol'], offer.protocols) ||
    findExtensionFault(headers['sec-websocket-extensions'])
  );
}

/**
 * Checks the subprotocol that the server chose.
 *
 * @param {(string|undefined)} chosen the value of `Sec-WebSocket-Protocol`
 * @param {string[]} requested the subprotocols that the client asked for
 * @return {(string|undefined)} what is wrong
 */
function findProtocolFault(chosen, requested) {
  if (chosen === undefined) {
    return requested.length > 0 ? 'Server sent no subprotocol' : undefined;
  }

  if (requested.length === 0) {
    return 'Server sent a subprotocol but none was requested';
  }

  return requested.includes(chosen)
    ? undefined
    : 'Server sent an invalid subprotocol';
}

/**
 * Checks the extensions that the server chose. The client offers none.
 *
 * @param {(string|undefined)} chosen the value of `Sec-WebSocket-Extensions`
 * @return {(string|undefined)} what is wrong
 */
function findExtensionFault(chosen) {
  return chosen === undefined
    ? undefined
    : 'Server sent a Sec-WebSocket-Extensions header but no extension was ' +
        'requested';
}

module.exports = { findFault };
