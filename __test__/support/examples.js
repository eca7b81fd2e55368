'use strict';

// Runs the programs in `examples/`, with npm's `ws` at the other end. With the
// oracle under test they run on it: copied to where `ferrows` is the name of
// `ws`.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { on, once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { pipeline } = require('node:stream');

const { WebSocket, WebSocketServer } = require('ws');
const { oracle } = require('./ferrows');

const ROOT = path.join(__dirname, '..', '..');
const EXAMPLES = path.join(ROOT, 'examples');

/** A directory of its own, in which `ferrows` is the package under test. */
class Sandbox {
  constructor() {
    const root = oracle ? path.dirname(require.resolve('ws')) : ROOT;

    this.path = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-examples-'));
    fs.mkdirSync(path.join(this.path, 'node_modules'));
    fs.symlinkSync(
      root,
      path.join(this.path, 'node_modules', 'ferrows'),
      'junction'
    );
    if (oracle) fs.cpSync(EXAMPLES, this.path, { recursive: true });
    /** Where to run the examples. */
    this.examples = oracle ? this.path : EXAMPLES;
  }

  /** Removes it. */
  remove() {
    fs.rmSync(this.path, { recursive: true });
  }
}

/** A running example. */
class Example {
  /**
   * Starts an example on a free port.
   *
   * @param {TestContext} t the test, which stops it in the end
   * @param {string} cwd where it runs
   * @param {string} file the program
   * @param {string[]} [args] its arguments
   * @param {Object} [env] its variables
   */
  constructor(t, cwd, file, args = [], env = {}) {
    this.child = spawn(process.execPath, [file, ...args], {
      cwd,
      env: { ...process.env, PORT: '0', ...env }
    });
    this.closed = once(this.child, 'close');
    this.ended = false;
    this.output = '';
    this.errors = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.output += text;
      this.child.emit('progress');
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.errors += text;
    });
    this.child.on('close', () => {
      this.ended = true;
      this.child.emit('progress');
    });
    t.after(() => this.stop());
  }

  /**
   * Waits until the example has printed something.
   *
   * @param {RegExp} pattern what to wait for
   * @return {Promise<string[]>} what matched; rejected if the example ends first
   */
  async prints(pattern) {
    while (!pattern.test(this.output)) {
      assert.ok(!this.ended, `${this.output}${this.errors}`);
      await once(this.child, 'progress');
    }
    return pattern.exec(this.output);
  }

  /** @return {Promise<string>} the URL of the example's WebSocket server */
  async url() {
    const [, url] = await this.prints(/listening on (ws\S+)\n/);

    return url;
  }

  /**
   * Waits for an example that ends by itself without an error.
   *
   * @return {Promise<string>} all that it printed
   */
  async ends() {
    const [status] = await this.closed;

    assert.strictEqual(this.errors, '');
    assert.strictEqual(status, 0);
    return this.output;
  }

  /** Stops the example, if it still runs. */
  async stop() {
    this.child.kill();
    await this.closed;
  }
}

/** A client of an example. */
class Client {
  /**
   * @param {TestContext} t the test, which disconnects it in the end
   * @param {string} url where to connect to
   * @param {Object} [options] the WebSocket's options
   */
  constructor(t, url, options) {
    this.ws = new WebSocket(url, options);
    this.messages = on(this.ws, 'message');
    // What is received after the test is of no interest, errors neither.
    t.after(() => this.ws.on('error', () => {}).terminate());
  }

  /** @return {Promise} resolved when the client is connected */
  opened() {
    return once(this.ws, 'open');
  }

  /** @return {Promise<string>} the next message, which has to be text */
  async next() {
    const { value } = await this.messages.next();
    const [data, isBinary] = value;

    assert.strictEqual(isBinary, false);
    return data.toString();
  }
}

/**
 * Starts a server for examples of clients.
 *
 * @param {TestContext} t the test, which closes it in the end
 * @param {function(WebSocket): void} handler called with each connection
 * @param {http.Server} [server] the server to attach to
 * @return {Promise<number>} its port
 */
async function serve(t, handler, server = http.createServer()) {
  const wss = new WebSocketServer({ server });

  wss.on('connection', handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const ws of wss.clients) ws.terminate();
    server.close();
  });
  return server.address().port;
}

/**
 * Sends every message of a connection back.
 *
 * @param {WebSocket} ws the connection
 */
function echo(ws) {
  ws.on('message', (data, binary) => ws.send(data, { binary }));
}

/**
 * Starts an HTTP proxy.
 *
 * @param {TestContext} t the test, which closes it in the end
 * @param {string[]} allowed what it connects to; other targets are a 403
 * @return {Promise<string>} its URL
 */
async function proxy(t, allowed) {
  const server = http.createServer();
  const sockets = [];

  server.on('connect', ({ url }, socket) => {
    sockets.push(socket);
    if (!allowed.includes(url)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      return;
    }

    const [host, port] = url.split(':');
    const target = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      // Either side may end while the other one still sends.
      pipeline(socket, target, socket, () => undefined);
    });

    sockets.push(target);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

module.exports = { Client, echo, Example, EXAMPLES, proxy, Sandbox, serve };
