'use strict';

// The sockets of this environment that the addon reads and writes: the `loop`
// transport. The addon calls `drain()` when some are readable; it reads and
// decodes them, a slice of events at a time, and what is sent meanwhile is
// written when the slice has been delivered.

const { performance } = require('node:perf_hooks');
const { markAsUntransferable } = require('node:worker_threads');

const native = require('../native');
const { Batch, WORDS } = require('./batch');
const turn = require('./turn');

// The third word of a group's line (see `src/io/fill.rs`).
const ENDED = 1;
const LOST = 2;

/** Bytes in a slab, which the small messages of several slices share. */
const SLAB_SIZE = 64 * 1024;

/** Bytes that should be free in a slab when a slice begins. */
const MIN_ROOM = 16 * 1024;

/**
 * Milliseconds after which a slice is left for a while, so that microtasks and
 * ticks come to run, and what was sent is written, before another thread does
 * it (`crates/engine/src/net/outgoing.rs`).
 */
const MAX_SLICE = 0.6;

/** Connections that keep something, if these are many. */
const MANY_KEPT = 32;

/** Connections that `flushAll()` of the addon reports at once. */
const MAX_STUCK = 256;

/** Events that were decoded, in groups by connection. */
class Slice extends Batch {
  constructor() {
    super();
    /** Events that are left of the present group. */
    this.left = 0;
    /** @type {?NativeTransport} whose they are */
    this.transport = null;
    /** When the present call of `drain()` began, in milliseconds. */
    this.since = 0;
  }

  /**
   * Tells, now and then, whether the present call has lasted long enough.
   *
   * @return {boolean}
   */
  isOver() {
    // An event takes long if many connections are sent to.
    if ((this.index & 7) !== 0 && kept.length < MANY_KEPT) return false;
    return performance.now() - this.since > MAX_SLICE;
  }
}

/** @type {?Slice} the present slice, once the loop was opened */
let slice = null;

/** Bytes of its slab that are in use. */
let slabUsed = SLAB_SIZE;

/** Whether the addon's loop is open; undefined until somebody has tried. */
let isOpen;

/** @type {Array<?NativeTransport>} the connections, by number */
const links = [];

/** @type {number[]} numbers of connections that were released lately */
const released = [];

/** Connections that keep the process alive. */
let holders = 0;

/** @type {NativeTransport[]} connections that keep something */
let kept = [];

const stuck = new Uint32Array(MAX_STUCK);

/** Stands in the list of the turn for all connections here. */
const outboxes = { flush: flushAll };

/**
 * Begins to read and write a socket.
 *
 * @param {NativeTransport} transport the connection
 * @param {number} fd its descriptor, which Node keeps
 * @return {number} a number for the connection; -1 if it is not possible
 */
function adopt(transport, fd) {
  isOpen ??= open();
  if (!isOpen) return -1;
  const id = native.adopt(fd, transport.inbox.decoder);
  if (id !== -1) links[id] = transport;
  return id;
}

/**
 * Lets go of a connection. What was decoded for it is delivered still.
 *
 * @param {number} id its number
 * @return {(Buffer|undefined)} what `release()` of the addon gives
 */
function release(id) {
  released.push(id);
  return native.release(id);
}

/**
 * Makes the loop, or no longer, stay alive for one connection more.
 *
 * @param {boolean} hold whether it does
 */
function hold(hold) {
  const before = holders;
  holders += hold ? 1 : -1;
  if (before === 0 || holders === 0) native.holdLoop(holders);
}

/**
 * Writes what a connection has kept when the turn ends.
 *
 * @param {NativeTransport} transport the connection, which has begun to keep
 */
function enlist(transport) {
  if (kept.length === 0) {
    turn.join(outboxes);
    turn.open();
  }
  kept.push(transport);
}

/**
 * Whether a connection's group is being delivered, so that more of it may be
 * to come.
 *
 * @param {NativeTransport} transport the connection
 * @return {boolean}
 */
function isDelivering(transport) {
  return slice !== null && slice.transport === transport;
}

module.exports = { adopt, enlist, hold, isDelivering, release };

/**
 * Opens the addon's loop.
 *
 * @return {boolean} whether there is one
 */
function open() {
  if (!native.openLoop(drain)) return false;
  slice = new Slice();
  return true;
}

/**
 * Delivers a slice. The addon calls it, in a callback scope of its own: ticks
 * and microtasks run after it. If a listener throws, the addon reports that
 * and calls again; the rest of the slice follows.
 *
 * @return {boolean} whether to call again
 */
function drain() {
  if (slice.left === 0 && slice.index === slice.count) fill();
  if (slice.count === 0) return false;

  const holding = turn.begin();
  slice.since = performance.now();
  try {
    do {
      deliverGroup();
    } while (slice.index < slice.count && !slice.isOver());
  } finally {
    turn.end(holding);
  }
  return slice.left > 0 || slice.index < slice.count;
}

/** Has the next slice read and decoded. */
function fill() {
  while (released.length > 0) {
    const id = released.pop();
    if (links[id].id !== id) links[id] = null;
  }
  if (slice.owned.length > 0) slice.owned = [];
  if (slabUsed > SLAB_SIZE - MIN_ROOM) {
    slice.setSlab(Buffer.allocUnsafeSlow(SLAB_SIZE));
    // Messages of several connections are in it.
    markAsUntransferable(slice.slabMemory);
    slabUsed = 0;
  }
  const { words, owned, slab } = slice;
  words[1] = slabUsed;
  slice.index = 0;
  slice.count = native.fill(words, owned, slab);
  slabUsed = words[1];
}

/** Delivers one group, or what is left of it. */
function deliverGroup() {
  if (slice.left > 0) {
    deliverEvents();
    return;
  }
  const at = (slice.index + 1) * WORDS;
  const { words } = slice;
  slice.index++;
  const transport = links[words[at]];
  const status = words[at + 2];
  if (status === ENDED || status === LOST) {
    transport.ended(status === LOST ? words[at + 3] : 0);
    return;
  }
  slice.left = words[at + 1];
  slice.transport = transport;
  deliverEvents();
}

/** Delivers the events of the present group, if they are wanted. */
function deliverEvents() {
  const { transport } = slice;
  const { inbox, socket } = transport;
  if (inbox.concluded || socket.destroyed) {
    // Nothing comes after a close frame, or after the end.
    skip();
  } else if (!inbox.ready || (socket.isPaused() && !transport.delivering)) {
    inbox.park(slice);
    skip();
  } else {
    transport.delivering = true;
    transport.resource.runInAsyncScope(inbox.deliver, inbox, slice);
    // Time was up.
    if (slice.left > 0 && inbox.ready) return;
    skip();
  }
  transport.delivering = false;
  slice.transport = null;
  transport.delivered();
}

/** Goes on behind the present group. */
function skip() {
  slice.index += slice.left;
  slice.left = 0;
}

/** Writes what is kept, for all connections. */
function flushAll() {
  turn.kept--;
  const flushed = kept;
  kept = [];
  let count;
  do {
    count = native.flushAll(stuck);
    for (let index = 0; index < count; index++) links[stuck[index]].stuck();
  } while (count === MAX_STUCK);
  for (const transport of flushed) transport.flushed();
}
