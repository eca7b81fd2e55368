'use strict';

const extension = require('../extension');
const { acceptKey, checkUpgrade } = require('../native');
const PerMessageDeflate = require('../permessage-deflate');
const subprotocol = require('../subprotocol');

/**
 * What `checkUpgrade` finds wrong with a request (RFC 6455, section 4.2.1); it
 * returns an index of this table.
 */
const UPGRADE_FAULTS = [
  null,
  { status: 405, message: 'Invalid HTTP method' },
  { status: 400, message: 'Invalid Upgrade header' },
  { status: 400, message: 'Missing or invalid Sec-WebSocket-Key header' },
  {
    status: 400,
    message: 'Missing or invalid Sec-WebSocket-Version header',
    headers: { 'Sec-WebSocket-Version': '13, 8' }
  }
];

const INVALID_PROTOCOL = {
  status: 400,
  message: 'Invalid Sec-WebSocket-Protocol header'
};

const INVALID_EXTENSIONS = {
  status: 400,
  message: 'Invalid or unacceptable Sec-WebSocket-Extensions header'
};

/**
 * Looks for what makes a request no opening handshake at all.
 *
 * @param {http.IncomingMessage} req the request
 * @return {?object} the fault, null if there is none
 */
function findUpgradeFault({ method, headers }) {
  // Requests that programs make up may hold a number, or a list of one.
  const row = checkUpgrade(
    method,
    headers.upgrade,
    String(headers['sec-websocket-key']),
    String(headers['sec-websocket-version'])
  );
  return UPGRADE_FAULTS[row];
}

/**
 * Reads what the client would like to have negotiated.
 *
 * @param {http.IncomingMessage} req the request
 * @param {object} options the server's options; without `perMessageDeflate` the
 *     header of the extensions may hold anything
 * @return {{protocols: Set<string>, extensions: object, fault: ?object}} the
 *     subprotocols, most wanted first, and the accepted extensions by name; or
 *     what is wrong
 */
function readOffers({ headers }, options) {
  const protocols = tryParse(subprotocol, headers['sec-websocket-protocol']);
  if (protocols === null) return { fault: INVALID_PROTOCOL };

  const extensions = acceptExtensions(
    headers['sec-websocket-extensions'],
    options
  );
  if (extensions === null) return { fault: INVALID_EXTENSIONS };
  return { protocols: protocols || new Set(), extensions, fault: null };
}

/**
 * Accepts what is known of the extensions that a client offers.
 *
 * @param {(string|undefined)} header the value of `Sec-WebSocket-Extensions`
 * @param {object} options the server's options
 * @return {?object} the extensions by name; null if the header is invalid or
 *     no offer of a known one can be accepted
 */
function acceptExtensions(header, { maxPayload, perMessageDeflate }) {
  if (!perMessageDeflate || header === undefined) return {};
  const name = PerMessageDeflate.extensionName;
  const deflate = new PerMessageDeflate({
    ...perMessageDeflate,
    isServer: true,
    maxPayload
  });

  try {
    const offers = extension.parse(header)[name];
    if (offers === undefined) return {};
    deflate.accept(offers);
    return { [name]: deflate };
  } catch {
    return null;
  }
}

/**
 * Parses a header that may be missing.
 *
 * @param {{parse: Function}} grammar the module that knows the header
 * @param {(string|undefined)} header the header's value
 * @return {*} what was parsed, undefined if the header is missing, null if it
 *     is invalid
 */
function tryParse(grammar, header) {
  if (header === undefined) return undefined;
  try {
    return grammar.parse(header);
  } catch {
    return null;
  }
}

/**
 * Asks the application's `verifyClient`, if there is one. One that declares two
 * parameters answers through its second, whenever it wants to.
 *
 * @param {object} options the server's options
 * @param {http.IncomingMessage} req the request
 * @param {Function} accept called if the client is welcome
 * @param {Function} reject called with status, message and headers if it is not
 */
function verifyClient(options, req, accept, reject) {
  if (!options.verifyClient) {
    accept();
    return;
  }

  const decide = (verified, status, message, headers) => {
    if (verified) accept();
    else reject(status || 401, message, headers);
  };
  const info = describeClient(req);

  if (options.verifyClient.length === 2) options.verifyClient(info, decide);
  else decide(options.verifyClient(info));
}

/**
 * What `verifyClient` gets to know about a client.
 *
 * @param {http.IncomingMessage} req the request
 * @return {{origin: (string|undefined), secure: boolean, req: object}} the
 *     page's origin as the client tells it, whether the connection is
 *     encrypted, and the request
 */
function describeClient(req) {
  const { headers, socket } = req;
  const isDraft = Number(headers['sec-websocket-version']) === 8;

  return {
    origin: headers[isDraft ? 'sec-websocket-origin' : 'origin'],
    secure: Boolean(socket.authorized || socket.encrypted),
    req
  };
}

/**
 * The head of the response that completes the handshake (RFC 6455, section
 * 4.2.2), line by line and without the blank line at its end.
 *
 * @param {string} key the client's `Sec-WebSocket-Key`
 * @param {string} protocol the chosen subprotocol, empty for none
 * @param {object} extensions the accepted extensions by name
 * @return {string[]} the lines
 */
function responseLines(key, protocol, extensions) {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(String(key))}`
  ];
  if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  const name = PerMessageDeflate.extensionName;
  if (extensions[name]) {
    const answer = extension.format({ [name]: extensions[name].params });
    lines.push(`Sec-WebSocket-Extensions: ${answer}`);
  }
  return lines;
}

module.exports = {
  findUpgradeFault,
  readOffers,
  responseLines,
  verifyClient
};
