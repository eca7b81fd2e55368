'use strict';

const hasBlob = typeof Blob !== 'undefined';

module.exports = {
  /** Values of `WebSocket#binaryType`; `blob` only where Node has `Blob`. */
  BINARY_TYPES: hasBlob
    ? ['nodebuffer', 'arraybuffer', 'fragments', 'blob']
    : ['nodebuffer', 'arraybuffer', 'fragments'],

  /** How long a closing handshake may take by default, in milliseconds. */
  CLOSE_TIMEOUT: 30000,

  /**
   * The one Buffer that stands for "nothing": the data of an empty message or
   * ping, the reason of a close without one. Always identical, never a copy.
   */
  EMPTY_BUFFER: Buffer.alloc(0),

  /** What a server appends to the client's key (RFC 6455, section 1.3). */
  GUID: '258EAFA5-E914-47DA-95CA-C5AB0DC85B11',

  /** Whether there is a global `Blob`. */
  hasBlob,

  /** On a listener's wrapper: it was set through an `onX` property. */
  kForOnEventAttribute: Symbol('kIsForOnEventAttribute'),

  /** On a listener's wrapper: the listener that the user gave. */
  kListener: Symbol('kListener'),

  /** On an error of the receiver: the close code to answer it with. */
  kStatusCode: Symbol('status-code'),

  /** On a socket: the WebSocket that it belongs to. */
  kWebSocket: Symbol('websocket'),

  /** Does nothing. */
  NOOP: () => {}
};
