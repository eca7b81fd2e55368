'use strict';

// A client that connects through an HTTP proxy: an agent asks the proxy for a
// tunnel (CONNECT; RFC 9110, section 9.3.6), through which the handshake and
// everything after it go.
//
// The arguments are the URL of the proxy, such as http://127.0.0.1:3128, and
// that of the server (default ws://127.0.0.1:8080).

const http = require('node:http');
const https = require('node:https');
const tls = require('node:tls');
const { WebSocket } = require('ferrows');

/**
 * Opens a tunnel through a proxy.
 *
 * @param {URL} proxy the proxy
 * @param {string} target host and port of the other end
 * @param {Function} callback called with an error, or with null and a socket
 */
function openTunnel(proxy, target, callback) {
  const request = http.request({
    agent: false,
    host: proxy.hostname,
    port: proxy.port,
    method: 'CONNECT',
    path: target,
    // A proxy that asks for a password gets it here: Proxy-Authorization.
    headers: { Host: target }
  });

  request.on('error', callback);
  request.on('connect', ({ statusCode }, socket) => {
    if (statusCode === 200) {
      // The server waits for the first word, so nothing has come yet.
      console.log(`tunnel to ${target}`);
      callback(null, socket);
    } else {
      socket.destroy();
      callback(new Error(`The proxy answered ${statusCode}`));
    }
  });
  request.end();
}

/**
 * Makes an agent whose connections go through a proxy.
 *
 * @param {URL} proxy the proxy
 * @param {boolean} secure whether TLS is spoken inside of the tunnel
 * @return {http.Agent} the agent
 */
function createAgent(proxy, secure) {
  const agent = new (secure ? https : http).Agent();

  agent.createConnection = (options, callback) => {
    openTunnel(proxy, `${options.host}:${options.port}`, (err, socket) => {
      if (err || !secure) callback(err, socket);
      else callback(null, tls.connect({ ...options, socket }));
    });
  };
  return agent;
}

const [proxy, url = 'ws://127.0.0.1:8080'] = process.argv.slice(2);
const ws = new WebSocket(url, {
  agent: createAgent(new URL(proxy), url.startsWith('wss:'))
});

ws.on('error', (err) => console.error(err.message));
ws.on('open', () => ws.send('through the tunnel'));
ws.on('message', (data) => {
  console.log(`received: ${data}`);
  ws.close(1000);
});
