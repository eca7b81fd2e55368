'use strict';

// Which sockets the addon may read and write, and how they are taken over.

const { AsyncResource, executionAsyncId } = require('node:async_hooks');
const net = require('node:net');

const adoptedSocket = require('./adopted-socket');
const { unguard } = require('./socket-guard');
const { kContext } = require('./symbols');

const socketPrototype = net.Socket.prototype;
const plainWrite = socketPrototype.write;

/** The key of what `AsyncLocalStorage` keeps in a resource, before Node 24. */
const RESOURCE_STORE = 'kResourceStore';

/** The key of what an `AsyncResource` has of the context, from then on. */
const CONTEXT_FRAME = 'context_frame';

/** @type {(?symbol|undefined)} see `frameKey()`, which sets it */
let knownKey;

/** Nobody listens for the end of a resource, so it has not to be noticed. */
const RESOURCE_OPTIONS = { requireManualDestroy: true };

/** @return {boolean} whether nobody has a hand in what all sockets write */
function isWritePlain() {
  return socketPrototype.write === plainWrite;
}

/**
 * Has the addon read and write a connection's socket, if it can.
 *
 * @param {NativeTransport} transport the connection
 */
function adopt(transport) {
  const { _choice: io, socket } = transport;
  transport._isAsking = false;
  if (transport.io !== null || transport.closed) return;
  transport.flush();
  unguard(socket);
  transport._guarded = false;
  if (socket.writableLength > 0 && !io.toleratesBacklog) {
    transport._chances++;
    return;
  }
  if (!isAdoptable(transport)) return;
  const context =
    transport.resource ?? transport.context ?? contextAtHand(socket);
  // It is seen when something comes: see `contextOf()`.
  if (context === null) return;
  const { _handle: handle } = socket;
  const id = io.adopt(transport, handle.fd);
  if (id === -1) return;
  handle.reading = false;
  handle.readStop();
  transport.prepare(context);
  transport.io = io;
  transport.id = id;
  copyContext(handle, transport.resource);
  adoptedSocket.adopt(socket);
  transport.hold(handle.hasRef());
}

/**
 * Tells whether the addon can do all the work for a connection.
 *
 * @param {NativeTransport} transport the connection
 * @return {boolean}
 */
function isAdoptable(transport) {
  const { inbox, input, socket } = transport;
  const { _handle: handle } = socket;
  return (
    adoptedSocket.isPlain(socket) &&
    isWritePlain() &&
    handle !== null &&
    handle.fd >= 0 &&
    input === inbox &&
    !transport._isLate &&
    inbox.synchronous &&
    inbox.idle &&
    !inbox.concluded &&
    socket.readable &&
    socket.writable &&
    !socket.connecting &&
    !socket.isPaused() &&
    !socket.timeout &&
    socket.readableLength === 0 &&
    socket.readableEncoding === null &&
    socket.listenerCount('data') === 1 &&
    socket.listenerCount('readable') === 0 &&
    !adoptedSocket.isChanged(socket)
  );
}

/**
 * The asynchronous context of a socket, where nobody can look it up: from Node 24
 * on, a handle keeps it to itself, but enters it when it has read something.
 *
 * @param {net.Socket} socket a socket that has emitted `'data'`
 * @return {?AsyncResource} null if it was not the handle that has called, and
 *     where `copyContext()` will do
 */
function contextOf({ _handle: handle }) {
  if (frameKey() === null) return null;
  if (handle?.getAsyncId?.() !== executionAsyncId()) return null;
  return new AsyncResource('FERROWS_SOCKET', RESOURCE_OPTIONS);
}

/**
 * Notes the asynchronous context of a socket that is being made, where nobody can
 * look it up later on.
 *
 * @param {net.Socket} socket a socket that has just been told to connect
 * @return {net.Socket} the socket
 */
function noteContext(socket) {
  if (frameKey() !== null) {
    socket[kContext] = new AsyncResource('FERROWS_SOCKET', RESOURCE_OPTIONS);
  }
  return socket;
}

/**
 * The asynchronous context of a socket that has not been seen in it yet. Where its
 * own can be copied later on, any will do. What a `net.Server` has accepted has an
 * empty one, whatever the server's is; a socket that the program has connected may
 * have any.
 *
 * @param {net.Socket} socket the socket
 * @return {?AsyncResource} null if nobody knows
 */
function contextAtHand(socket) {
  const key = frameKey();
  if (key !== null && !(socket._server instanceof net.Server)) {
    return socket[kContext] ?? null;
  }
  const resource = new AsyncResource('FERROWS_SOCKET', RESOURCE_OPTIONS);
  if (key !== null) resource[key] = undefined;
  return resource;
}

/**
 * Where a resource has a frame of the context.
 *
 * @return {?symbol} null if this Node has no such frames
 */
function frameKey() {
  if (knownKey === undefined) {
    const resource = new AsyncResource('FERROWS_SOCKET', RESOURCE_OPTIONS);
    const keys = Object.getOwnPropertySymbols(resource);
    knownKey =
      keys.find(({ description }) => description === CONTEXT_FRAME) ?? null;
  }
  return knownKey;
}

/**
 * Makes the asynchronous context of one resource that of another: listeners are
 * to find what they would if Node emitted the socket's events.
 *
 * @param {Object} from a handle or an `AsyncResource`
 * @param {Object} to the other
 */
function copyContext(from, to) {
  for (const resource of [to, from]) {
    for (const key of Object.getOwnPropertySymbols(resource)) {
      if (key.description === RESOURCE_STORE) to[key] = from[key];
    }
  }
}

module.exports = {
  adopt,
  contextOf,
  copyContext,
  isWritePlain,
  noteContext
};
