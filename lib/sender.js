'use strict';

const { mask: applyMask, toBuffer } = require('./buffer-util');
const { EMPTY_BUFFER, NOOP } = require('./constants');
const native = require('./native');
const PerMessageDeflate = require('./permessage-deflate');
const Callbacks = require('./transport/callbacks');
const {
  BINARY,
  CLOSE,
  CONTINUATION,
  FIN,
  KEY_GIVEN,
  MASKED,
  MAX_HEADER,
  PING,
  PONG,
  RSV1,
  TEXT
} = require('./transport/frame-head');
const writeChunks = require('./transport/write-chunks');
const { isBlob, isValidStatusCode } = require('./validation');

// `Buffer` is a getter of the global object.
const { isBuffer } = Buffer;

/** Bytes that the payload of a control frame has at most. */
const MAX_CONTROL_PAYLOAD = 125;

/** Bytes that the reason in a close frame has at most. */
const MAX_REASON = MAX_CONTROL_PAYLOAD - 2;

// What a sender is doing (`_state`).
const IDLE = 0;
const DEFLATING = 1;
const READING_BLOB = 2;

/** A frame that waits: for others, to be compressed, or for a Blob. */
class Item {
  /**
   * @param {Sender} sender what it is sent by
   * @param {(Buffer|string|Blob)} data the payload
   * @param {number} head see `transport/frame-head.js`
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @param {number} size bytes of the payload
   * @param {boolean} compress whether to compress it
   */
  constructor(sender, data, head, cb, size, compress) {
    this.sender = sender;
    this.data = data;
    this.head = head;
    this.cb = compress && typeof cb === 'function' ? Callbacks.bind(cb) : cb;
    this.size = size;
    this.compress = compress;
    /** Whether `data` has to be read first. */
    this.isBlob = false;
    /** @type {?Item} what waits behind it */
    this.next = null;
  }

  /** @type {PerMessageDeflate} */
  get extension() {
    return this.sender._deflate;
  }

  /** @type {boolean} whether it ends its message */
  get fin() {
    return (this.head & FIN) !== 0;
  }

  /** @type {boolean} whether it is a message of its own */
  get isWhole() {
    return (this.head & (FIN | RSV1)) === (FIN | RSV1);
  }

  /** @type {boolean} whether more waits behind it */
  get hasMore() {
    return this.sender._first !== null;
  }

  /**
   * Sends it, compressed.
   *
   * @param {?Error} err why it could not be compressed
   * @param {Buffer} bytes the compressed payload
   * @param {boolean} brief whether the bytes change after this call
   */
  compressed(err, bytes, brief) {
    const { sender } = this;
    if (sender._socket.destroyed) {
      callAll(sender, this.cb, closedWhile('data was being compressed'));
    } else if (err !== null) {
      callAll(sender, this.cb, err);
      sender.onerror(err);
    } else {
      sender._bufferedBytes -= this.size;
      sender._state = IDLE;
      sender._write(bytes, this.head, this.cb, brief);
      sender._dequeue();
    }
  }
}

/** Turns messages into frames, in order, and writes them. */
class Sender {
  /**
   * @param {stream.Duplex} socket what to write to; `cork`, `write`, `uncork`
   *     and `destroyed` are all that is used
   * @param {Object} [extensions] the negotiated extensions
   * @param {function(Buffer)} [generateMask] fills a 4-byte mask key
   */
  constructor(socket, extensions, generateMask) {
    this._extensions = extensions || {};
    this._socket = socket;
    this._generateMask = generateMask;
    this._maskBuffer = generateMask ? Buffer.alloc(4) : undefined;

    /** The transport to send through, instead of the bare socket. */
    this._transport = undefined;
    /** @type {(PerMessageDeflate|undefined)} */
    this._deflate = this._extensions[PerMessageDeflate.extensionName];
    this._firstFragment = true;
    /** Whether the message that was begun is compressed. */
    this._compress = false;

    this._bufferedBytes = 0;
    /** What waits for a Blob to be read: a list linked by `next`. */
    this._first = null;
    this._last = null;
    this._state = IDLE;
    /** Called with the error if a Blob cannot be read. */
    this.onerror = NOOP;
  }

  /**
   * Encodes a frame (RFC 6455, section 5.2).
   *
   * @param {(Buffer|string)} data the payload
   * @param {Object} options
   * @param {number} options.opcode the opcode
   * @param {boolean} [options.fin=false] whether the frame ends the message
   * @param {boolean} [options.mask=false] whether to mask the payload
   * @param {boolean} [options.readOnly=false] whether `data` must not be
   *     changed; else it is masked in place
   * @param {boolean} [options.rsv1=false] whether the RSV1 bit is set
   * @param {function(Buffer)} [options.generateMask] fills the mask key
   * @param {Buffer} [options.maskBuffer] the Buffer given to `generateMask`
   * @return {Buffer[]} the frame, in one chunk or two (header and payload)
   */
  static frame(data, options) {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const { length } = payload;
    const head =
      (options.opcode & 0x0f) |
      (options.fin ? FIN : 0) |
      (options.rsv1 ? RSV1 : 0);

    if (!options.mask) {
      const header = encodeHeader(head, length, 0);
      return length === 0 ? [header] : [header, payload];
    }

    const mask = options.maskBuffer || Buffer.alloc(4);
    if (options.generateMask) options.generateMask(mask);
    else mask.writeUInt32BE(native.randomKey(), 0);
    const key = mask.readUInt32BE(0);
    const header = encodeHeader(head | MASKED | KEY_GIVEN, length, key);

    if (length === 0) return [header];
    if (key === 0) return [header, payload];
    if (options.readOnly && payload === data) {
      const frame = Buffer.allocUnsafe(header.length + length);
      frame.set(header);
      applyMask(payload, mask, frame, header.length, length);
      return [frame];
    }
    applyMask(payload, mask, payload, 0, length);
    return [header, payload];
  }

  /**
   * Sends a close frame.
   *
   * @param {number} [code] the close code; none makes an empty frame
   * @param {(string|Uint8Array)} [data] the reason, at most 123 bytes
   * @param {boolean} [mask=false] whether to mask the frame
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {TypeError} for a code that may not be sent, or a bad reason
   * @throws {RangeError} if the reason is too long
   */
  close(code, data, mask, cb) {
    const head = CLOSE | FIN | (mask ? MASKED : 0);
    this._dispatch(closePayload(code, data), head, cb);
  }

  /**
   * Sends a ping.
   *
   * @param {*} data the payload, at most 125 bytes
   * @param {boolean} [mask=false] whether to mask the frame
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {RangeError} if the payload is too long
   */
  ping(data, mask, cb) {
    this._pingOrPong(PING, data, mask, cb);
  }

  /**
   * Sends a pong.
   *
   * @param {*} data the payload, at most 125 bytes
   * @param {boolean} [mask=false] whether to mask the frame
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @throws {RangeError} if the payload is too long
   */
  pong(data, mask, cb) {
    this._pingOrPong(PONG, data, mask, cb);
  }

  /**
   * Sends a message, or a fragment of one.
   *
   * @param {*} data the payload
   * @param {Object} options
   * @param {boolean} [options.binary=false] whether it is binary
   * @param {boolean} [options.compress=false] whether to compress it
   * @param {boolean} [options.fin=false] whether it ends the message
   * @param {boolean} [options.mask=false] whether to mask it
   * @param {function(Error=)} [cb] called when it was written, or failed
   */
  send(data, options, cb) {
    const plain = typeof data === 'string' || isBuffer(data);
    const blob = !plain && isBlob(data);
    // What throws here has begun no message.
    const payload = plain || blob ? data : toBuffer(data);

    let head = options.binary ? BINARY : TEXT;
    if (this._firstFragment) {
      this._compress = this._isToCompress(payload, options.compress);
      if (this._compress) head |= RSV1;
    } else {
      head = CONTINUATION;
    }
    this._firstFragment = Boolean(options.fin);
    head |= (options.fin ? FIN : 0) | (options.mask ? MASKED : 0);
    if (blob) this._sendBlob(payload, head, cb, this._compress);
    else this._dispatch(payload, head, cb, this._compress);
  }

  /**
   * Tells whether a message is to be compressed.
   *
   * @param {(Buffer|string|Blob)} data its first fragment
   * @param {boolean} wanted what the user says
   * @return {boolean}
   * @throws {(RangeError|TypeError)} what Node throws for `zlibDeflateOptions`
   */
  _isToCompress(data, wanted) {
    const deflate = this._deflate;
    if (!wanted || deflate === undefined) return false;
    if (!deflate._hasTakeover() && !(sizeOf(data) >= deflate._threshold)) {
      return false;
    }
    deflate._prepare();
    return true;
  }

  /**
   * Writes a frame that is encoded already.
   *
   * @param {Array<(Buffer|string)>} list the frame, in one chunk or two
   * @param {function(Error=)} [cb] called when it was written, or failed
   */
  sendFrame(list, cb) {
    if (this._transport !== undefined) {
      this._transport.sendChunks(list, cb);
    } else {
      writeChunks(this._socket, list, cb);
    }
  }

  /**
   * Sends a ping or a pong.
   *
   * @param {number} opcode the opcode
   * @param {*} data the payload
   * @param {boolean} mask whether to mask the frame
   * @param {function(Error=)} [cb] called when it was written, or failed
   */
  _pingOrPong(opcode, data, mask, cb) {
    const blob = typeof data !== 'string' && isBlob(data);
    let length;
    let payload = data;
    if (blob) {
      length = data.size;
    } else if (typeof data === 'string') {
      length = Buffer.byteLength(data);
    } else {
      payload = toBuffer(data);
      length = payload.length;
    }
    if (length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(
        `The data size must not be greater than ${MAX_CONTROL_PAYLOAD} bytes`
      );
    }
    const head = opcode | FIN | (mask ? MASKED : 0);
    if (blob) this._sendBlob(payload, head, cb);
    else this._dispatch(payload, head, cb);
  }

  /**
   * Sends a frame, behind whatever waits.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `transport/frame-head.js`
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @param {boolean} [compress=false] whether to compress it
   */
  _dispatch(data, head, cb, compress = false) {
    if (this._state === IDLE && !compress) {
      this._write(data, head, cb);
      return;
    }
    const size = sizeOf(data);
    this._bufferedBytes += size;
    const item = new Item(this, data, head, cb, size, compress);
    if (this._state === IDLE) this._compressItem(item);
    else this._enqueue(item);
  }

  /**
   * Has a frame compressed; everything else waits meanwhile.
   *
   * @param {Item} item the frame
   */
  _compressItem(item) {
    this._state = DEFLATING;
    this._deflate._begin(item);
  }

  /**
   * Writes a frame.
   *
   * @param {(Buffer|string)} data the payload
   * @param {number} head see `transport/frame-head.js`
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @param {boolean} [brief=false] whether the payload changes after this call
   */
  _write(data, head, cb, brief = false) {
    let key = 0;
    if (this._generateMask && (head & MASKED) !== 0) {
      this._generateMask(this._maskBuffer);
      key = this._maskBuffer.readUInt32BE(0);
      head |= KEY_GIVEN;
    }
    if (this._transport !== undefined) {
      this._transport.send(data, head, key, cb);
    } else {
      const kept = brief ? Buffer.from(data) : data;
      this.sendFrame(bareFrame(kept, head, key), cb);
    }
  }

  /**
   * Sends the bytes of a Blob once they were read.
   *
   * @param {Blob} blob the payload
   * @param {number} head see `transport/frame-head.js`
   * @param {function(Error=)} [cb] called when it was written, or failed
   * @param {boolean} [compress=false] whether to compress them
   */
  _sendBlob(blob, head, cb, compress = false) {
    const item = new Item(this, blob, head, cb, blob.size, compress);
    item.isBlob = true;
    this._bufferedBytes += item.size;
    if (this._state === IDLE) this._readBlob(item);
    else this._enqueue(item);
  }

  /**
   * Reads a Blob; everything else waits meanwhile.
   *
   * @param {Item} item the Blob and how to send it
   */
  _readBlob(item) {
    this._state = READING_BLOB;
    item.data.arrayBuffer().then(
      (bytes) => {
        if (this._socket.destroyed) {
          const err = closedWhile('the blob was being read');
          process.nextTick(callAll, this, item.cb, err);
          return;
        }
        this._bufferedBytes -= item.size;
        this._state = IDLE;
        this._dispatch(toBuffer(bytes), item.head, item.cb, item.compress);
        this._dequeue();
      },
      // A throwing callback is to be an exception, not a rejection.
      (err) => process.nextTick(failBlob, this, item.cb, err)
    );
  }

  /** Sends what waits, until a Blob has to be read again. */
  _dequeue() {
    while (this._state === IDLE && this._first !== null) {
      const item = this._first;
      this._first = item.next;
      if (this._first === null) this._last = null;
      if (item.isBlob) {
        this._readBlob(item);
      } else if (item.compress) {
        this._compressItem(item);
      } else {
        this._bufferedBytes -= item.size;
        this._write(item.data, item.head, item.cb);
      }
    }
  }

  /**
   * Puts something at the end of the queue.
   *
   * @param {Item} item what to send
   */
  _enqueue(item) {
    if (this._first === null) this._first = item;
    else this._last.next = item;
    this._last = item;
  }
}

module.exports = Sender;

/**
 * The header of a frame.
 *
 * @param {number} head see `transport/frame-head.js`
 * @param {number} length bytes in the payload
 * @param {number} key the mask key
 * @return {Buffer}
 */
function encodeHeader(head, length, key) {
  const header = Buffer.allocUnsafe(MAX_HEADER);
  return header.subarray(0, native.encodeHeader(header, 0, head, length, key));
}

/**
 * A frame for a socket without a transport: as few copies as `Sender.frame()`
 * makes, and strings stay strings.
 *
 * @param {(Buffer|string)} data the payload
 * @param {number} head see `transport/frame-head.js`
 * @param {number} key the mask key, if `head` says that it is given
 * @return {Array<(Buffer|string)>}
 */
function bareFrame(data, head, key) {
  if ((head & MASKED) === 0) {
    const length =
      typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const header = encodeHeader(head, length, 0);
    return length === 0 ? [header] : [header, data];
  }
  const given = (head & KEY_GIVEN) !== 0;
  return Sender.frame(data, {
    fin: (head & FIN) !== 0,
    opcode: head & 0x0f,
    mask: true,
    readOnly: true,
    rsv1: (head & RSV1) !== 0,
    generateMask: (mask) =>
      mask.writeUInt32BE(given ? key : native.randomKey(), 0)
  });
}

/**
 * The payload of a close frame (RFC 6455, section 5.5.1).
 *
 * @param {number} [code] the close code
 * @param {(string|Uint8Array)} [data] the reason
 * @return {Buffer}
 */
function closePayload(code, data) {
  if (code === undefined) return EMPTY_BUFFER;
  if (typeof code !== 'number' || !isValidStatusCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }

  const payload = Buffer.allocUnsafe(2 + reasonLength(data));
  payload.writeUInt16BE(code, 0);
  if (typeof data === 'string') payload.write(data, 2);
  else if (payload.length > 2) payload.set(data, 2);
  return payload;
}

/**
 * Checks a close reason.
 *
 * @param {*} data what the user gave
 * @return {number} its length in bytes
 */
function reasonLength(data) {
  if (data === undefined || !data.length) return 0;
  const length = Buffer.byteLength(data);
  if (length > MAX_REASON) {
    throw new RangeError(
      `The message must not be greater than ${MAX_REASON} bytes`
    );
  }
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw new TypeError('Second argument must be a string or a Uint8Array');
  }
  return length;
}

/**
 * @param {(Buffer|string|Blob)} data a payload
 * @return {number} its length in bytes
 */
function sizeOf(data) {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return isBlob(data) ? data.size : data.length;
}

/**
 * @param {string} what what was going on
 * @return {Error} the error of what could not be sent any more
 */
function closedWhile(what) {
  return new Error(`The socket was closed while ${what}`);
}

/**
 * Fails everything that waits, in order.
 *
 * @param {Sender} sender the sender
 * @param {function(Error)} [cb] the callback of what was being worked on
 * @param {Error} err why
 */
function callAll(sender, cb, err) {
  if (typeof cb === 'function') cb(err);
  for (let item = sender._first; item !== null; item = item.next) {
    if (typeof item.cb === 'function') item.cb(err);
  }
}

/**
 * A Blob could not be read: nothing more can be sent.
 *
 * @param {Sender} sender the sender
 * @param {function(Error)} [cb] the callback of the Blob
 * @param {Error} err why
 */
function failBlob(sender, cb, err) {
  callAll(sender, cb, err);
  sender.onerror(err);
}
