'use strict';

// Programs write to a WebSocket's socket on their own, or end it. What a
// connection keeps for the end of the turn has to go out before that, or it
// would come late or never.

const { kTransport } = require('./symbols');

/** The methods of a socket that must not overtake what is kept. */
const METHODS = ['write', 'end', 'destroy', 'destroySoon', 'resetAndDestroy'];

/** The properties to define, the same for each socket. */
const guards = {};

for (const name of METHODS) {
  guards[name] = {
    configurable: true,
    writable: true,
    value: function (...args) {
      const transport = this[kTransport];
      if (transport !== undefined) transport.flush();
      return Object.getPrototypeOf(this)[name].apply(this, args);
    }
  };
}

/**
 * Makes a socket write what its connection keeps before anything else.
 *
 * @param {stream.Duplex} socket the socket
 * @return {boolean} false if that is not possible; then nothing may be kept
 */
function guard(socket) {
  for (const name of METHODS) {
    // A method of the socket's own is somebody's; leave it as it is.
    if (Object.prototype.hasOwnProperty.call(socket, name)) return false;
  }
  try {
    for (const name of METHODS) {
      if (typeof socket[name] === 'function') {
        Object.defineProperty(socket, name, guards[name]);
      }
    }
  } catch {
    return false;
  }
  return true;
}

module.exports = guard;

/** What the `write` method of a guarded socket is. */
module.exports.write = guards.write.value;
