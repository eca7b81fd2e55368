'use strict';

// Pages and WebSockets on one port: an HTTP server, or an HTTPS server, whose
// upgrade requests are answered with WebSockets.
//
// PORT (default 8080) says where it listens. With CERT and KEY, the paths of a
// certificate and of its private key (PEM), it speaks HTTPS and wss.

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { WebSocketServer } = require('ferrows');

const { CERT, KEY, PORT = 8080 } = process.env;

/**
 * Answers an ordinary request.
 *
 * @param {http.IncomingMessage} request the request
 * @param {http.ServerResponse} response what to answer with
 */
function answer(request, response) {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('a page\n');
}

const secure = CERT !== undefined && KEY !== undefined;
const server = secure
  ? https.createServer(
      { cert: fs.readFileSync(CERT), key: fs.readFileSync(KEY) },
      answer
    )
  : http.createServer(answer);

// The WebSocket server does not listen by itself, and does not close the other
// one when it is closed.
const sockets = new WebSocketServer({ server });

sockets.on('connection', (ws) => {
  ws.on('error', console.error);
  ws.on('message', (data) => console.log(`received: ${data}`));
  ws.send('welcome');
});

server.listen(Number(PORT), '127.0.0.1', () => {
  const address = `127.0.0.1:${server.address().port}`;

  console.log(`a page on http${secure ? 's' : ''}://${address}/`);
  console.log(`listening on ws${secure ? 's' : ''}://${address}`);
});
