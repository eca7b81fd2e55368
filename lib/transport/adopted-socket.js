'use strict';

// The socket of a connection that the addon reads and writes. It stays a
// `net.Socket` of Node's, which does everything else; it only has another
// prototype, so that who uses it finds what is expected:
//
// - who writes to it, or ends it, finds frames sent before written before;
// - who begins to read it, pauses it, or does something else that the addon
//   cannot have a part in, gets it back: then Node reads and writes, as ever.

const net = require('node:net');

const { kTransport } = require('./symbols');

const kRead = Symbol('bytes read elsewhere');
const kWritten = Symbol('bytes written elsewhere');

/** A socket that Node reads and writes again. */
class ReturnedSocket extends net.Socket {
  /** @type {number} */
  get bytesRead() {
    return super.bytesRead + this[kRead];
  }

  /** @type {(number|undefined)} */
  get bytesWritten() {
    return super.bytesWritten + this[kWritten];
  }

  resume() {
    super.resume();
    this[kTransport]?.resumed();
    return this;
  }
}

/** A socket that the addon reads and writes. */
class AdoptedSocket extends ReturnedSocket {
  /** @type {number} */
  get bytesRead() {
    return super.bytesRead + this[kTransport].bytesRead;
  }

  /** @type {(number|undefined)} */
  get bytesWritten() {
    return super.bytesWritten + this[kTransport].bytesWritten;
  }

  /** @type {number} */
  get writableLength() {
    return super.writableLength + this[kTransport].unsent;
  }

  /** Node does not read. */
  _read() {}

  _destroy(err, callback) {
    this[kTransport].handBack();
    super._destroy(err, callback);
  }

  ref() {
    this[kTransport].hold(true);
    return super.ref();
  }

  unref() {
    this[kTransport].hold(false);
    return super.unref();
  }

  setTimeout(msecs, callback) {
    // Its timer would not notice what the addon reads.
    if (msecs !== 0) this[kTransport].handBack();
    return super.setTimeout(msecs, callback);
  }
}

/** Methods whose use means that Node is to read and write. */
const RETURNING = [
  'cork',
  'end',
  'destroySoon',
  // Node goes on reading a paused socket until it has enough.
  'pause',
  'pipe',
  'push',
  'removeAllListeners',
  'resetAndDestroy',
  'setEncoding',
  'unshift',
  'wrap'
];

/** Methods that add a listener. */
const LISTENING = [
  'addListener',
  'on',
  'once',
  'prependListener',
  'prependOnceListener'
];

const { prototype } = AdoptedSocket;

for (const name of RETURNING) {
  define(name, function (...args) {
    this[kTransport].handBack();
    return net.Socket.prototype[name].apply(this, args);
  });
}

for (const name of LISTENING) {
  define(name, function (event, listener) {
    if (event === 'data' || event === 'readable') this[kTransport].handBack();
    return net.Socket.prototype[name].call(this, event, listener);
  });
}

for (const name of ['_write', '_writev']) {
  define(name, net.Socket.prototype[name]);
}

for (const name of ['write', 'destroy']) {
  define(name, function (...args) {
    this[kTransport].beforeWrite();
    return net.Socket.prototype[name].apply(this, args);
  });
}

for (const { prototype } of [ReturnedSocket, AdoptedSocket]) {
  Object.defineProperty(prototype, 'constructor', {
    configurable: true,
    value: net.Socket,
    writable: true
  });
}

/**
 * Makes a socket one that the addon reads and writes.
 *
 * @param {net.Socket} socket the socket, whose transport has adopted it
 */
function adopt(socket) {
  socket[kRead] ??= 0;
  socket[kWritten] ??= 0;
  Object.setPrototypeOf(socket, prototype);
  exchangeOwn(socket, net.Socket.prototype, prototype);
}

/**
 * Makes a socket one that Node reads and writes.
 *
 * @param {net.Socket} socket the socket
 * @param {number} read bytes that the addon has read of it
 * @param {number} written bytes that it has written
 */
function giveBack(socket, read, written) {
  socket[kRead] += read;
  socket[kWritten] += written;
  Object.setPrototypeOf(socket, ReturnedSocket.prototype);
  exchangeOwn(socket, prototype, net.Socket.prototype);
}

/**
 * Tells whether a socket is one of Node's own, as Node has made it.
 *
 * @param {stream.Duplex} socket the socket
 * @return {boolean}
 */
function isPlain(socket) {
  const proto = Object.getPrototypeOf(socket);
  return proto === net.Socket.prototype || proto === ReturnedSocket.prototype;
}

/**
 * Tells whether a socket has methods of somebody else's. (Node's HTTP server
 * leaves its sockets with methods of their own which are those of all sockets.)
 *
 * @param {net.Socket} socket the socket
 * @return {boolean}
 */
function isChanged(socket) {
  for (const name of [
    ...LISTENING,
    'write',
    'end',
    'destroy',
    'read',
    'emit'
  ]) {
    if (
      Object.prototype.hasOwnProperty.call(socket, name) &&
      socket[name] !== net.Socket.prototype[name]
    ) {
      return true;
    }
  }
  return false;
}

module.exports = { adopt, giveBack, isChanged, isPlain };

/**
 * Exchanges methods that a socket has as properties of its own.
 *
 * @param {net.Socket} socket the socket
 * @param {Object} from whose methods they are
 * @param {Object} to whose methods they become
 */
function exchangeOwn(socket, from, to) {
  for (const name of LISTENING) {
    const own = Object.getOwnPropertyDescriptor(socket, name);
    if (own !== undefined && own.value === from[name]) {
      Object.defineProperty(socket, name, { ...own, value: to[name] });
    }
  }
}

/**
 * Defines a method, which a program may put another in the place of: then Node
 * is to do all the work.
 *
 * @param {string} name its name
 * @param {Function} method what it does
 */
function define(name, method) {
  Object.defineProperty(prototype, name, {
    configurable: true,
    get() {
      return method;
    },
    set(value) {
      this[kTransport].handBack();
      Object.defineProperty(this, name, {
        configurable: true,
        enumerable: true,
        value,
        writable: true
      });
    }
  });
}
