'use strict';

// A server that knows where its clients are, also behind a proxy.
//
// PORT (default 8080) says where it listens. PROXIES are the addresses of the
// own proxies, separated by commas (default none).

const { WebSocketServer } = require('ferrows');

const { PORT = 8080, PROXIES = '' } = process.env;

/** The proxies whose word is good. */
const proxies = new Set(PROXIES.split(',').map((address) => address.trim()));

/**
 * Finds out where a request comes from. Each proxy on the way adds the address
 * that it sees to the end of the header `X-Forwarded-For`. A client can put
 * anything in front of that, so the list is read from the end, and no further
 * than the own proxies vouch for it.
 *
 * @param {http.IncomingMessage} request the request
 * @return {string} the address
 */
function remoteAddress(request) {
  const forwarded = request.headers['x-forwarded-for'] ?? '';
  const way = forwarded
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');

  way.push(request.socket.remoteAddress);
  return way.findLast((address) => !proxies.has(address)) ?? way[0];
}

// A server on all addresses would get IPv4 addresses in the form
// `::ffff:127.0.0.1`.
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(PORT) });

server.on('connection', (ws, request) => {
  const address = remoteAddress(request);

  console.log(`from ${address}`);
  ws.on('error', console.error);
  ws.send(`you are ${address}`);
});

server.on('listening', () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
