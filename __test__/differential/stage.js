'use strict';

// Where a scenario plays: a WebSocket of the package under test, and a peer
// that speaks frames written by hand over the other end of a stream.

const { createHash } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { Duplex } = require('node:stream');

const { closeBody, frame, OP } = require('../support/frames');
const { describe, PlainStage, show } = require('./plain-stage');

/** Fixed, so that what a client sends can be compared. */
const MASK = [1, 2, 3, 4];

/** One end of a stream in memory; what is written comes out of the other. */
class End extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
    /** @type {End} */
    this.other = undefined;
  }

  _read() {}

  _write(chunk, encoding, done) {
    setImmediate(() => {
      if (!this.other.destroyed) this.other.push(chunk);
      done();
    });
  }

  _writev(chunks, done) {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => Buffer.from(chunk)));
    this._write(bytes, undefined, done);
  }

  _final(done) {
    if (!this.other.destroyed) this.other.push(null);
    done();
  }

  _destroy(err, done) {
    setImmediate(() => {
      if (!this.other.destroyed && !this.other.readableEnded) {
        this.other.push(null);
      }
      done(err);
    });
  }
}

/**
 * Two ends of a stream in memory.
 *
 * @return {Promise<{ours: Duplex, theirs: Duplex}>}
 */
async function memory() {
  const [ours, theirs] = [new End(), new End()];
  ours.other = theirs;
  theirs.other = ours;
  return { ours, theirs, head: Buffer.alloc(0) };
}

/** A stage with a connection. */
class Stage extends PlainStage {
  /**
   * @param {Object} options
   * @param {Object} options.package the package under test
   * @param {boolean} options.isServer the side that its WebSocket is on
   * @param {boolean} options.tcp whether over TCP; else a bare Duplex
   */
  constructor({ package: tested, isServer, tcp }) {
    super({ package: tested });
    this.isServer = isServer;
    this.tcp = tcp;
    /** The WebSocket under test. */
    this.ws = undefined;
    /** The other end of its socket. */
    this.peer = undefined;
    /** Lines that the peer adds to its half of the handshake. */
    this.fields = [];
  }

  /**
   * Does without a handshake what it would do for extensions.
   *
   * @param {WebSocket} ws a WebSocket that has no socket yet
   * @param {Object} options its options
   */
  extend() {}

  /**
   * Opens the connection.
   *
   * @param {Object} [options] those of the WebSocket
   * @param {Buffer[]} [early] frames that come right behind the handshake
   */
  async open(options = {}, early = []) {
    const head = Buffer.concat(early);
    if (!this.tcp) await this.#openBare(options, head);
    else if (this.isServer) await this.#openServer(options, head);
    else await this.#openClient(options, head);

    this.peer.on('data', (chunk) => {
      this.log.bytes = Buffer.concat([this.log.bytes, chunk]);
    });
    this.peer.on('end', () => this.log.peer.push('end'));
    this.peer.on('error', (err) => this.log.peer.push(`error ${err.code}`));
    this.peer.on('close', () => this.log.peer.push('close'));
    this.cleanups.push(() => this.peer.destroy());
  }

  async #openBare(options, head) {
    const { WebSocket } = this.package;
    const { ours, theirs } = await memory();
    const { isServer } = this;
    const ws = new WebSocket(null, undefined, {
      autoPong: true,
      closeTimeout: 30000,
      maxPendingAutoPongs: 60,
      ...options
    });
    ws._isServer = isServer;
    this.peer = theirs;
    this.#watch(ws);
    this.extend(ws, options);
    ws.setSocket(ours, head, {
      ...options,
      generateMask: isServer ? undefined : fillMask
    });
  }

  async #openServer(options, head) {
    const { WebSocketServer } = this.package;
    const wss = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
    this.cleanups.push(() => wss.close());
    wss.on('connection', (ws) => this.#watch(ws));
    await once(wss, 'listening');

    this.peer = net.connect({
      port: wss.address().port,
      host: '127.0.0.1',
      allowHalfOpen: true
    });
    const request = [
      'GET / HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      ...this.fields,
      '',
      ''
    ].join('\r\n');
    this.peer.write(Buffer.concat([Buffer.from(request), head]));
    await Promise.all([once(wss, 'connection'), this.#readHead()]);
  }

  async #openClient(options, head) {
    const { WebSocket } = this.package;
    const server = http.createServer();
    server.on('upgrade', (req, socket) => {
      const accept = createHash('sha1')
        .update(req.headers['sec-websocket-key'])
        .update('258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
        .digest('base64');
      const response = [
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Accept: ${accept}`,
        ...this.fields,
        '',
        ''
      ].join('\r\n');
      this.peer = socket;
      socket.write(Buffer.concat([Buffer.from(response), head]));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.cleanups.push(() => server.close());

    const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`, {
      perMessageDeflate: false,
      generateMask: fillMask,
      ...options
    });
    this.#watch(ws);
    await once(ws, 'open');
  }

  /** Reads the response to the peer's request. */
  #readHead() {
    return new Promise((resolve) => {
      let text = '';
      const onData = (chunk) => {
        text += chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end === -1) return;
        this.peer.removeListener('data', onData);
        this.log.bytes = Buffer.from(text.slice(end + 4), 'latin1');
        resolve();
      };
      this.peer.on('data', onData);
    });
  }

  /**
   * Logs what a WebSocket emits.
   *
   * @param {WebSocket} ws the WebSocket
   */
  #watch(ws) {
    const note = (text) => this.note(`${text} [${ws.readyState}]`);
    this.ws = ws;
    ws.on('open', () => note('open'));
    ws.on('message', (data, isBinary) =>
      note(`message ${isBinary ? show(data) : JSON.stringify(`${data}`)}`)
    );
    ws.on('ping', (data) => note(`ping ${show(data)}`));
    ws.on('pong', (data) => note(`pong ${show(data)}`));
    ws.on('error', (err) => note(`error ${describe(err)}`));
    ws.on('close', (code, reason) => note(`close ${code} ${reason}`));
    this.cleanups.push(() => ws.terminate());
  }

  /**
   * Sends frames to the WebSocket, in one chunk.
   *
   * @param {...Array} frames for each the arguments of `frame`
   */
  say(...frames) {
    this.peer.write(this.encode(...frames));
  }

  /**
   * @param {...Array} frames for each the arguments of `frame`
   * @return {Buffer} their bytes
   */
  encode(...frames) {
    const mask = this.isServer;
    return Buffer.concat(
      frames.map(([opcode, data, options]) =>
        frame(opcode, data, { mask, ...options })
      )
    );
  }

  /** Sends a message and a text that ends it. */
  text(...texts) {
    this.say(...texts.map((text) => [OP.TEXT, text]));
  }

  /**
   * Sends a close frame.
   *
   * @param {number} [code] the close code
   * @param {string} [reason] the reason
   */
  bye(code, reason) {
    this.say([OP.CLOSE, code === undefined ? '' : closeBody(code, reason)]);
  }

  /** The peer closes, and everything ends as it should. */
  async goodbye() {
    this.bye(1000);
    await this.ended();
    this.peer.end();
    await this.closed();
  }

  /** Waits until the WebSocket has emitted `'close'`. */
  async closed() {
    await this.until(() => this.log.ws.some((line) => /^close /.test(line)));
  }

  /** Waits until the peer has read an end. */
  async ended() {
    await this.until(() => this.log.peer.includes('end'));
  }

  /** Waits until the peer's end is closed. */
  async gone() {
    await this.until(() => this.log.peer.includes('close'));
  }

  /**
   * Waits until the peer has received as many bytes.
   *
   * @param {number} count how many since the handshake
   */
  async received(count) {
    await this.until(() => this.log.bytes.length >= count);
  }

  /** Lets the peer see the end, and leaves nothing behind. */
  async leave() {
    if (this.log.ws.some((line) => line.startsWith('close '))) {
      await this.until(() => this.log.peer.length > 0);
    }
    await super.leave();
  }
}

/**
 * @param {boolean} isServer the side of the WebSocket
 * @param {boolean} tcp whether over TCP
 * @return {function(Object): Stage} makes a stage, given the package
 */
function connection(isServer, tcp) {
  return (tested) => new Stage({ package: tested, isServer, tcp });
}

/** The `stages` of scenarios that need a real socket. */
const overTcp = {
  'server over TCP': connection(true, true),
  'client over TCP': connection(false, true)
};

/** The `stages` of all scenarios that do not say anything else. */
const everywhere = {
  ...overTcp,
  'server over a Duplex': connection(true, false),
  'client over a Duplex': connection(false, false)
};

module.exports = { everywhere, overTcp, Stage };

/** @param {Buffer} mask what to fill */
function fillMask(mask) {
  mask.set(MASK);
}
