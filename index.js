'use strict';

// First, because an old Node.js cannot parse the other files.
require('./lib/node-version').ensureVersion(process.versions);

const WebSocket = require('./lib/websocket');
const WebSocketServer = require('./lib/websocket-server');

module.exports = Object.assign(WebSocket, {
  createWebSocketStream: require('./lib/stream'),
  extension: require('./lib/extension'),
  PerMessageDeflate: require('./lib/permessage-deflate'),
  Receiver: require('./lib/receiver'),
  Sender: require('./lib/sender'),
  Server: WebSocketServer,
  subprotocol: require('./lib/subprotocol'),
  WebSocket,
  WebSocketServer
});
