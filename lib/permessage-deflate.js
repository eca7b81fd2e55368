'use strict';

const { toBuffer } = require('./buffer-util');
const { EMPTY_BUFFER, kStatusCode } = require('./constants');
const compressing = require('./deflate/compressing');
const jobs = require('./deflate/jobs');
const negotiation = require('./deflate/negotiation');
const { deflaterArguments, inflaterArguments } = require('./deflate/settings');
const native = require('./native');
const Callbacks = require('./transport/callbacks');
const { FIN } = require('./transport/frame-head');

const EXTENSION_NAME = 'permessage-deflate';

/** Bytes from which on messages are compressed, unless the user says so. */
const DEFAULT_THRESHOLD = 1024;

// Close codes of what a peer does wrong (RFC 6455, section 7.4.1).
const INVALID_PAYLOAD = 1007;
const MESSAGE_TOO_BIG = 1009;

/** The extension permessage-deflate (RFC 7692), on one connection. */
class PerMessageDeflate {
  /**
   * @param {Object} [options]
   * @param {(boolean|number)} [options.clientMaxWindowBits]
   * @param {boolean} [options.clientNoContextTakeover]
   * @param {number} [options.concurrencyLimit=10] jobs on other threads at a
   *     time, for the whole thread; the first instance made decides
   * @param {boolean} [options.isServer=false] the side that it is on
   * @param {number} [options.maxPayload=0] bytes of an inflated message; 0 is
   *     no limit
   * @param {(boolean|number)} [options.serverMaxWindowBits]
   * @param {boolean} [options.serverNoContextTakeover]
   * @param {number} [options.threshold=1024] bytes from which on a message is
   *     compressed, if this side has no context takeover
   * @param {Object} [options.zlibDeflateOptions] as for `node:zlib`
   * @param {Object} [options.zlibInflateOptions] as for `node:zlib`
   */
  constructor(options) {
    this._options = options || {};
    const { threshold } = this._options;
    this._threshold = threshold === undefined ? DEFAULT_THRESHOLD : threshold;
    this._maxPayload = this._options.maxPayload | 0;
    this._isServer = Boolean(this._options.isServer);

    /** What was negotiated. */
    this.params = null;

    /** The addon's, made at first use. */
    this._deflater = null;
    this._inflater = null;
    /** What compressed data depends on beside the message, if on nothing else. */
    this._shareKey = null;
    /** @type {?Object} what is being compressed */
    this._task = null;
    /** @type {Object[]} calls of `compress()` and of `decompress()` */
    this._compressions = [];
    this._decompressions = [];

    jobs.limit(this._options.concurrencyLimit);
  }

  /** @type {string} */
  static get extensionName() {
    return EXTENSION_NAME;
  }

  /**
   * Makes an offer.
   *
   * @return {Object} the parameters to offer
   */
  offer() {
    return negotiation.makeOffer(this._options);
  }

  /**
   * Accepts an offer, or an answer.
   *
   * @param {Object[]} list the parameters, each with a list of values; changed
   * @return {Object} the parameters that were agreed upon
   * @throws {(Error|TypeError)} if they are not valid or not acceptable
   */
  accept(list) {
    const all = negotiation.normalize(list, this._isServer);
    this.params = this._isServer
      ? negotiation.acceptOffer(all, this._options)
      : negotiation.acceptAnswer(all[0], this._options);
    return this.params;
  }

  /** Gives back what it holds, and ends what is being compressed. */
  cleanup() {
    const task = this._task;
    if (this._inflater !== null) native.releaseInflater(this._inflater);
    if (this._deflater !== null) native.releaseDeflater(this._deflater);
    if (task !== null) {
      this._task = null;
      task.compressed(
        new Error(
          'The deflate stream was closed while data was being processed'
        ),
        EMPTY_BUFFER,
        false
      );
    }
  }

  /**
   * Compresses data.
   *
   * @param {(Buffer|string)} data the data
   * @param {boolean} fin whether it ends its message
   * @param {function(?Error, Buffer)} callback called with what came of it
   * @throws {(RangeError|TypeError)} what Node throws for `zlibDeflateOptions`
   */
  compress(data, fin, callback) {
    this._prepare();
    this._compressions.push(new Compression(this, data, fin, callback));
    if (this._compressions.length === 1) this._begin(this._compressions[0]);
  }

  /**
   * Decompresses the payload of a frame.
   *
   * @param {Buffer} data the payload
   * @param {boolean} fin whether it ends its message
   * @param {function(?Error, Buffer)} callback called with what came of it
   * @throws {(RangeError|TypeError)} what Node throws for `zlibInflateOptions`
   */
  decompress(data, fin, callback) {
    this._makeInflater();
    const call = new Decompression(this, data, fin, callback);
    this._decompressions.push(call);
    if (this._decompressions.length === 1) jobs.run(call);
  }

  /**
   * Tells whether messages of this side may refer to those before.
   *
   * @return {boolean}
   */
  _hasTakeover() {
    // Asked for each message, so that its name is not put together.
    return !this.params?.[
      this._isServer
        ? 'server_no_context_takeover'
        : 'client_no_context_takeover'
    ];
  }

  /**
   * Makes the addon's inflater, once: the receiving side reads through it.
   *
   * @return {Object} the inflater
   * @throws {(RangeError|TypeError)} what Node throws for `zlibInflateOptions`
   */
  _makeInflater() {
    const ofServer = !this._isServer;
    this._inflater ??= native.createInflater(
      ...inflaterArguments(
        this._options.zlibInflateOptions,
        this._param(ofServer, 'max_window_bits'),
        !this._param(ofServer, 'no_context_takeover'),
        Math.max(this._maxPayload, 0)
      )
    );
    return this._inflater;
  }

  /**
   * Gets ready to compress, once.
   *
   * @throws {(RangeError|TypeError)} what Node throws for `zlibDeflateOptions`
   */
  _prepare() {
    if (this._deflater !== null) return;
    const takeover = this._hasTakeover();
    const settings = deflaterArguments(
      this._options.zlibDeflateOptions,
      this._param(this._isServer, 'max_window_bits'),
      takeover
    );
    const dictionary = settings.at(-1);
    if (!takeover && dictionary.length === 0) this._shareKey = settings.join();
    this._deflater = native.createDeflater(...settings);
  }

  /**
   * Has something compressed, which `_prepare()` comes before. One at a time.
   *
   * @param {Object} task see `deflate/compressing.js`
   */
  _begin(task) {
    this._task = task;
    compressing.add(task);
  }

  /**
   * Tells whether somebody waits for what has come of a task, and ends it.
   *
   * @param {Object} task the task
   * @return {boolean} false if `cleanup()` has ended it before
   */
  _settle(task) {
    if (this._task !== task) return false;
    this._task = null;
    return true;
  }

  /**
   * @param {boolean} ofServer whose parameter
   * @param {string} name its name without the prefix
   * @return {(boolean|number|undefined)} what was negotiated
   */
  _param(ofServer, name) {
    return this.params?.[`${ofServer ? 'server' : 'client'}_${name}`];
  }
}

module.exports = PerMessageDeflate;

/** A call of `compress()`. */
class Compression {
  /**
   * @param {PerMessageDeflate} extension the extension
   * @param {(Buffer|string)} data the data
   * @param {boolean} fin whether it ends its message
   * @param {function(?Error, Buffer)} callback called with what came of it
   */
  constructor(extension, data, fin, callback) {
    this.extension = extension;
    this.data = typeof data === 'string' ? data : toBuffer(data);
    this.size =
      typeof data === 'string' ? Buffer.byteLength(data) : this.data.length;
    this.fin = fin;
    this.isWhole = false;
    this.hasMore = false;
    this.callback = Callbacks.bind(callback);
  }

  /**
   * @param {?Error} err why it could not be compressed
   * @param {Buffer} bytes what came of it
   * @param {boolean} brief whether the bytes change after this call
   */
  compressed(err, bytes, brief) {
    const { extension } = this;
    extension._compressions.shift();
    if (extension._compressions.length > 0) {
      extension._begin(extension._compressions[0]);
    }
    if (err !== null) this.callback(err);
    else this.callback(null, brief ? Buffer.from(bytes) : bytes);
  }
}

/** A call of `decompress()`. */
class Decompression {
  /**
   * @param {PerMessageDeflate} extension the extension
   * @param {Buffer} data the payload
   * @param {boolean} fin whether it ends its message
   * @param {function(?Error, Buffer)} callback called with what came of it
   */
  constructor(extension, data, fin, callback) {
    this.extension = extension;
    this.data = toBuffer(data);
    this.fin = fin;
    this.callback = Callbacks.bind(callback);
    this.bytes = this.data.length;
    this.isLight = false;
    this.batch = null;
  }

  /** @param {number} id its id for the addon */
  start(id) {
    const inflater = this.extension._inflater;
    native.startDecompress(inflater, id, this.data, this.fin ? FIN : 0);
  }

  /**
   * @param {(Buffer|Error)} result what came of it
   * @param {boolean} brief whether the bytes change after this call
   */
  done(result, brief) {
    const calls = this.extension._decompressions;
    calls.shift();
    if (calls.length > 0) jobs.run(calls[0]);
    if (!(result instanceof Error)) {
      this.callback(null, brief ? Buffer.from(result) : result);
      return;
    }
    result[kStatusCode] =
      result.code === 'Z_DATA_ERROR' ? INVALID_PAYLOAD : MESSAGE_TOO_BIG;
    this.callback(result);
  }
}
