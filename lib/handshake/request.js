'use strict';

const http = require('node:http');
const net = require('node:net');

const extension = require('../extension');
const PerMessageDeflate = require('../permessage-deflate');
const { noteContext } = require('../transport/adoption');

/**
 * What the client asks the server for in one opening handshake.
 *
 * @typedef {Object} Offer
 * @property {string} key the value of `Sec-WebSocket-Key`
 * @property {string[]} protocols the subprotocols, in order of preference
 * @property {?PerMessageDeflate} deflate the extension, if it is offered
 */

/**
 * Makes the request of an opening handshake (RFC 6455, section 4.1). It is not
 * ended.
 *
 * `http.request` and `https.request` are looked up when they are called, so
 * that an application can replace them; `https` and `tls`, which are much to
 * load, are so only by who uses them.
 *
 * @param {import('./url').Target} target where to connect to
 * @param {Offer} offer what to ask for
 * @param {Object} options the client's options
 * @param {Object} headers the user's header fields
 * @param {string} [auth] the credentials, `name:password`
 * @return {http.ClientRequest} the request
 * @throws {Error} what `http.request` throws, for example for a bad header
 */
function createRequest(target, offer, options, headers, auth) {
  const port = target.isSecure ? 443 : 80;

  return (target.isSecure ? require('node:https') : http).request({
    ...options,
    auth,
    createConnection:
      options.createConnection || (target.isSecure ? tlsConnect : netConnect),
    defaultPort: options.defaultPort || port,
    headers: handshakeHeaders(offer, options, headers),
    host: target.host,
    hostname: undefined,
    method: 'GET',
    path: target.path,
    port: target.port || port,
    protocol: undefined,
    protocols: undefined,
    socketPath: target.socketPath,
    timeout: options.handshakeTimeout
  });
}

/**
 * Adds the fields of the opening handshake to those of the user.
 *
 * @param {Offer} offer what to ask for
 * @param {Object} options the client's options
 * @param {Object} headers the user's header fields
 * @return {Object} the header fields in the order in which they are sent
 */
function handshakeHeaders(offer, options, headers) {
  const all = {
    ...headers,
    'Sec-WebSocket-Version': options.protocolVersion,
    'Sec-WebSocket-Key': offer.key,
    Connection: 'Upgrade',
    Upgrade: 'websocket'
  };

  if (offer.deflate !== null) {
    all['Sec-WebSocket-Extensions'] = extension.format({
      [PerMessageDeflate.extensionName]: offer.deflate.offer()
    });
  }

  if (offer.protocols.length > 0) {
    all['Sec-WebSocket-Protocol'] = offer.protocols.join(',');
  }

  if (options.origin) {
    const name =
      options.protocolVersion === 13 ? 'Origin' : 'Sec-WebSocket-Origin';

    all[name] = options.origin;
  }

  return all;
}

/**
 * Connects to a TCP port or a Unix domain socket.
 *
 * @param {Object} options the request's options
 * @return {net.Socket} the socket
 */
function netConnect(options) {
  return noteContext(net.connect({ ...options, path: options.socketPath }));
}

/**
 * Connects to a TCP port with TLS. The name for SNI is the host's, unless the
 * user gave one; an IP address is not a valid name (RFC 6066, section 3).
 *
 * @param {Object} options the request's options
 * @return {tls.TLSSocket} the socket
 */
function tlsConnect(options) {
  const { host, servername } = options;
  const name = net.isIP(host) ? '' : host;

  return require('node:tls').connect({
    ...options,
    path: undefined,
    servername: servername || servername === '' ? servername : name
  });
}

module.exports = { createRequest };
