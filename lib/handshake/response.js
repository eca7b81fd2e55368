'use strict';

const extension = require('../extension');
const { acceptKey } = require('../native');
const PerMessageDeflate = require('../permessage-deflate');

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
    findExtensionFault(headers['sec-websocket-extensions'], offer.deflate)
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
 * Checks the extensions that the server chose, and has them accepted.
 *
 * @param {(string|undefined)} chosen the value of `Sec-WebSocket-Extensions`
 * @param {?PerMessageDeflate} deflate the only one offered, if it was
 * @return {(string|undefined)} what is wrong
 */
function findExtensionFault(chosen, deflate) {
  if (chosen === undefined) return undefined;
  if (deflate === null) {
    return (
      'Server sent a Sec-WebSocket-Extensions header but no extension was ' +
      'requested'
    );
  }

  try {
    const answers = extension.parse(chosen);
    const [name, ...others] = Object.keys(answers);

    if (others.length > 0 || name !== PerMessageDeflate.extensionName) {
      return 'Server indicated an extension that was not requested';
    }
    deflate.accept(answers[name]);
    return undefined;
  } catch {
    return 'Invalid Sec-WebSocket-Extensions header';
  }
}

module.exports = { findFault };
