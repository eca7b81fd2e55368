'use strict';

// What the echo server and the echo client run on. WS_MODULE names the module
// under test, by name or path, looked up from the working directory (default:
// this repository); DEFLATE=0 turns permessage-deflate off.

const path = require('node:path');

const name = process.env.WS_MODULE;
const root = path.join(__dirname, '..', '..');

const { WebSocket, WebSocketServer } = require(
  name ? require.resolve(name, { paths: [process.cwd()] }) : root
);

// The limits are off: cases 9.3.1, 9.3.2, 9.4.1 and 9.4.2 send more fragments
// in a message than the default `maxFragments` (16384) lets through.
const options = {
  perMessageDeflate: process.env.DEFLATE !== '0',
  maxPayload: 0,
  maxFragments: 0,
  maxBufferedChunks: 0
};

module.exports = { WebSocket, WebSocketServer, options };
