'use strict';

// Ways to break the package, to see whether a run of random programs notices.

/**
 * A package whose WebSocket emits in another way.
 *
 * @param {Object} ferrows the package, see `execute()`
 * @param {function(Function, string, Array)} emit gets the right way, and what
 *     is to be emitted
 * @return {Object}
 */
function emitting(ferrows, emit) {
  class Mutant extends ferrows.WebSocket {
    emit(name, ...args) {
      return emit.call(this, (...all) => super.emit(...all), name, args);
    }
  }
  return { ...ferrows, WebSocket: Mutant };
}

/**
 * A package whose WebSocket sends in another way.
 *
 * @param {Object} ferrows the package, see `execute()`
 * @param {function(Array): Array} change changes the arguments of `send()`
 * @return {Object}
 */
function sending(ferrows, change) {
  class Mutant extends ferrows.WebSocket {
    send(...args) {
      return super.send(...change(args));
    }
  }
  return { ...ferrows, WebSocket: Mutant };
}

/** What is wrong, and how to make it so. */
module.exports = {
  'another code of an error': (ferrows) =>
    emitting(ferrows, (right, name, args) => {
      if (args[0]?.code === 'WS_ERR_INVALID_OPCODE') args[0].code += 'S';
      return right(name, ...args);
    }),

  'another message of an error': (ferrows) =>
    emitting(ferrows, (right, name, args) => {
      if (name === 'error') args[0].message += '.';
      return right(name, ...args);
    }),

  'two events in the wrong order': (ferrows) =>
    emitting(ferrows, function (right, name, args) {
      if (name === 'ping' && this.held === undefined) {
        this.held = args;
        return true;
      }
      const done = right(name, ...args);
      if (this.held) {
        right('ping', ...this.held);
        this.held = null;
      }
      return done;
    }),

  'an event that is lost': (ferrows) =>
    emitting(ferrows, (right, name, args) =>
      name === 'pong' ? true : right(name, ...args)
    ),

  'an event that comes a tick late': (ferrows) =>
    emitting(ferrows, (right, name, args) => {
      if (name !== 'close') return right(name, ...args);
      process.nextTick(right, name, ...args);
      return true;
    }),

  'a close code for another': (ferrows) =>
    emitting(ferrows, (right, name, args) =>
      right(name, ...args.map((arg) => (arg === 1005 ? 1006 : arg)))
    ),

  'a callback that is lost': (ferrows) =>
    sending(ferrows, (args) => args.filter((arg) => typeof arg !== 'function')),

  'a callback that is called twice': (ferrows) =>
    sending(ferrows, (args) =>
      args.map((arg) =>
        typeof arg === 'function' ? (err) => (arg(err), arg(err)) : arg
      )
    ),

  'a flag of a frame': (ferrows) =>
    sending(ferrows, ([data, options, ...rest]) => [
      data,
      options?.fin === false ? {} : options,
      ...rest
    ])
};
