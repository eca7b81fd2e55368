'use strict';

const { errorMonitor } = require('events');
const { Duplex } = require('stream');

/** A WebSocket as a Duplex: messages are read, what is written is sent. */
class WebSocketStream extends Duplex {
  #ws;

  /**
   * Whether destroying the stream terminates the connection. Not after an error
   * of the WebSocket, which has a close frame to send.
   */
  #terminates = true;

  /**
   * @param {WebSocket} ws the WebSocket
   * @param {Object} [options] options for the Duplex
   */
  constructor(ws, options) {
    super({ ...options, ...FIXED_OPTIONS });
    this.#ws = ws;

    ws.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    ws.once('error', (err) => this.#onSocketError(err));
    ws.once('close', () => this.#onSocketClose());

    // Any error of the stream ends it; one nobody listens to is still thrown.
    this.on(errorMonitor, () => this.destroy());
    this.on('end', () => this.#onHalfDone());
    this.on('finish', () => this.#onHalfDone());
  }

  /** Makes the WebSocket go on after a full buffer has paused it. */
  _read() {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  /**
   * Sends a chunk as a message, once the connection is open.
   *
   * @param {Buffer|string} chunk the message
   * @param {string} encoding ignored
   * @param {function(Error=): void} callback called when it was written
   */
  _write(chunk, encoding, callback) {
    const ws = this.#ws;

    if (ws.readyState === ws.CONNECTING) {
      ws.once('open', () => this._write(chunk, encoding, callback));
    } else {
      ws.send(chunk, callback);
    }
  }

  /**
   * Closes the connection after the last chunk.
   *
   * @param {function(Error=): void} callback called when the socket has
   *     finished writing
   */
  _final(callback) {
    const ws = this.#ws;

    if (ws.readyState === ws.CONNECTING) {
      ws.once('open', () => this._final(callback));
      return;
    }

    // The handshake failed; the error that is about to come destroys the stream.
    if (ws._socket === null) return;

    if (ws._socket.writableFinished) {
      callback();
    } else {
      ws._socket.once('finish', callback);
      ws.close();
    }
  }

  /**
   * Takes the connection down. The stream's 'close' follows the WebSocket's.
   *
   * @param {Error|null} err why
   * @param {function(Error=): void} callback called with the error to emit
   */
  _destroy(err, callback) {
    const ws = this.#ws;

    if (ws.readyState === ws.CLOSED) {
      callback(err);
      process.nextTick(emitClose, this);
      return;
    }

    let settled = false;
    const settle = (reason) => {
      if (settled) return;
      settled = true;
      callback(reason);
    };

    ws.once('error', settle);
    ws.once('close', () => {
      settle(err);
      process.nextTick(emitClose, this);
    });

    if (this.#terminates) ws.terminate();
  }

  /** Hands a message to the reader; stops the flow if the buffer is full. */
  #onMessage(data, isBinary) {
    const asText = !isBinary && this.readableObjectMode;

    if (!this.push(asText ? data.toString() : data)) this.#ws.pause();
  }

  /** The WebSocket failed: so does the stream. */
  #onSocketError(err) {
    if (this.destroyed) return;

    this.#terminates = false;
    this.destroy(err);
  }

  /** Nothing more comes in. */
  #onSocketClose() {
    if (!this.destroyed) this.push(null);
  }

  /** Destroys the stream when both of its sides are done. */
  #onHalfDone() {
    if (this.readableEnded && this.writableFinished) this.destroy();
  }
}

/**
 * The stream is destroyed, and its 'close' emitted, when the connection is. The
 * methods that a user might pass are this class's own.
 */
const FIXED_OPTIONS = {
  autoDestroy: false,
  emitClose: false,
  objectMode: false,
  writableObjectMode: false,
  destroy: undefined,
  final: undefined,
  read: undefined,
  write: undefined
};

/**
 * Emits 'close'.
 *
 * @param {Duplex} stream the stream
 */
function emitClose(stream) {
  stream.emit('close');
}

/**
 * Wraps a WebSocket in a Duplex.
 *
 * @param {WebSocket} ws the WebSocket
 * @param {Object} [options] options for the Duplex; `autoDestroy`, `emitClose`,
 *     `objectMode` and `writableObjectMode` are always false
 * @return {Duplex}
 */
function createWebSocketStream(ws, options) {
  return new WebSocketStream(ws, options);
}

module.exports = createWebSocketStream;
