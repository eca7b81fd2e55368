'use strict';

// Which transport a connection gets: what the user wants, and what the runtime
// has.

const { auto } = require('./auto');
const loop = require('./loop');
const NativeTransport = require('./native-transport');
const StreamTransport = require('./stream-transport');
const tokio = require('./tokio');

/** The values of the `transport` option. */
const NAMES = ['auto', 'loop', 'tokio', 'stream'];

/** The most I/O threads that may be asked for. */
const MAX_THREADS = 1024;

/** The transport of all connections, if the environment says so. */
const forced = process.env.FERROWS_TRANSPORT || undefined;

if (forced !== undefined && !NAMES.includes(forced)) {
  throw new TypeError(
    `The environment variable FERROWS_TRANSPORT is ${JSON.stringify(forced)}, ` +
      `but must be one of ${NAMES.join(', ')}`
  );
}

const forcedThreads = process.env.FERROWS_IO_THREADS || undefined;

if (forcedThreads !== undefined) {
  checkThreads(
    Number(forcedThreads),
    'environment variable FERROWS_IO_THREADS'
  );
  tokio.threads = Number(forcedThreads);
}

/**
 * Where sockets are read and written without Node. The addon could elsewhere too,
 * but kernels and libuv's ways differ, and the tests run on these alone.
 */
const SYSTEMS = ['linux', 'darwin'];

/**
 * Whether that is so here. Other runtimes may have the functions that it takes
 * by name only.
 */
const hasNative =
  SYSTEMS.includes(process.platform) &&
  process.versions.bun === undefined &&
  globalThis.Deno === undefined;

/**
 * Checks the options of a client or a server that are about transports.
 *
 * @param {Object} options the options
 * @param {string} [options.transport='auto']
 * @param {number} [options.ioThreads]
 * @throws {TypeError} if `transport` is not a name of one
 * @throws {RangeError} if `ioThreads` is not a number of threads
 */
function checkTransport({ transport, ioThreads }) {
  if (transport !== undefined && !NAMES.includes(transport)) {
    throw new TypeError(
      `The "transport" option must be one of ${NAMES.join(', ')}`
    );
  }
  if (ioThreads !== undefined) checkThreads(ioThreads, '"ioThreads" option');
}

/**
 * The options that are about transports, as `setSocket()` takes them: only
 * those that were given, since programs see what it is called with.
 *
 * @param {Object} options the options of a client or a server
 * @return {Object}
 */
function transportOptions({ transport, ioThreads }) {
  const given = {};
  if (transport !== undefined) given.transport = transport;
  if (ioThreads !== undefined) given.ioThreads = ioThreads;
  return given;
}

/**
 * Makes the transport of a connection.
 *
 * @param {stream.Duplex} socket the socket
 * @param {Object} owner first argument of the events
 * @param {(InboxEvents & TransportEvents)} events what to call
 * @param {Object} options as `Receiver` takes them, and `transport`
 * @return {StreamTransport}
 */
function createTransport(socket, owner, events, options) {
  const wanted = forced ?? options.transport ?? 'auto';
  if (!hasNative || wanted === 'stream') {
    return new StreamTransport(socket, owner, events, options);
  }
  const isMovable = wanted === 'auto';
  if (isMovable) loop.watcher ??= tokio.watcher = auto;
  if (options.ioThreads !== undefined && forcedThreads === undefined) {
    tokio.threads = options.ioThreads;
  }
  return new NativeTransport(socket, owner, events, {
    ...options,
    io: wanted === 'tokio' ? tokio : loop,
    isMovable
  });
}

module.exports = { checkTransport, createTransport, transportOptions };

/**
 * Checks a number of I/O threads.
 *
 * @param {number} threads the number
 * @param {string} where what it comes from
 * @throws {RangeError} if it is not one
 */
function checkThreads(threads, where) {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new RangeError(
      `The ${where} must be an integer from 1 to ${MAX_THREADS}`
    );
  }
}
