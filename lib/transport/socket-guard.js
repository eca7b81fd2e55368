'use strict';

// Programs write to a WebSocket's socket on their own, or end it. What a
// connection keeps for the end of the turn has to go out before that, or it
// would come late or never.

const { kTransport } = require('./symbols');

/** The methods of a socket that must not overtake what is kept. */
const METHODS = ['write', 'end', 'destroy', 'destroySoon', 'resetAndDestroy'];

/** @type {WeakMap<Object, Object>} the properties to define, by prototype */
const known = new WeakMap();

/**
 * The properties that make sockets write what is kept first.
 *
 * @param {Object} prototype whose methods the sockets have
 * @return {Object} property descriptors by name
 */
function guardsFor(prototype) {
  let guards = known.get(prototype);
  if (guards !== undefined) return guards;

  guards = {};
  for (const name of METHODS) {
    if (typeof prototype[name] !== 'function') continue;
    guards[name] = {
      configurable: true,
      writable: true,
      value: function (...args) {
        const transport = this[kTransport];
        if (transport !== undefined) transport.flush();
        return prototype[name].apply(this, args);
      }
    };
  }
  known.set(prototype, guards);
  return guards;
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
    Object.defineProperties(socket, guardsFor(Object.getPrototypeOf(socket)));
  } catch {
    return false;
  }
  return true;
}

/**
 * Undoes what `guard()` did to a socket.
 *
 * @param {stream.Duplex} socket the socket
 */
function unguard(socket) {
  const guards = known.get(Object.getPrototypeOf(socket));
  if (guards === undefined) return;
  for (const name of METHODS) {
    const own = Object.getOwnPropertyDescriptor(socket, name);
    if (own !== undefined && own.value === guards[name]?.value) {
      delete socket[name];
    }
  }
}

module.exports = { guard, guardsFor, unguard };
