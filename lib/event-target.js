'use strict';

const { kForOnEventAttribute, kListener } = require('./constants');

const kCode = Symbol('kCode');
const kData = Symbol('kData');
const kError = Symbol('kError');
const kMessage = Symbol('kMessage');
const kReason = Symbol('kReason');
const kTarget = Symbol('kTarget');
const kType = Symbol('kType');
const kWasClean = Symbol('kWasClean');

/** What a listener added with `addEventListener()` or `onX` is given. */
class Event {
  /** @param {string} type the name of the event */
  constructor(type) {
    this[kTarget] = null;
    this[kType] = type;
  }

  /** @type {WebSocket|null} the WebSocket that the event is about */
  get target() {
    return this[kTarget];
  }

  /** @type {string} the name of the event */
  get type() {
    return this[kType];
  }
}

/** The connection is closed. */
class CloseEvent extends Event {
  /**
   * @param {string} type the name of the event
   * @param {Object} [options] `code`, `reason` and `wasClean`
   */
  constructor(type, options = {}) {
    super(type);
    this[kCode] = options.code === undefined ? 0 : options.code;
    this[kReason] = options.reason === undefined ? '' : options.reason;
    this[kWasClean] = options.wasClean === undefined ? false : options.wasClean;
  }

  /** @type {number} the close code */
  get code() {
    return this[kCode];
  }

  /** @type {string} why the connection was closed */
  get reason() {
    return this[kReason];
  }

  /** @type {boolean} whether both sides sent a close frame */
  get wasClean() {
    return this[kWasClean];
  }
}

/** The connection failed. */
class ErrorEvent extends Event {
  /**
   * @param {string} type the name of the event
   * @param {Object} [options] `error` and `message`
   */
  constructor(type, options = {}) {
    super(type);
    this[kError] = options.error === undefined ? null : options.error;
    this[kMessage] = options.message === undefined ? '' : options.message;
  }

  /** @type {*} the error */
  get error() {
    return this[kError];
  }

  /** @type {string} the error's message */
  get message() {
    return this[kMessage];
  }
}

/** A message came in. */
class MessageEvent extends Event {
  /**
   * @param {string} type the name of the event
   * @param {Object} [options] `data`
   */
  constructor(type, options = {}) {
    super(type);
    this[kData] = options.data === undefined ? null : options.data;
  }

  /** @type {*} a string if it is text, else what `binaryType` says */
  get data() {
    return this[kData];
  }
}

// In browsers the attributes of an event are enumerable.
for (const EventClass of [Event, CloseEvent, ErrorEvent, MessageEvent]) {
  for (const name of Object.getOwnPropertyNames(EventClass.prototype)) {
    if (name === 'constructor') continue;
    Object.defineProperty(EventClass.prototype, name, { enumerable: true });
  }
}

/**
 * For each event that can be listened to in the manner of the browser, what
 * makes an Event of the arguments of the emitted one. Called on the WebSocket.
 */
const eventOf = new Map([
  ['open', () => new Event('open')],
  [
    'message',
    (data, isBinary) =>
      new MessageEvent('message', { data: isBinary ? data : data.toString() })
  ],
  [
    'close',
    function (code, reason) {
      return new CloseEvent('close', {
        code,
        reason: reason.toString(),
        wasClean: this._closeFrameReceived && this._closeFrameSent
      });
    }
  ],
  [
    'error',
    (error) => new ErrorEvent('error', { error, message: error.message })
  ]
]);

/** The EventTarget methods of a WebSocket, to be mixed into an EventEmitter. */
const EventTarget = {
  /**
   * Adds a listener in the manner of the browser.
   *
   * @param {string} type `open`, `message`, `close` or `error`; others are
   *     ignored
   * @param {Function|{handleEvent: Function}} listener called with an Event;
   *     one that was already added for the type is ignored
   * @param {Object} [options] options
   * @param {boolean} [options.once=false] whether it is called only once
   */
  addEventListener(type, listener, options = {}) {
    const toEvent = eventOf.get(type);
    const forOnEventAttribute = Boolean(options[kForOnEventAttribute]);

    if (toEvent === undefined) return;
    if (!forOnEventAttribute && findWrapper(this, type, listener)) return;

    const wrapper = function (...args) {
      const event = toEvent.apply(this, args);

      event[kTarget] = this;
      callListener(listener, this, event);
    };

    wrapper[kForOnEventAttribute] = forOnEventAttribute;
    wrapper[kListener] = listener;

    if (options.once) this.once(type, wrapper);
    else this.on(type, wrapper);
  },

  /**
   * Removes a listener that was added with `addEventListener()`.
   *
   * @param {string} type the name of the event
   * @param {Function|{handleEvent: Function}} listener the listener
   */
  removeEventListener(type, listener) {
    const wrapper = findWrapper(this, type, listener);

    if (wrapper) this.removeListener(type, wrapper);
  }
};

/**
 * Finds what `addEventListener()` made of a listener.
 *
 * @param {EventEmitter} emitter the emitter
 * @param {string} type the name of the event
 * @param {Function|{handleEvent: Function}} listener the listener
 * @return {Function|undefined}
 */
function findWrapper(emitter, type, listener) {
  return emitter
    .listeners(type)
    .find((fn) => fn[kListener] === listener && !fn[kForOnEventAttribute]);
}

/**
 * Calls a listener, or its `handleEvent()` method.
 *
 * @param {Function|{handleEvent: Function}} listener the listener
 * @param {*} thisArg `this` for a function
 * @param {Event} event the event
 */
function callListener(listener, thisArg, event) {
  if (typeof listener === 'object' && listener.handleEvent) {
    listener.handleEvent(event);
  } else {
    listener.call(thisArg, event);
  }
}

module.exports = { CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent };
