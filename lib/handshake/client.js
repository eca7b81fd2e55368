'use strict';

const { CLOSE_TIMEOUT } = require('../constants');
const { randomKey } = require('../native');
const PerMessageDeflate = require('../permessage-deflate');
const { checkTransport, transportOptions } = require('../transport/choice');
const { abortHandshake, emitErrorAndClose } = require('./abort');
const { RedirectHeaders } = require('./redirect');
const { createRequest } = require('./request');
const { findFault } = require('./response');
const { parseUrl, resolveTarget } = require('./url');

const PROTOCOL_VERSIONS = [8, 13];
/** Bytes that `Sec-WebSocket-Key` is made of, and those of a mask key. */
const KEY_LENGTH = 16;
const MASK_LENGTH = 4;

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;

const DEFAULT_OPTIONS = {
  allowSynchronousEvents: true,
  autoPong: true,
  closeTimeout: CLOSE_TIMEOUT,
  followRedirects: false,
  maxBufferedChunks: 256 * 1024,
  maxFragments: 16 * 1024,
  maxPayload: 100 * 1024 * 1024,
  maxPendingAutoPongs: 60,
  maxRedirects: 10,
  perMessageDeflate: true,
  protocolVersion: 13,
  skipUTF8Validation: false
};

/**
 * The client's side of the opening handshake: one request for each address
 * that redirects lead to, until the connection is open or has failed.
 */
class ClientHandshake {
  #websocket;
  #protocols;
  #options;
  #target;
  #redirectHeaders;
  /** What the last request asks for. */
  #offer;

  /**
   * @param {WebSocket} websocket the client
   * @param {string[]} protocols the subprotocols to ask for
   * @param {Object} options the client's options
   * @param {import('./url').Target} target where to connect to first
   */
  constructor(websocket, protocols, options, target) {
    this.#websocket = websocket;
    this.#protocols = protocols;
    this.#options = options;
    this.#target = target;

    if (options.followRedirects) {
      this.#redirectHeaders = new RedirectHeaders(target, options.headers);
    }
  }

  /** Sends the first request. */
  start() {
    const auth = this.#auth();

    if (auth) this.#redirectHeaders?.rememberAuth(auth);
    this.#finish(this.#send(this.#options.headers, auth));
  }

  /**
   * Sends the request again, to where a response points.
   *
   * Not even what `http.request` throws is thrown from here: an address that
   * only the server has seen must not end the process.
   *
   * @param {http.ClientRequest} previous the request that was answered
   * @param {string} location the value of the `Location` header
   */
  #redirect(previous, location) {
    const websocket = this.#websocket;

    if (++websocket._redirects > this.#options.maxRedirects) {
      abortHandshake(websocket, previous, 'Maximum redirects exceeded');
      return;
    }

    previous.abort();

    let req;

    try {
      const url = parseUrl(location, websocket._url);

      websocket._url = url.href;
      this.#target = resolveTarget(url);
      req = this.#resend();
    } catch (err) {
      emitErrorAndClose(websocket, err);
      return;
    }

    websocket.emit('redirect', websocket.url, req);
    this.#finish(req);
  }

  /**
   * Makes the request for the address that a redirect leads to. A listener of
   * `'redirect'` takes over the care for credentials.
   *
   * @return {http.ClientRequest} the request
   */
  #resend() {
    const target = this.#target;
    const headers = this.#redirectHeaders;
    const isLeftToUser = this.#websocket.listenerCount('redirect') > 0;

    if (!isLeftToUser && !headers.isTrusted(target)) {
      return this.#send(headers.harmless(target));
    }

    const auth = this.#auth();
    const req = this.#send(headers.all(), auth);

    if (auth) headers.rememberAuth(auth);

    return req;
  }

  /**
   * Makes a request for the current address.
   *
   * @param {Object} headers the user's header fields
   * @param {string} [auth] the credentials, `name:password`
   * @return {http.ClientRequest} the request, not ended yet
   */
  #send(headers, auth) {
    this.#offer = {
      key: makeKey(),
      protocols: this.#protocols,
      deflate: this.#makeDeflate()
    };

    const req = createRequest(
      this.#target,
      this.#offer,
      this.#options,
      headers,
      auth
    );

    this.#websocket._req = req;

    return req;
  }

  /**
   * The extension to offer.
   *
   * @return {?PerMessageDeflate} null if the user does not want it
   */
  #makeDeflate() {
    const { maxPayload, perMessageDeflate } = this.#options;
    if (!perMessageDeflate) return null;
    return new PerMessageDeflate({
      ...(perMessageDeflate === true ? undefined : perMessageDeflate),
      isServer: false,
      maxPayload
    });
  }

  /**
   * The credentials for the current address: those in the URL come first.
   *
   * @return {(string|undefined)} `name:password`
   */
  #auth() {
    return this.#target.auth ?? this.#options.auth;
  }

  /**
   * Ends a request, or has the user do it. What becomes of it is heard from
   * then on: listeners that a `'redirect'` listener attaches come first.
   *
   * @param {http.ClientRequest} req the request
   */
  #finish(req) {
    const { finishRequest } = this.#options;

    this.#listen(req);
    if (finishRequest) finishRequest(req, this.#websocket);
    else req.end();
  }

  /**
   * Attaches the listeners for what can become of a request. They are deaf
   * once the handshake has been given up or has moved to another address.
   *
   * @param {http.ClientRequest} req the request
   */
  #listen(req) {
    const websocket = this.#websocket;
    const on = (event, listener) =>
      req.on(event, (...args) => {
        if (
          websocket._req === req &&
          websocket._readyState === websocket.CONNECTING
        ) {
          listener(...args);
        }
      });

    on('error', (err) => {
      websocket._req = null;
      emitErrorAndClose(websocket, err);
    });
    on('response', (res) => this.#handleResponse(req, res));
    on('upgrade', (res, socket, head) =>
      this.#handleUpgrade(res, socket, head)
    );

    if (this.#options.handshakeTimeout) {
      on('timeout', () =>
        abortHandshake(websocket, req, 'Opening handshake has timed out')
      );
    }
  }

  /**
   * Handles a response that does not upgrade the connection.
   *
   * @param {http.ClientRequest} req the request
   * @param {http.IncomingMessage} res the response
   */
  #handleResponse(req, res) {
    const { headers, statusCode } = res;
    const isRedirect = statusCode >= 300 && statusCode < 400;

    if (isRedirect && headers.location && this.#options.followRedirects) {
      this.#redirect(req, headers.location);
    } else if (!this.#websocket.emit('unexpected-response', req, res)) {
      abortHandshake(
        this.#websocket,
        req,
        `Unexpected server response: ${statusCode}`
      );
    }
  }

  /**
   * Handles a 101 response: checks it and opens the connection.
   *
   * @param {http.IncomingMessage} res the response
   * @param {stream.Duplex} socket the connection
   * @param {Buffer} head what came after the response
   */
  #handleUpgrade(res, socket, head) {
    const websocket = this.#websocket;
    const options = this.#options;

    websocket.emit('upgrade', res);

    // The user may have closed it in the listener.
    if (websocket._readyState !== websocket.CONNECTING) return;

    websocket._req = null;

    const fault = findFault(res.headers, this.#offer);

    if (fault !== undefined) {
      abortHandshake(websocket, socket, fault);
      return;
    }

    websocket._protocol = res.headers['sec-websocket-protocol'] ?? '';
    if (res.headers['sec-websocket-extensions'] !== undefined) {
      const { deflate } = this.#offer;
      websocket._extensions[PerMessageDeflate.extensionName] = deflate;
    }
    websocket.setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      generateMask: options.generateMask,
      maxBufferedChunks: options.maxBufferedChunks,
      maxFragments: options.maxFragments,
      maxPayload: options.maxPayload,
      skipUTF8Validation: options.skipUTF8Validation,
      ...transportOptions(options)
    });
  }
}

/**
 * Starts the connection of a client: all that the constructor of `WebSocket`
 * does once its arguments are normalised.
 *
 * @param {WebSocket} websocket the client
 * @param {(string|URL)} address the URL to connect to
 * @param {string[]} protocols the subprotocols to ask for
 * @param {Object} [options] the client's options, not changed
 * @throws {RangeError} if the protocol version is not supported
 * @throws {SyntaxError} if the URL or a subprotocol is invalid
 * @throws {Error} what `http.request` throws, for example for a bad header
 */
function connect(websocket, address, protocols, options) {
  const allOptions = { ...DEFAULT_OPTIONS, ...options };

  checkProtocolVersion(allOptions.protocolVersion);

  const url = parseUrl(address);
  const target = resolveTarget(url);

  checkProtocols(protocols);
  checkTransport(allOptions);

  websocket._url = url.href;
  websocket._isServer = false;
  websocket._redirects = 0;
  websocket._autoPong = allOptions.autoPong;
  websocket._maxPendingAutoPongs = allOptions.maxPendingAutoPongs;
  websocket._closeTimeout = allOptions.closeTimeout;

  new ClientHandshake(websocket, protocols, allOptions, target).start();
}

/**
 * Makes the key of an opening handshake (RFC 6455, section 4.1). The addon has
 * random bytes from the operating system as well as `node:crypto`, which takes
 * as long to load as the addon.
 *
 * @return {string} the value of `Sec-WebSocket-Key`
 */
function makeKey() {
  const bytes = Buffer.alloc(KEY_LENGTH);

  for (let at = 0; at < KEY_LENGTH; at += MASK_LENGTH) {
    bytes.writeUInt32BE(randomKey(), at);
  }
  return bytes.toString('base64');
}

/**
 * Checks the version of the WebSocket protocol.
 *
 * @param {*} version the `protocolVersion` option
 * @throws {RangeError} if it is not supported
 */
function checkProtocolVersion(version) {
  if (!PROTOCOL_VERSIONS.includes(version)) {
    throw new RangeError(
      `Unsupported protocol version: ${version} ` +
        `(supported versions: ${PROTOCOL_VERSIONS.join(', ')})`
    );
  }
}

/**
 * Checks the names of the subprotocols.
 *
 * @param {Array} protocols the subprotocols
 * @throws {SyntaxError} if one is not a token (RFC 7230, section 3.2.6) or is
 *     there twice
 */
function checkProtocols(protocols) {
  const seen = new Set();

  for (const protocol of protocols) {
    if (
      typeof protocol !== 'string' ||
      !TOKEN.test(protocol) ||
      seen.has(protocol)
    ) {
      throw new SyntaxError(
        'An invalid or duplicated subprotocol was specified'
      );
    }

    seen.add(protocol);
  }
}

module.exports = { abortHandshake, connect, emitErrorAndClose };
