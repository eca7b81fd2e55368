'use strict';

// Sockets of this environment that the addon reads and writes. When something
// has come, the addon calls `drain()`, which asks for a slice of decoded events
// and delivers them; what is sent meanwhile goes out when that is done.

const { performance } = require('node:perf_hooks');

const { Batch, WORDS } = require('./batch');
const turn = require('./turn');

// The third word of a line (see `src/io/fill.rs` and `src/remote/fill.rs`).
const ENDED = 1;
const LOST = 2;
const SENT = 3;
const RELEASED = 4;
const FOR_NODE = 5;

/** Bytes in a slab, which the small messages of several slices share. */
const SLAB_SIZE = 64 * 1024;

/** Bytes that should be free in a slab when a slice begins. */
const MIN_ROOM = 16 * 1024;

/**
 * Milliseconds after which a slice is left for a while, so that microtasks and
 * ticks come to run, and what was sent is written, before another thread does
 * it (`crates/engine/src/net/outgoing.rs`).
 */
const MAX_SLICE = 0.75;

/** Connections that keep something, if these are many. */
const MANY_KEPT = 32;

/** The function of Node; its module is not loaded together with the package. */
let markAsUntransferable;

/** Events that were decoded, in groups by connection. */
class Slice extends Batch {
  /** @param {NativeIo} io what it comes from */
  constructor(io) {
    super();
    this.isForeign = true;
    this._io = io;
    /** @type {NativeTransport[]} whose groups they are, in order */
    this.transports = [];
    /** How many of the groups were begun. */
    this.groups = 0;
    /** Events that are left of the present group. */
    this.left = 0;
    /** @type {?NativeTransport} whose group it is */
    this.transport = null;
    /** When the present call of `drain()` began, in milliseconds. */
    this.since = 0;
  }

  /** Whether everything is delivered. */
  get isDone() {
    return this.index === this.count;
  }

  /**
   * Tells, now and then, whether the present call has lasted long enough.
   *
   * @return {boolean}
   */
  isOver() {
    // An event takes long if many connections are sent to.
    if ((this.index & 7) !== 0 && this._io.kept.length < MANY_KEPT) {
      return false;
    }
    return performance.now() - this.since > MAX_SLICE;
  }

  /**
   * Notes whose the groups are: numbers may be given to others meanwhile.
   *
   * @param {NativeTransport[]} links the connections by number
   */
  resolve(links) {
    const { words, transports } = this;
    transports.length = this.groups = this.index = 0;
    for (let index = 0; index < this.count; index++) {
      const at = (index + 1) * WORDS;
      transports.push(links[words[at]]);
      if (words[at + 2] === 0) index += words[at + 1];
    }
  }

  /** Goes on behind the present group. */
  skip() {
    this.index += this.left;
    this.left = 0;
  }
}

/**
 * What there is to know of a connection that the addon has let go of.
 *
 * @typedef {Object} Released
 * @property {(Buffer|undefined)} rest what was read, but not decoded, behind
 *     one byte that was
 * @property {number} pending how much of what was decoded is in no slice yet
 * @property {number} read bytes that were read
 * @property {number} written bytes that the kernel has taken
 */

class NativeIo {
  /**
   * @param {string} name that of the transport
   * @param {Object} addon functions of the addon
   * @param {function(function(): boolean): boolean} addon.open
   * @param {function(number, Object): number} addon.adopt
   * @param {function(Uint32Array, Array, Buffer): number} addon.fill
   * @param {function(number)} addon.hold
   * @param {function(number)} addon.pause
   * @param {function(number)} addon.resume
   * @param {function(number): number} addon.bytesRead
   * @param {function(number): number} addon.bytesWritten
   */
  constructor(name, addon) {
    this.name = name;
    this.addon = addon;
    /** @type {NativeTransport[]} connections that keep something */
    this.kept = [];
    /** @type {?Slice} the present slice, once the addon was asked to open */
    this._slice = null;
    /** Bytes of its slab that are in use. */
    this._slabUsed = SLAB_SIZE;
    /** Whether the addon can; undefined until somebody has tried. */
    this._isOpen = undefined;
    /** @type {Array<?NativeTransport>} the connections, by number */
    this._links = [];
    /** Connections that keep the process alive. */
    this._holders = 0;
    /** @type {?{look: function(number)}} told the time now and then */
    this.watcher = null;
  }

  /**
   * Some of the connections.
   *
   * @param {number} limit how many at most
   * @return {NativeTransport[]}
   */
  connections(limit) {
    return this._links
      .filter((transport) => transport?.io === this)
      .slice(0, limit);
  }

  /**
   * Begins to read and write a socket.
   *
   * @param {NativeTransport} transport the connection
   * @param {number} fd its descriptor, which Node keeps
   * @return {number} a number for the connection; -1 if it is not possible
   */
  adopt(transport, fd) {
    if (this._isOpen === undefined) {
      this._isOpen = this.addon.open(() => this.drain());
      this._slice = new Slice(this);
    }
    if (!this._isOpen) return -1;
    const id = this.addon.adopt(fd, transport.inbox.decoder);
    if (id !== -1) this._links[id] = transport;
    return id;
  }

  /**
   * Lets go of a connection of which nothing comes any more.
   *
   * @param {NativeTransport} transport the connection
   * @param {number} id the number that it had
   */
  forget(transport, id) {
    if (this._links[id] === transport) this._links[id] = null;
  }

  /**
   * Makes the event loop stay alive, or no longer, for one connection more.
   *
   * @param {boolean} hold whether it does
   */
  hold(hold) {
    const before = this._holders;
    this._holders += hold ? 1 : -1;
    if (before === 0 || this._holders === 0) this.addon.hold(this._holders);
  }

  /**
   * Has `flushAll()` called at the end of the turn for a connection, which has
   * begun to keep something.
   *
   * @param {NativeTransport} transport the connection
   */
  enlist(transport) {
    if (this.kept.length === 0) {
      turn.join(this);
      turn.open();
    }
    this.kept.push(transport);
  }

  /** Sends what is kept: the turn calls it. */
  flush() {
    turn.kept--;
    const { kept } = this;
    this.kept = [];
    this.flushAll(kept);
  }

  /**
   * Whether events of a connection are in the present slice, so that more of
   * it is to come.
   *
   * @param {NativeTransport} transport the connection
   * @return {boolean}
   */
  isDelivering(transport) {
    const { groups, transports, transport: present } = this._slice;
    return present === transport || transports.includes(transport, groups);
  }

  /**
   * Delivers a slice. The addon calls it, in a callback scope of its own: ticks
   * and microtasks run after it. If a listener throws, the addon reports that
   * and calls again; the rest of the slice follows.
   *
   * @return {boolean} whether to call again
   */
  drain() {
    const slice = this._slice;
    if (slice.isDone) this._fill();
    if (slice.isDone) return false;

    slice.since = performance.now();
    if (this.watcher !== null) this.watcher.look(slice.since);
    const holding = turn.begin();
    try {
      do {
        this._deliverGroup();
      } while (!slice.isDone && !slice.isOver());
    } finally {
      turn.end(holding);
    }
    return !slice.isDone || this.hasMore(slice);
  }

  /**
   * Whether there is more than the present slice.
   *
   * @param {Slice} slice the slice
   * @return {boolean}
   */
  hasMore() {
    return false;
  }

  /** Has the next slice fetched. */
  _fill() {
    const slice = this._slice;
    if (slice.owned.length > 0) slice.owned = [];
    // A program may have taken the memory away: see docs/compat.md.
    const isGone = slice.slab.length === 0;
    if (isGone || this._slabUsed > SLAB_SIZE - MIN_ROOM) {
      slice.setSlab(Buffer.allocUnsafeSlow(SLAB_SIZE));
      protect(slice.slabMemory);
      this._slabUsed = 0;
    }
    const { words, owned, slab } = slice;
    words[1] = this._slabUsed;
    slice.count = this.addon.fill(words, owned, slab);
    this._slabUsed = words[1];
    slice.resolve(this._links);
  }

  /** Delivers one group, or what is left of it. */
  _deliverGroup() {
    const slice = this._slice;
    if (slice.left > 0) {
      this._deliverEvents();
      return;
    }
    const { words } = slice;
    const at = (slice.index + 1) * WORDS;
    const transport = slice.transports[slice.groups++];
    slice.index++;
    switch (words[at + 2]) {
      case ENDED:
        transport.ended(0);
        break;
      case LOST:
        transport.ended(words[at + 3]);
        break;
      case SENT:
        this.sent(transport, words[at + 1] * 2 ** 32 + words[at + 3]);
        break;
      case RELEASED:
        transport.released(this, words[at]);
        break;
      case FOR_NODE:
        transport.lend();
        break;
      default:
        slice.left = words[at + 1];
        slice.transport = transport;
        this._deliverEvents();
        return;
    }
    transport.delivered(this);
  }

  /** Delivers the events of the present group, if they are wanted. */
  _deliverEvents() {
    const slice = this._slice;
    const { transport } = slice;
    const { inbox, socket } = transport;
    if (inbox.concluded || (socket.destroyed && !transport.endsChunk)) {
      // Nothing comes after a close frame, or after the end.
      slice.skip();
    } else if (!inbox.ready || (isPaused(socket) && !transport.delivering)) {
      inbox.park(slice);
      slice.skip();
    } else {
      transport.delivering = true;
      try {
        transport.resource.runInAsyncScope(inbox.deliver, inbox, slice);
      } finally {
        // What a listener has thrown, or the time, may have left some.
        if (slice.left === 0 || !inbox.ready) {
          slice.skip();
          this._endGroup(transport);
        }
      }
      return;
    }
    this._endGroup(transport);
  }

  /**
   * A group is over.
   *
   * @param {NativeTransport} transport whose it was
   */
  _endGroup(transport) {
    transport.delivering = false;
    this._slice.transport = null;
    transport.delivered(this);
  }
}

module.exports = NativeIo;

/**
 * Keeps memory from being transferred to another thread by who has a part of
 * it: messages of several connections are in it.
 *
 * @param {ArrayBuffer} memory the memory
 */
function protect(memory) {
  markAsUntransferable ??= require('node:worker_threads').markAsUntransferable;
  markAsUntransferable(memory);
}

/**
 * Tells whether a program has paused a socket. One with a listener of
 * `'readable'` counts as paused for Node, but is read.
 *
 * @param {net.Socket} socket the socket
 * @return {boolean}
 */
function isPaused(socket) {
  return socket.isPaused() && !socket._readableState.readableListening;
}
