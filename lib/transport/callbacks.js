'use strict';

// The callbacks of frames that are written together: each is called as if its
// frame had been written alone.

const { AsyncResource } = require('node:async_hooks');

/** Nobody listens for the end of these, so none has to be noticed. */
const OPTIONS = { requireManualDestroy: true };

/** A callback with the asynchronous context of the send that it belongs to. */
class Callback extends AsyncResource {
  /** @param {function(Error=)} fn the callback */
  constructor(fn) {
    super('FERROWS_SEND', OPTIONS);
    this.fn = fn;
  }

  /** @param {?Error} [err] what the callback is told */
  call(err) {
    this.runInAsyncScope(this.fn, undefined, err);
  }
}

class Callbacks {
  constructor() {
    /** @type {Callback[]} */
    this._list = [];
  }

  /** @param {function(Error=)} fn the callback of one more frame */
  add(fn) {
    this._list.push(new Callback(fn));
  }

  /** @return {function(Error=)} calls them all, in order */
  joined() {
    return (err) => callInOrder(this._list, 0, err);
  }
}

/**
 * Keeps the asynchronous context of now for a callback. (What Node.js has for
 * that, `AsyncResource.bind()`, takes longer than compressing a message.)
 *
 * @param {function(...*)} fn the callback
 * @return {function(...*)} calls it in that context
 */
Callbacks.bind = (fn) => {
  const callback = new Callback(fn);
  return (...args) => callback.runInAsyncScope(fn, undefined, ...args);
};

module.exports = Callbacks;

/**
 * Calls callbacks one after the other; one that throws does not keep the rest
 * from being called.
 *
 * @param {Callback[]} list the callbacks
 * @param {number} index the first one to call
 * @param {?Error} [err] their argument
 */
function callInOrder(list, index, err) {
  try {
    while (index < list.length) list[index++].call(err);
  } finally {
    if (index < list.length) process.nextTick(callInOrder, list, index, err);
  }
}
