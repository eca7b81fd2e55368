'use strict';

/**
 * Gives up a handshake. `'error'` and `'close'` follow in a later tick.
 *
 * @param {WebSocket} websocket the client, in the state CONNECTING
 * @param {(http.ClientRequest|stream.Duplex)} stream what the handshake runs
 *     on: the request, or the socket once the connection was upgraded
 * @param {string} message the message of the error to emit
 */
function abortHandshake(websocket, stream, message) {
  const err = new Error(message);

  websocket._readyState = websocket.CLOSING;
  Error.captureStackTrace(err, abortHandshake);

  if (stream.setHeader === undefined) {
    stream.once('error', (reason) => websocket.emit('error', reason));
    stream.once('close', () => websocket.emitClose());
    stream.destroy(err);
    return;
  }

  // Agents that connect by and by look at `aborted`, which `destroy` leaves.
  stream.abort();
  // A request that was answered in full has let go of its socket.
  stream.socket?.destroy();
  process.nextTick(emitErrorAndClose, websocket, err);
}

/**
 * Reports that the connection could not be opened.
 *
 * @param {WebSocket} websocket the client
 * @param {Error} err why
 */
function emitErrorAndClose(websocket, err) {
  websocket._readyState = websocket.CLOSING;
  websocket._errorEmitted = true;
  websocket.emit('error', err);
  websocket.emitClose();
}

module.exports = { abortHandshake, emitErrorAndClose };
