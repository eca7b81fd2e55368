'use strict';

/** On a socket: the transport of its WebSocket, while it is attached. */
exports.kTransport = Symbol('transport');

/** Makes a `Receiver` around an inbox: an option, and a static method. */
exports.kInbox = Symbol('inbox');
