'use strict';

// Where a client shakes hands: with peers that read the head of each request
// and leave the answer, byte by byte, to the scenario.

const { describe, PlainStage, show } = require('./plain-stage');
const {
  identity,
  response,
  socketPath,
  startPeer
} = require('../support/peer');

/** Fixed, so that what a client sends can be compared. */
const MASK = [1, 2, 3, 4];

/** A listening peer. */
class Peer {
  /**
   * @param {string} scheme `ws`, `wss` or `ws+unix`
   * @param {(number|string)} place the port, or the path of the Unix socket
   */
  constructor(scheme, place) {
    this.scheme = scheme;
    this.place = place;
  }

  /**
   * @param {string} [path] path and query
   * @param {string} [userInfo] what comes before the host, with `@`
   * @return {string} an address at the peer
   */
  url(path = '/', userInfo = '') {
    return this.scheme === 'ws+unix'
      ? `ws+unix:${this.place}:${path}`
      : `${this.scheme}://${userInfo}127.0.0.1:${this.place}${path}`;
  }
}

/** The stage of a scenario about a client's opening handshake. */
class ClientStage extends PlainStage {
  /**
   * @param {Object} options
   * @param {Object} options.package the package under test
   * @param {string} options.scheme how peers are reached by default
   */
  constructor({ package: tested, scheme = 'ws' }) {
    super({ package: tested });
    this.scheme = scheme;
    /** The client under test. */
    this.ws = undefined;
    this.peers = {};
    /** Sockets of peers that were not closed yet. */
    this.open = new Set();
    this.log = { ws: [], result: () => this.#result() };
  }

  /**
   * Starts a peer.
   *
   * @param {string} name its name in the log
   * @param {function(RequestHead, net.Socket): (string|undefined)} answer
   *     called for each request; what it returns is sent
   * @param {string} [scheme] how it is reached
   * @return {Promise<Peer>}
   */
  async serve(name, answer, scheme = this.scheme) {
    const t = { after: (cleanup) => this.cleanups.push(cleanup) };
    const lines = (this.log[name] = []);
    const path = scheme === 'ws+unix' ? socketPath(t) : undefined;
    const { port } = await startPeer(
      t,
      (head, socket) => {
        lines.push(head.requestLine, ...head.fields.map(showField));
        this.#watchSocket(socket, lines);
        const bytes = answer(head, socket);
        if (bytes !== undefined) socket.write(bytes, 'latin1');
      },
      { secure: scheme === 'wss', listen: path && [path] }
    );
    this.peers[name] = new Peer(scheme, path ?? port);
    return this.peers[name];
  }

  /**
   * Makes a client, and logs what it emits, or what its constructor throws.
   * Events of which a listener makes a difference are left out.
   *
   * @param {(string|URL)} address the address
   * @param {Object} [options] those of the client
   * @return {WebSocket} undefined if the constructor throws
   */
  connect(address, options) {
    const { WebSocket } = this.package;
    try {
      this.ws = new WebSocket(address, {
        perMessageDeflate: false,
        generateMask: (mask) => mask.set(MASK),
        ca: identity.cert,
        ...options
      });
    } catch (err) {
      this.note(`constructor throws ${describe(err)}`);
      return undefined;
    }
    this.watch(this.ws);
    return this.ws;
  }

  /**
   * Starts a peer, and connects to it.
   *
   * @param {Function} answer see `serve()`
   * @param {Object} [options] those of the client, and `at`: path and query of
   *     the address
   * @return {Promise<WebSocket>} the client
   */
  async meet(answer, { at, ...options } = {}) {
    const peer = await this.serve('peer', answer);
    return this.connect(peer.url(at), options);
  }

  /** @param {WebSocket} ws a client, what it emits is logged */
  watch(ws) {
    const note = (text) => this.note(`${text} [${ws.readyState}]`);
    ws.on('upgrade', (res) =>
      note(`upgrade ${res.statusCode} ${ws._socket} ${ws._req !== null}`)
    );
    ws.on('open', () =>
      note(`open ${ws.protocol}|${ws.extensions} ${ws.url} ${ws._req}`)
    );
    ws.on('message', (data, isBinary) =>
      note(`message ${isBinary ? show(data) : `"${data}"`}`)
    );
    ws.on('error', (err) => note(`error ${describe(err)}`));
    ws.on('close', (code, reason) => note(`close ${code} ${reason}`));
    this.cleanups.push(() => ws.on('error', () => {}).terminate());
  }

  /**
   * Logs the next tick, microtask and turn of the event loop.
   *
   * @param {string} name what they come after
   */
  ticks(name) {
    process.nextTick(() => this.note(`${name}: next tick`));
    Promise.resolve().then(() => this.note(`${name}: microtask`));
    setImmediate(() => this.note(`${name}: immediate`));
  }

  /**
   * Waits until a client has emitted `'close'`, and its peer too.
   *
   * @param {number} [count=1] how many clients have done so by then
   */
  async settled(count = 1) {
    await this.logged(/^close /, count);
    await this.until(() => this.open.size === 0);
  }

  /**
   * Waits until a client has emitted `'close'`, and for what comes then.
   *
   * @param {number} [count=1] how many clients have done so by then
   */
  async closed(count = 1) {
    await this.settled(count);
    await this.idle();
  }

  /**
   * Waits until a client is open, closes it, and waits for the end.
   *
   * @param {number} [count=1] how many clients have been opened by then
   */
  async opened(count = 1) {
    await this.logged(/^open /, count);
    this.ws.close(1000);
    await this.closed(count);
  }

  /** Leaves nothing behind, which is not part of the log. */
  async leave() {
    this.note = () => {};
    await super.leave();
  }

  #watchSocket(socket, lines) {
    let bytes = '';
    this.open.add(socket);
    socket.on('data', (chunk) => {
      bytes += chunk.toString('hex');
      // Whoever has received a close frame hangs up.
      if (/888[02]01020304/.test(bytes)) socket.end();
    });
    socket.on('close', () => {
      this.open.delete(socket);
      lines.push(`closed after ${bytes || 'nothing'}`);
    });
  }

  /** @return {Object} the log, without what differs from run to run */
  #result() {
    const scrub = (line) =>
      Object.entries(this.peers).reduce(
        (text, [name, { place }]) => text.replaceAll(`${place}`, `<${name}>`),
        // OpenSSL's messages begin with the number of the thread.
        line.replace(/\b[\dA-F]+(?=:error:)/, '<thread>')
      );
    return Object.fromEntries(
      Object.entries(this.log)
        .filter(([, lines]) => Array.isArray(lines))
        .map(([name, lines]) => [name, lines.map(scrub)])
    );
  }
}

/**
 * Says what a request has in a field, its random key hidden.
 *
 * @param {string[]} field name and value
 * @return {string} a line for the log
 */
function showField([name, value]) {
  const isKey = /^sec-websocket-key$/i.test(name);
  const shown = isKey ? value.replace(/^[\w+/]{22}==$/, '<key>') : value;
  return `${name}: ${shown}`;
}

/**
 * Makes the answer of a redirect.
 *
 * @param {string} location where it leads
 * @param {string} [status] status code and text
 * @return {string} the response
 */
function redirect(location, status = '302 Found') {
  return response(status, `Location: ${location}`, 'Content-Length: 0');
}

/**
 * Where scenarios are performed, for the `stages` of their file.
 *
 * @param {...string} schemes how the peer is reached
 * @return {Object} functions that make stages
 */
function clientStages(...schemes) {
  return Object.fromEntries(
    schemes.map((scheme) => [
      `${scheme}:`,
      (tested) => new ClientStage({ package: tested, scheme })
    ])
  );
}

module.exports = { clientStages, redirect, response };
