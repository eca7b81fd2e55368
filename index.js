'use strict';

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
