'use strict';

// The demo: a page, an echo endpoint and a chat on one port.
//
//   /        the page
//   /echo    sends every message back
//   /chat    sends every message to everybody (see chat.js)
//
// HOST (default 127.0.0.1) and PORT (default 8080, or another if that one is
// taken) say where.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const Chat = require('./chat');

/** The page's files, by the path that they are served at. */
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/chat.js': ['chat.js', 'text/javascript; charset=utf-8'],
  '/connection.js': ['connection.js', 'text/javascript; charset=utf-8'],
  '/echo.js': ['echo.js', 'text/javascript; charset=utf-8'],
  '/plot.js': ['plot.js', 'text/javascript; charset=utf-8']
};

const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': "default-src 'self'; img-src data:",
  // A page that is isolated in this way gets the browser's finest clock.
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff'
};

/** The longest message that the echo endpoint takes, in bytes. */
const MAX_ECHO = 1024 * 1024;

/** How long the connections may take to close, in milliseconds. */
const CLOSE_TIMEOUT = 1000;

/**
 * Answers a request for the page or one of its parts.
 *
 * @param {http.IncomingMessage} req the request
 * @param {http.ServerResponse} res the response
 */
function servePage(req, res) {
  const [pathname] = req.url.split('?');

  if (!Object.hasOwn(FILES, pathname)) {
    res.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n');
    return;
  }

  const [name, type] = FILES[pathname];

  res
    .writeHead(200, { ...HEADERS, 'Content-Type': type })
    .end(fs.readFileSync(path.join(__dirname, 'public', name)));
}

/**
 * Sends every message of a connection back.
 *
 * @param {WebSocket} ws the connection
 */
function echo(ws) {
  ws.on('error', (err) => console.error(`/echo: ${err.message}`));
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
}

/** The HTTP server with its two WebSocket endpoints. */
class Demo {
  /** @param {Function} WebSocketServer the class that serves the endpoints */
  constructor(WebSocketServer) {
    const chat = new Chat();

    this.endpoints = new Map([
      ['/echo', new WebSocketServer({ noServer: true, maxPayload: MAX_ECHO })],
      ['/chat', new WebSocketServer({ noServer: true, maxPayload: 4096 })]
    ]);
    this.endpoints.get('/echo').on('connection', echo);
    this.endpoints.get('/chat').on('connection', (ws) => chat.join(ws));

    this.server = http.createServer(servePage);
    this.server.on('upgrade', (req, socket, head) => {
      const endpoint = this.endpoints.get(req.url);

      if (endpoint === undefined) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
        return;
      }
      endpoint.handleUpgrade(req, socket, head, (ws) =>
        endpoint.emit('connection', ws, req)
      );
    });
  }

  /**
   * Starts to listen.
   *
   * @param {number} port the port; 0 for any
   * @param {string} host the address
   * @return {Promise<string>} resolves with the page's URL
   */
  listen(port, host) {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        const { address, port } = this.server.address();
        const name = address.includes(':') ? `[${address}]` : address;

        this.server.off('error', reject);
        resolve(`http://${name}:${port}/`);
      });
    });
  }

  /**
   * Says goodbye to everybody and stops.
   *
   * @return {Promise} resolves when all connections are gone
   */
  close() {
    const clients = [...this.endpoints.values()].flatMap((endpoint) => [
      ...endpoint.clients
    ]);

    for (const client of clients) client.close(1001, 'The demo ends');

    const timer = setTimeout(() => {
      for (const client of clients) client.terminate();
    }, CLOSE_TIMEOUT);

    return new Promise((resolve) => {
      this.server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.server.closeIdleConnections?.();
    });
  }
}

/**
 * Serves the demo on ferrows until a signal ends it.
 *
 * @return {Promise} resolves when it listens
 */
async function main() {
  const { WebSocketServer } = require('..');
  const { HOST = '127.0.0.1', PORT = '8080' } = process.env;
  const demo = new Demo(WebSocketServer);

  const url = await demo.listen(Number(PORT), HOST).catch((err) => {
    if (err.code !== 'EADDRINUSE') throw err;
    console.log(`Port ${PORT} is taken, so this is another one.`);
    return demo.listen(0, HOST);
  });

  console.log(`The demo is at ${url} (Ctrl-C ends it)`);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    // Once: a second signal ends the process the hard way.
    process.once(signal, () => demo.close());
  }
}

if (require.main === module) main();

module.exports = { Demo, main };
