'use strict';

const { make, toBytes } = require('./data');
const { digest } = require('./log');
const Wire = require('./wire');
const { frame } = require('../../support/frames');

const NO_BYTES = Buffer.alloc(0);

/** A WebSocket of a program, what is done with it, and what it does. */
class Side {
  /**
   * @param {Object} ferrows the package
   * @param {Object} config the side as the program describes it
   * @param {string} name what to call it in the log
   * @param {Log} log where to write what happens
   */
  constructor(ferrows, config, name, log) {
    this._config = config;
    this._name = name;
    this._log = log;
    /** How many times each event came. */
    this._seen = {};
    this._callbacks = 0;
    /** Callbacks that were called, and were not reacted to. */
    this._calledBack = 0;
    this._masks = 0;
    this._owed = NO_BYTES;
    this._sent = [];
    /** Blobs that were received. */
    this.blobs = [];

    this.wire = new Wire(config.socket);
    if (config.watchSocket) this._watchSocket();
    this.ws = new ferrows.WebSocket(null, undefined, config.options);
    this.ws._isServer = config.isServer;
    this.ws.binaryType = config.binaryType;
    this._listen(config.attributes);
    this._open(ferrows.readsOn);
  }

  /**
   * Opens the connection.
   *
   * @param {boolean} readsOn whether to watch the receiver, see `Log#derail()`
   */
  _open(readsOn) {
    const config = this._config;
    this._attempt(() =>
      this.ws.setSocket(this.wire, this._bytesOf(config.head), {
        ...config.options,
        generateMask: (mask) => this._fillMask(mask)
      })
    );
    if (!readsOn) return;
    const receiver = this.ws._receiver;
    const { _write: write } = receiver;
    receiver._write = (...args) => {
      if (receiver.errored) this._log.derail();
      write.apply(receiver, args);
    };
  }

  /**
   * Does something.
   *
   * @param {Object} action what to do, see `generate()`
   */
  perform(action) {
    if (this._failsInParts(action)) return;
    this._event(`> ${JSON.stringify(action)}`);
    this._attempt(() => this[`_do_${action.do}`](action));
    if (this._config.measure) this.look();
  }

  /**
   * Does what is to be done after the callbacks of the last turn.
   *
   * @return {boolean} whether there were any
   */
  reactToCallbacks() {
    const count = this._calledBack;
    this._calledBack = 0;
    for (let i = 0; i < count; i++) this._react('callback');
    return count > 0;
  }

  /** Writes down what was written to the wire. */
  take() {
    const { bytes, end } = this.wire.take();
    if (bytes.length > 0) {
      this._log.wire(`${this._name} wire ${digest(bytes)}`);
    }
    if (end) this._log.wire(`${this._name} wire end`);
    return { bytes, end };
  }

  /** Writes down whether the data that was sent is what it was. */
  checkData() {
    for (const { data, was } of this._sent) {
      const is = digest(Buffer.from(data));
      if (is !== was) this._event(`data was changed: ${was} to ${is}`);
    }
  }

  /** Writes down all that can be looked at. */
  look() {
    const { ws } = this;
    // Nobody reads what comes to one that closes.
    const isOpen = ws.readyState === ws.OPEN;
    const socket = isOpen ? `socket paused ${this.wire.isPaused()} ` : '';
    this._event(
      `state ${ws.readyState} paused ${ws.isPaused} ` +
        `buffered ${ws.bufferedAmount} ${socket}` +
        `close frame received ${ws._closeFrameReceived}`
    );
  }

  _do_send({ data, options, cb }) {
    const args = [this._make(data)];
    if (options !== undefined) args.push(options);
    this.ws.send(...args, ...this._callback(cb));
  }

  _do_ping({ data, mask, cb }) {
    this._control('ping', data, mask, cb);
  }

  _do_pong({ data, mask, cb }) {
    this._control('pong', data, mask, cb);
  }

  _do_close({ args }) {
    this.ws.close(
      ...args.map((arg) => (arg?.type === undefined ? arg : make(arg)))
    );
  }

  _do_terminate() {
    this.ws.terminate();
  }

  _do_pause() {
    this.ws.pause();
  }

  _do_resume() {
    this.ws.resume();
  }

  _do_binaryType({ value }) {
    // Whether a message that waits is told in the old way or in the new one is
    // not the same in both packages.
    if (this._config.options.allowSynchronousEvents === false) return;
    this.ws.binaryType = value;
  }

  _do_look() {
    this.look();
  }

  _do_receiver() {
    this._event(`receiver ${this.ws._receiver === null}`);
  }

  _do_socket({ method, data }) {
    const args = data === undefined ? [] : [this._bytesOf(data)];
    // Node itself forbids to write after the end; that is not of interest.
    if (method === 'write' && !this.wire.writable) return;
    this.wire[method](...args);
  }

  _do_arrive({ frames, cuts, keep }) {
    const bytes = Buffer.concat([this._owed, this._bytesOf(frames)]);
    const whole = Math.max(bytes.length - keep, 0);
    this._owed = bytes.subarray(whole);
    let from = 0;
    for (const cut of [...cuts, whole]) {
      const to = Math.min(cut, whole);
      // Memory is the receiver's: it unmasks in place.
      if (to > from) this.wire.arrive(Buffer.from(bytes.subarray(from, to)));
      from = Math.max(from, to);
    }
  }

  _do_fin() {
    this.wire.arrive(null);
  }

  _do_lose({ error }) {
    this.wire.destroy(
      error
        ? Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
        : undefined
    );
  }

  _do_hold() {
    this.wire.held = true;
  }

  _do_release() {
    this.wire.held = false;
    this.wire.settle();
  }

  _do_break() {
    this.wire.broken = true;
  }

  /**
   * Whether an action would make a write after the socket's end, where no
   * WebSocket expects it: the program ended the socket, or the end comes while
   * a Blob is read. That write fails all that were made before; whether its
   * callback comes before theirs or after depends on whether a frame is one
   * write or two (see `Log`).
   *
   * @param {Object} action what is to be done
   * @return {boolean}
   */
  _failsInParts(action) {
    const { ws, wire } = this;
    if (action.do === 'fin' || action.method === 'end') {
      return ws._sender._state !== 0;
    }
    return (
      ['send', 'ping', 'pong', 'close'].includes(action.do) &&
      ws.readyState === ws.OPEN &&
      (wire.writableEnded ||
        (wire.arrivedEnd && action.data?.type.endsWith('blob')))
    );
  }

  /**
   * Sends a ping or a pong.
   *
   * @param {string} method which
   * @param {(Object|undefined)} data the payload
   * @param {(boolean|undefined)} mask whether to mask it
   * @param {boolean} cb whether to give a callback
   */
  _control(method, data, mask, cb) {
    const args = [];
    if (data !== undefined) args.push(this._make(data));
    if (data !== undefined && mask !== undefined) args.push(mask);
    this.ws[method](...args, ...this._callback(cb));
  }

  /**
   * Makes data to send, and remembers it.
   *
   * @param {Object} described see `make()`
   * @return {*}
   */
  _make(described) {
    const data = make(described);
    if (data instanceof Uint8Array || data instanceof ArrayBuffer) {
      this._sent.push({ data, was: digest(Buffer.from(data)) });
    }
    return data;
  }

  /**
   * The bytes of frames.
   *
   * @param {Object[]} frames each with the arguments of `frame()`
   * @return {Buffer}
   */
  _bytesOf(frames) {
    return Buffer.concat(
      frames.map(({ opcode, data, options = {} }) => {
        const right = this._config.isServer;
        const { mask = right } = options;
        return frame(opcode, toBytes(data), {
          ...options,
          mask: mask === 'wrong' ? !right : mask
        });
      })
    );
  }

  /**
   * Fills a mask key: each one is another, and some are zero.
   *
   * @param {Buffer} mask 4 bytes
   */
  _fillMask(mask) {
    this._masks++;
    const isZero = this._masks % 5 === 0;
    mask.writeUInt32BE(isZero ? 0 : Math.imul(this._masks, 0x9e3779b9) >>> 0);
  }

  /**
   * A callback, if there is to be one.
   *
   * @param {boolean} wanted whether there is
   * @return {Function[]} the last argument of `send()` and its like, or nothing
   */
  _callback(wanted) {
    if (!wanted) return [];
    const id = ++this._callbacks;
    return [
      (err) => {
        const outcome = err ? this._log.show(err) : 'done';
        this._log.callback(this._name, `callback ${id} ${outcome}`);
        this._calledBack++;
      }
    ];
  }

  /**
   * Listens to all events.
   *
   * @param {boolean} attributes whether to use `onmessage` and its like
   */
  _listen(attributes) {
    const { ws } = this;
    if (attributes) {
      ws.onopen = () => this._happened('open', []);
      ws.onmessage = ({ data }) => this._happened('message', [data]);
      ws.onerror = ({ error, message }) =>
        this._happened('error', [error, message]);
      ws.onclose = ({ code, reason, wasClean }) =>
        this._happened('close', [code, reason, wasClean]);
    }
    const names = attributes
      ? ['ping', 'pong']
      : ['open', 'message', 'error', 'close', 'ping', 'pong'];
    for (const name of names) {
      ws.on(name, (...args) => this._happened(name, args));
    }
  }

  /** Listens to the socket itself. */
  _watchSocket() {
    for (const name of ['end', 'error', 'close']) {
      this.wire.on(name, (arg) =>
        this._event(`socket ${name}${arg ? ` ${this._log.show(arg)}` : ''}`)
      );
    }
  }

  /**
   * An event came.
   *
   * @param {string} name its name
   * @param {Array} args its arguments
   */
  _happened(name, args) {
    this.blobs.push(...args.filter((arg) => arg instanceof Blob));
    const shown = args.map((arg) => this._log.show(arg)).join(', ');
    this._event(`${name}(${shown}) ${this._state()}`);
    this._react(name);
  }

  /**
   * Does what the program wants to be done at an event.
   *
   * @param {string} name the event
   */
  _react(name) {
    const nth = (this._seen[name] ?? 0) + 1;
    this._seen[name] = nth;
    for (const { event, from, times, actions } of this._config.reactions) {
      if (event !== name || nth < from || nth >= from + times) continue;
      for (const action of actions) this.perform(action);
    }
  }

  /** @return {string} the state, and what goes with it */
  _state() {
    const { readyState, isPaused, bufferedAmount } = this.ws;
    const state = `state ${readyState}${isPaused ? ' paused' : ''}`;
    return this._config.measure ? `${state} buffered ${bufferedAmount}` : state;
  }

  /**
   * Does something that may throw.
   *
   * @param {Function} what what to do
   */
  _attempt(what) {
    try {
      what();
    } catch (err) {
      this._event(`threw ${this._log.show(err)}`);
    }
  }

  /** @param {string} line something that happened */
  _event(line) {
    this._log.event(`${this._name} ${line}`);
  }
}

module.exports = Side;
