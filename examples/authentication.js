'use strict';

// Only clients with a name and a password get a WebSocket: those of others are
// refused with a 401 before there is a connection.
//
// PORT (default 8080) says where it listens, PASSWORD (default `secret`) is the
// password of the only user, `ann`. A client connects to
// ws://ann:secret@127.0.0.1:8080. Both travel as they are: use wss.

const crypto = require('node:crypto');
const http = require('node:http');
const { promisify } = require('node:util');
const { WebSocketServer } = require('ferrows');

const scrypt = promisify(crypto.scrypt);

const { PASSWORD = 'secret', PORT = 8080 } = process.env;

/** How long the hash of a password is, in bytes. */
const HASH_LENGTH = 32;

// What a database would hold: never the passwords themselves.
const salt = crypto.randomBytes(16);
const users = new Map([
  ['ann', { salt, hash: crypto.scryptSync(PASSWORD, salt, HASH_LENGTH) }]
]);

/** Stands in for users who do not exist, so that they take the same time. */
const NOBODY = { salt, hash: crypto.randomBytes(HASH_LENGTH) };

/**
 * Finds out who makes a request, by its header `Authorization` (RFC 7617).
 * Cookies and tokens in the URL are other ways; browsers can set no headers.
 *
 * @param {http.IncomingMessage} request the request
 * @return {Promise<string|undefined>} the user's name, if the password is right
 */
async function authenticate(request) {
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(
    ' '
  );

  if (scheme.toLowerCase() !== 'basic') return undefined;

  const credentials = Buffer.from(encoded, 'base64').toString();
  const colon = credentials.indexOf(':');
  const name = credentials.slice(0, colon);
  const { salt, hash } = users.get(name) ?? NOBODY;
  const actual = await scrypt(credentials.slice(colon + 1), salt, HASH_LENGTH);

  return crypto.timingSafeEqual(actual, hash) ? name : undefined;
}

const server = http.createServer((request, response) => {
  response.writeHead(404).end();
});
const sockets = new WebSocketServer({ noServer: true });

sockets.on('connection', (ws, request, user) => {
  console.log(`${user} is here`);
  ws.on('error', console.error);
  ws.on('message', (data) => console.log(`${user} says: ${data}`));
  ws.send(`hello ${user}`);
});

server.on('upgrade', async (request, socket, head) => {
  // Until the upgrade is handled nobody else hears of the socket's errors.
  socket.on('error', console.error);

  const user = await authenticate(request).catch(console.error);

  if (user === undefined) {
    console.log('refused');
    socket.once('finish', () => socket.destroy());
    socket.end(
      'HTTP/1.1 401 Unauthorized\r\n' +
        'WWW-Authenticate: Basic realm="example"\r\n' +
        'Connection: close\r\n' +
        'Content-Length: 0\r\n\r\n'
    );
    return;
  }

  socket.off('error', console.error);
  sockets.handleUpgrade(request, socket, head, (ws) => {
    sockets.emit('connection', ws, request, user);
  });
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
