'use strict';

/** On a socket: the transport of its WebSocket, while it is attached. */
exports.kTransport = Symbol('transport');

/** Makes a `Receiver` around an inbox: an option, and a static method. */
exports.kInbox = Symbol('inbox');

/** On a socket that a client has made: its asynchronous context, if need be. */
exports.kContext = Symbol('context');
