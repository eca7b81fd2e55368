'use strict';

// Where a server is asked for connections, by clients written by hand.

const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

const { closeBody, frame, OP } = require('../support/frames');
const { identity } = require('../support/peer');
const { requestText } = require('../support/upgrade');
const { describe, PlainStage, show } = require('./plain-stage');

/** A client, and what it has received. */
class Client {
  /**
   * @param {net.Socket} socket its socket
   * @param {PlainStage} stage where it plays
   */
  constructor(socket, stage) {
    this.socket = socket;
    this.stage = stage;
    this.bytes = Buffer.alloc(0);
    this.lines = [];
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
    socket.on('end', () => this.lines.push('end'));
    socket.on('error', (err) => this.lines.push(`error ${err.code}`));
    socket.on('close', () => this.lines.push('close'));
  }

  /** The body of the response, or the frames. */
  get body() {
    const end = this.bytes.indexOf('\r\n\r\n');
    return end === -1 ? Buffer.alloc(0) : this.bytes.subarray(end + 4);
  }

  /** Waits for the head of the response. */
  async answered() {
    await this.stage.until(() => this.bytes.includes('\r\n\r\n'));
  }

  /**
   * Waits for more than the head.
   *
   * @param {number} length how many bytes
   */
  async received(length) {
    await this.stage.until(() => this.body.length >= length);
  }

  /** Waits until the socket is closed. */
  async gone() {
    await this.stage.until(() => this.lines.includes('close'));
  }

  /** @param {...Array} frames arguments of `frame()` for each, masked here */
  say(...frames) {
    for (const [opcode, data] of frames) {
      this.socket.write(frame(opcode, data, { mask: true }));
    }
  }

  /** Closes the connection in an orderly way, and waits for the end. */
  async bye() {
    const { stage } = this;
    this.say([OP.CLOSE, closeBody(1000)]);
    await this.gone();
    // The other end needs a moment more.
    await stage.until(() => stage.sockets.every((ws) => ws.readyState !== 2));
  }

  /** @return {string[]} what came and happened, in lines */
  result() {
    const text = this.bytes
      .toString('latin1')
      .replace(/^Date: .*$/m, 'Date: <date>');
    return [...text.split('\r\n'), ...this.lines];
  }
}

/** The stage of a scenario about servers. */
class ServerStage extends PlainStage {
  /**
   * @param {Object} options
   * @param {Object} options.package the package under test
   * @param {string} options.mode `port`, `server`, `https` or `noServer`
   */
  constructor({ package: tested, mode }) {
    super({ package: tested });
    this.mode = mode;
    /** The server under test. */
    this.wss = undefined;
    /** The HTTP server, unless the server under test makes its own. */
    this.http = undefined;
    /** The WebSockets, in the order of their connections. */
    this.sockets = [];
    this.clients = [];
    this.log = { ws: [], result: () => this.#result() };
  }

  /**
   * Makes the server, and waits until it listens.
   *
   * @param {Object} [options] those of the server, besides where it listens
   * @return {Promise<WebSocketServer>} the server
   */
  async open(options) {
    const { WebSocketServer } = this.package;
    if (this.mode === 'port') {
      this.wss = new WebSocketServer({
        port: 0,
        host: '127.0.0.1',
        ...options
      });
      this.watch(this.wss);
      await once(this.wss, 'listening');
      return this.wss;
    }
    this.makeHttp();
    if (this.mode === 'noServer') {
      this.wss = new WebSocketServer({ noServer: true, ...options });
      this.http.on('upgrade', (req, socket, head) =>
        this.attempt('upgrade', () =>
          this.wss.handleUpgrade(req, socket, head, (ws, request) => {
            this.wss.emit('connection', ws, request);
          })
        )
      );
    } else {
      this.wss = new WebSocketServer({ server: this.http, ...options });
    }
    this.watch(this.wss);
    await this.listen();
    return this.wss;
  }

  /** Makes the HTTP server. */
  makeHttp() {
    const plain = (req, res) => res.end('plain');
    this.http =
      this.mode === 'https'
        ? https.createServer(identity, plain)
        : http.createServer(plain);
    this.cleanups.push(() => this.http.close());
  }

  /** Lets the HTTP server listen. */
  async listen() {
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
  }

  /**
   * Logs what a server emits. Events of which a listener makes a difference are
   * left out.
   *
   * @param {WebSocketServer} wss the server
   * @param {string} [name] what it is called
   */
  watch(wss, name = 'wss') {
    const note = (text) => this.note(`${name}: ${text}`);
    wss.on('listening', () => note('listening'));
    wss.on('error', (err) => note(`error ${err.code}`));
    wss.on('headers', (lines, req) =>
      note(`headers ${lines.length} ${req.url} ${wss.clients?.size}`)
    );
    wss.on('connection', (ws, req) => {
      note(`connection ${req.url} ${ws.protocol} ${wss.clients?.size}`);
      this.watchSocket(ws, `${name} ${req.url}`);
    });
    wss.on('close', () => note(`close ${wss.clients?.size}`));
    this.cleanups.push(() => wss.close());
  }

  /**
   * Logs what a WebSocket emits.
   *
   * @param {WebSocket} ws the WebSocket
   * @param {string} name what it is called
   */
  watchSocket(ws, name) {
    const note = (text) => this.note(`${name}: ${text} [${ws.readyState}]`);
    this.sockets.push(ws);
    ws.on('message', (data, isBinary) =>
      note(`message ${isBinary ? show(data) : `"${data}"`}`)
    );
    ws.on('error', (err) => note(`error ${describe(err)}`));
    ws.on('close', (code, reason) => note(`close ${code} ${reason}`));
    this.cleanups.push(() => ws.terminate());
  }

  /** Logs each `'wsClientError'`, and answers it as `answer` does. */
  watchFaults(answer = (socket) => socket.end('mine')) {
    this.wss.on('wsClientError', (err, socket, req) => {
      this.note(`wsClientError ${describe(err)} ${req.method} ${req.url}`);
      answer(socket);
    });
  }

  /** The port of the server. */
  get port() {
    return (this.http || this.wss._server).address().port;
  }

  /**
   * Sends a request.
   *
   * @param {Object} [fields] headers to add or replace
   * @param {string} [line] the request line
   * @param {Array[]} [early] frames to send along
   * @return {Client} a client that has written it
   */
  ask(fields, line, early = []) {
    const bytes = early.map((args) => frame(...args, { mask: true }));
    return this.write(
      Buffer.concat([
        Buffer.from(requestText(fields, line), 'latin1'),
        ...bytes
      ])
    );
  }

  /**
   * Sends a request, and waits for an answer that ends the connection.
   *
   * @param {Object} [fields] headers to add or replace
   * @param {string} [line] the request line
   */
  async refused(fields, line) {
    await this.ask(fields, line).gone();
  }

  /**
   * Connects to the server.
   *
   * @param {(string|Buffer)} [bytes] what to send
   * @return {Client} the client
   */
  write(bytes = '') {
    const { port } = this;
    const socket =
      this.mode === 'https'
        ? tls.connect({ port, host: '127.0.0.1', ca: identity.cert })
        : net.connect({ port, host: '127.0.0.1' });
    const client = new Client(socket, this);
    this.clients.push(client);
    this.cleanups.push(() => socket.destroy());
    socket.write(bytes);
    return client;
  }

  /**
   * Opens a connection.
   *
   * @param {string} [path] the request's path
   * @param {Object} [fields] headers to add or replace
   * @return {Promise<{client: Client, ws: WebSocket}>}
   */
  async connection(path = '/', fields) {
    const count = this.sockets.length;
    const client = this.ask(fields, `GET ${path} HTTP/1.1`);
    await client.answered();
    await this.until(() => this.sockets.length > count);
    return { client, ws: this.sockets.at(-1) };
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

  /** Leaves nothing behind, which is not part of the log. */
  async leave() {
    this.note = () => {};
    await super.leave();
  }

  /** @return {Object} the log */
  #result() {
    return {
      ws: this.log.ws,
      clients: this.clients.map((client) => client.result())
    };
  }
}

/**
 * Where scenarios are performed, for the `stages` of their file.
 *
 * @param {...string} modes the modes of the server
 * @return {Object} functions that make stages
 */
function serverStages(...modes) {
  return Object.fromEntries(
    modes.map((mode) => [
      `mode ${mode}`,
      (tested) => new ServerStage({ package: tested, mode })
    ])
  );
}

module.exports = { serverStages };
