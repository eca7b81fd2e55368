'use strict';

// Several WebSocket servers share one HTTP server. Which one gets an upgrade
// request depends on its path:
//
//   /echo    sends every message back
//   /clock   sends the time once a second
//
// PORT (default 8080) says where it listens.

const http = require('node:http');
const { WebSocketServer } = require('ferrows');

/** How often the clock sends the time, in milliseconds. */
const TICK = 1000;

const echo = new WebSocketServer({ noServer: true });
const clock = new WebSocketServer({ noServer: true });
const servers = new Map([
  ['/echo', echo],
  ['/clock', clock]
]);

echo.on('connection', (ws) => {
  ws.on('error', console.error);
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
});

clock.on('connection', (ws) => {
  const tell = () => ws.send(new Date().toISOString());
  const timer = setInterval(tell, TICK);

  ws.on('error', console.error);
  ws.on('close', () => clearInterval(timer));
  tell();
});

const server = http.createServer((request, response) => {
  response.writeHead(404).end();
});

server.on('upgrade', (request, socket, head) => {
  // Whoever takes an upgrade request has to answer it, also with a refusal.
  const [path] = request.url.split('?');
  const target = servers.get(path);

  if (target === undefined) {
    console.log(`refused: ${path}`);
    socket.on('error', console.error);
    socket.once('finish', () => socket.destroy());
    socket.end(
      'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    );
    return;
  }

  // With `noServer` it is up to the program to emit 'connection'.
  target.handleUpgrade(request, socket, head, (ws) => {
    target.emit('connection', ws, request);
  });
});

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
