'use strict';

// The life of an open connection: what the events of its transport mean to a
// WebSocket, and how it is closed.

const toBinaryType = require('./binary-type');
const { EMPTY_BUFFER, kStatusCode, kWebSocket } = require('./constants');
const Receiver = require('./receiver');
const Sender = require('./sender');
const { createTransport, transportOptions } = require('./transport/choice');
const { kInbox } = require('./transport/symbols');

/** The close code that stands for a close frame without one. */
const NO_STATUS = 1005;

/** What a WebSocket does with the events of its transport. */
const EVENTS = {
  message(ws, payload, isBinary, frames) {
    const data =
      isBinary && ws._binaryType !== 'nodebuffer'
        ? toBinaryType(ws._binaryType, payload, frames)
        : payload;
    ws.emit('message', data, isBinary);
  },

  ping(ws, payload) {
    if (ws._autoPong) answerPing(ws, payload);
    ws.emit('ping', payload);
  },

  pong(ws, payload) {
    ws.emit('pong', payload);
  },

  conclude(ws, code, reason) {
    ws._transport.input.end();
    if (!ws._transport.closed) ws._transport.discard();
    ws._closeFrameReceived = true;
    ws._closeMessage = reason.length > 0 ? reason : EMPTY_BUFFER;
    ws._closeCode = code;
    if (code === NO_STATUS) ws.close();
    else ws.close(code, reason);
  },

  error(ws, err) {
    // COMPAT(ws): the error of a stream's write is emitted two ticks later.
    process.nextTick(process.nextTick, failReceiving, ws, err);
  },

  drain(ws) {
    if (!ws._paused && !ws._transport.closed) ws._transport.resume();
  },

  finish(ws) {
    ws._transport.finished = true;
    emitCloseIfDone(ws);
  },

  end(ws) {
    ws._readyState = ws.CLOSING;
    ws._transport.input.end();
    ws._transport.end();
  },

  lost(ws) {
    ws._readyState = ws.CLOSING;
  },

  close(ws) {
    ws._socket[kWebSocket] = undefined;
    clearTimeout(ws._closeTimer);
    ws._transport.closed = true;
    ws._transport.input.end();
    emitCloseIfDone(ws);
  }
};

/**
 * Opens a connection.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {stream.Duplex} socket the socket
 * @param {Buffer} head bytes that came after the handshake
 * @param {Object} options those of `WebSocket#setSocket()`
 */
function open(ws, socket, head, options) {
  const transport = createTransport(socket, ws, EVENTS, {
    allowSynchronousEvents: options.allowSynchronousEvents,
    extensions: ws._extensions,
    isServer: ws._isServer,
    maxBufferedChunks: options.maxBufferedChunks,
    maxFragments: options.maxFragments,
    maxPayload: options.maxPayload,
    skipUTF8Validation: options.skipUTF8Validation,
    ...transportOptions(options)
  });
  const sender = new Sender(socket, ws._extensions, options.generateMask);
  sender._transport = transport;
  sender.onerror = (err) => failSending(ws, err);

  ws._transport = transport;
  ws._sender = sender;
  ws._socket = socket;
  socket[kWebSocket] = ws;

  // A bare Duplex has neither.
  if (socket.setTimeout) socket.setTimeout(0);
  if (socket.setNoDelay) socket.setNoDelay();
  transport.start(head);
}

/**
 * Sends a close frame and waits for that of the peer.
 *
 * @param {WebSocket} ws the WebSocket, OPEN
 * @param {number} [code] the close code
 * @param {(string|Buffer)} [data] the reason
 * @throws {(TypeError|RangeError)} what `Sender#close()` throws
 */
function close(ws, code, data) {
  // A stream in memory may bring the answer before this returns.
  ws._readyState = ws.CLOSING;
  try {
    ws._sender.close(code, data, !ws._isServer, (err) => {
      // The transport learns of a broken socket by itself.
      if (err) return;
      ws._closeFrameSent = true;
      endIfClosed(ws);
    });
  } catch (err) {
    ws._readyState = ws.OPEN;
    throw err;
  }
  startCloseTimer(ws);
}

/**
 * Ends our side of the socket once nothing is left to be said: our close frame
 * is out, and the peer's came or never will.
 *
 * @param {WebSocket} ws the WebSocket
 */
function endIfClosed(ws) {
  if (!ws._closeFrameSent) return;
  if (ws._closeFrameReceived || ws._transport.failed) ws._transport.end();
}

/**
 * Puts a `Receiver` between the socket and a WebSocket.
 *
 * @param {WebSocket} ws the WebSocket, which has a transport
 * @return {Receiver} the one it has from now on
 */
function takeReceiver(ws) {
  if (ws._takenReceiver !== null) return ws._takenReceiver;

  const transport = ws._transport;
  transport.handBack();
  const receiver = Receiver[kInbox](transport.inbox, {
    binaryType: ws._binaryType,
    extensions: ws._extensions,
    isServer: ws._isServer
  });
  receiver.on('conclude', (code, data) => EVENTS.conclude(ws, code, data));
  receiver.on('drain', () => EVENTS.drain(ws));
  receiver.on('error', (err) => failReceiving(ws, err));
  receiver.on('finish', () => EVENTS.finish(ws));
  receiver.on('message', (data, isBinary) => {
    ws.emit('message', data, isBinary);
  });
  receiver.on('ping', (data) => EVENTS.ping(ws, data));
  receiver.on('pong', (data) => EVENTS.pong(ws, data));
  transport.input = {
    write: (chunk) => receiver.write(chunk),
    end: () => receiver.end(),
    get concluded() {
      return transport.inbox.concluded;
    },
    get saturated() {
      return receiver.writableNeedDrain;
    }
  };
  ws._takenReceiver = receiver;
  return receiver;
}

module.exports = { close, endIfClosed, open, takeReceiver };

/**
 * Answers a ping, unless too many answers have not gone out yet: a peer that
 * pings and does not read must not fill the memory.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {Buffer} payload what to answer with
 */
function answerPing(ws, payload) {
  if (ws._readyState !== ws.OPEN) return;
  const limit = ws._maxPendingAutoPongs;
  if (limit > 0 && ws._pendingAutoPongs >= limit) {
    ws.terminate();
    return;
  }
  ws._pendingAutoPongs++;
  ws._pongWritten ??= () => ws._pendingAutoPongs--;
  ws.pong(payload, !ws._isServer, ws._pongWritten);
}

/**
 * What came from the peer is broken: says so to it, and to the user.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {Error} err what is wrong
 */
function failReceiving(ws, err) {
  const transport = ws._transport;
  transport.failed = true;
  transport.finished = true;
  if (!transport.closed) {
    transport.discard();
    ws.close(err[kStatusCode]);
  }
  try {
    emitErrorOnce(ws, err);
  } finally {
    emitCloseIfDone(ws);
  }
}

/**
 * Something to send could not be read: nothing more can be sent.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {Error} err what is wrong
 */
function failSending(ws, err) {
  if (ws._readyState === ws.CLOSED) return;
  if (ws._readyState === ws.OPEN) {
    ws._readyState = ws.CLOSING;
    startCloseTimer(ws);
  }
  ws._transport.end();
  emitErrorOnce(ws, err);
}

/**
 * Emits `'error'`, if that has not been done before.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {Error} err the error
 */
function emitErrorOnce(ws, err) {
  if (ws._errorEmitted) return;
  ws._errorEmitted = true;
  ws.emit('error', err);
}

/**
 * Emits `'close'` once the socket is closed and all it brought is delivered.
 *
 * @param {WebSocket} ws the WebSocket
 */
function emitCloseIfDone(ws) {
  const { closed, finished } = ws._transport;
  if (closed && finished && ws._readyState !== ws.CLOSED) ws.emitClose();
}

/**
 * Does not wait for the end of the closing handshake for ever.
 *
 * @param {WebSocket} ws the WebSocket
 */
function startCloseTimer(ws) {
  ws._closeTimer = setTimeout(destroy, ws._closeTimeout, ws._transport);
}

/**
 * @param {StreamTransport} transport what to close at once
 */
function destroy(transport) {
  transport.destroy();
}
