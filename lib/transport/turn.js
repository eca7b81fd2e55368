'use strict';

// Sends of one turn. Between two reads from the kernel a program often sends
// many messages; each connection writes its first one at once, as ws does, and
// keeps the next ones until the turn ends, so that they cost one system call
// together.
//
// A turn ends when the events of a chunk have been delivered, or, outside of
// that, on the next tick. While more events of a chunk are still to come the
// first send is kept as well: its turn is not over before those are through.

/** @type {Array<{flush: function()}>} who keeps something, first come first */
const waiting = [];

/** The first of them that the end of the turn has not come to yet. */
let next = 0;

/** How many slots there are. */
let slots = 0;

/** @type {number[]} those of them that are free */
const free = [];

const turn = {
  /** Whether even a first send is to be kept. */
  holding: false,
  /** Changes with each turn: tells a first send from a later one. */
  id: 0,
  /** How many connections keep something. */
  kept: 0,

  /** Whether something will end the present turn. */
  _ending: false,
  /** How many deliveries are under way, one inside the other. */
  _depth: 0,

  /**
   * Marks the begin of a delivery of events.
   *
   * @return {boolean} what `end()` needs
   */
  begin() {
    this._depth++;
    return this.holding;
  },

  /**
   * Marks the end of a delivery; the outermost one ends the turn.
   *
   * @param {boolean} holding what `begin()` returned
   */
  end(holding) {
    this.holding = holding;
    if (--this._depth === 0) this.finish();
  },

  /** Sees to it that the present turn ends. */
  open() {
    if (this._ending || this._depth > 0) return;
    this._ending = true;
    process.nextTick(finishOnTick);
  },

  /**
   * Gives a slot to a connection that begins to keep something.
   *
   * @param {{flush: function()}} transport its transport
   * @return {number} the slot
   */
  enlist(transport) {
    waiting.push(transport);
    this.kept++;
    return free.length > 0 ? free.pop() : slots++;
  },

  /**
   * Flushes something at the end of the turn that needs no slot. It takes
   * itself off `kept` then.
   *
   * @param {{flush: function()}} outboxes what to flush
   */
  join(outboxes) {
    waiting.push(outboxes);
    this.kept++;
  },

  /**
   * Takes a slot back.
   *
   * @param {number} slot the slot
   */
  release(slot) {
    free.push(slot);
    this.kept--;
  },

  /** Ends the turn: everything kept is written. */
  finish() {
    this.id++;
    if (waiting.length === 0) return;
    try {
      flushAll();
    } finally {
      // Only a socket whose `write` threw leaves the others waiting.
      if (this.kept > 0) this.open();
    }
  }
};

/** Ends a turn that no delivery of events ended. */
function finishOnTick() {
  turn._ending = false;
  turn.finish();
}

/**
 * Writes what is kept, for all connections. A write may run programs, which may
 * end a turn themselves, or keep something again: `next` is shared by all calls
 * under way.
 */
function flushAll() {
  while (next < waiting.length) waiting[next++].flush();
  waiting.length = next = 0;
}

// No turn ends after this: what is still sent is written at once.
process.on('exit', () => {
  turn.id = NaN;
  turn.holding = false;
  flushAll();
});

module.exports = turn;
