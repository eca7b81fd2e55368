'use strict';

// `unescape` leaves a malformed percent sequence as it is.
const { unescape: decode } = require('node:querystring');

const SCHEMES = ['ws:', 'wss:', 'ws+unix:'];

/**
 * Where a client connects to, as its URL says.
 *
 * @typedef {Object} Target
 * @property {boolean} isSecure whether TLS is used
 * @property {boolean} isUnix whether the URL names a Unix domain socket
 * @property {string} site what identifies the peer: `host:port` without the
 *     scheme's default port, or the path of the Unix domain socket
 * @property {string} host the host name or IP address (IPv6 without brackets)
 * @property {string} port the port, empty for the scheme's default
 * @property {(string|undefined)} socketPath the Unix domain socket
 * @property {string} path the request's path and query, empty for `/`
 * @property {(string|undefined)} auth the URL's user info as `name:password`,
 *     percent-decoded
 */

/**
 * Parses the address of a WebSocket server.
 *
 * @param {(string|URL)} address the URL
 * @param {string} [base] the URL that a relative `address` is resolved against
 * @return {URL} a new object, `http(s):` turned into `ws(s):`
 * @throws {SyntaxError} if it does not parse
 */
function parseUrl(address, base) {
  let url;

  try {
    url = new URL(address, base);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }

  if (url.protocol === 'http:') url.protocol = 'ws:';
  else if (url.protocol === 'https:') url.protocol = 'wss:';

  return url;
}

/**
 * Works out where a URL leads.
 *
 * @param {URL} url what `parseUrl` returned
 * @return {Target} where to connect to
 * @throws {SyntaxError} if a client cannot connect to it
 */
function resolveTarget(url) {
  const isUnix = url.protocol === 'ws+unix:';

  if (!SCHEMES.includes(url.protocol)) {
    throw new SyntaxError(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", ' +
        'or "ws+unix:"'
    );
  }

  if (isUnix && url.pathname === '') {
    throw new SyntaxError("The URL's pathname is empty");
  }

  if (url.hash !== '') {
    throw new SyntaxError('The URL contains a fragment identifier');
  }

  const { socketPath, path } = isUnix
    ? splitUnixPath(url.pathname + url.search)
    : { socketPath: undefined, path: url.pathname + url.search };

  return {
    isSecure: url.protocol === 'wss:',
    isUnix,
    site: isUnix ? socketPath : url.host,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    socketPath,
    path,
    auth: userInfo(url)
  };
}

/**
 * Splits the rest of a `ws+unix:` URL, `SOCKET_PATH[:REQUEST_PATH]`.
 *
 * @param {string} rest the URL's path and query
 * @return {{socketPath: string, path: string}} its two parts
 */
function splitUnixPath(rest) {
  const colon = rest.indexOf(':');

  if (colon === -1) return { socketPath: rest, path: '' };

  return { socketPath: rest.slice(0, colon), path: rest.slice(colon + 1) };
}

/**
 * Reads the credentials of a URL.
 *
 * @param {URL} url the URL
 * @return {(string|undefined)} `name:password`, undefined if there are none
 */
function userInfo(url) {
  if (url.username === '' && url.password === '') return undefined;

  return `${decode(url.username)}:${decode(url.password)}`;
}

module.exports = { parseUrl, resolveTarget };
