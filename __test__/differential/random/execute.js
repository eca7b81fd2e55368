'use strict';

const Clock = require('./clock');
const { Log } = require('./log');
const Side = require('./side');

/** Turns without a line of log after which nothing more is expected. */
const QUIET = 6;

/** Turns after which a run is over, quiet or not. */
const LIMIT = 400;

/** What changes how writes end. */
const CHANGES = ['hold', 'release', 'break'];

/** Packets that the bytes of one turn come in at most. */
const MAX_PACKETS = 60;

/** Longer than any `closeTimeout` of a program, in milliseconds. */
const LONG = 60e3;

/**
 * Runs a program.
 *
 * @param {Object} program see `generate()`
 * @param {Object} ferrows the package: `WebSocket`, `EMPTY_BUFFER`,
 *     `kStatusCode`, and whether it `readsOn`, see `Log#derail()`
 * @return {Promise<{text: string, comparable: number}>} the log, and how many
 *     of its characters can be compared
 */
async function execute(program, ferrows) {
  const run = new Run(program, ferrows);
  const onUncaught = (err) => run.log.event(`uncaught ${err.stack}`);
  run.clock.install();
  process.on('uncaughtException', onUncaught);
  try {
    await new Promise((resolve) => setImmediate(drive, run.script(), resolve));
    for (const side of run.sides) {
      side.checkData();
      for (const blob of side.blobs) {
        run.log.event(run.log.show(Buffer.from(await blob.arrayBuffer())));
      }
    }
  } finally {
    process.off('uncaughtException', onUncaught);
    run.clock.uninstall();
  }
  run.log.turn();
  return run.log.result;
}

/** One run of a program. */
class Run {
  /**
   * @param {Object} program the program
   * @param {Object} ferrows the package
   */
  constructor(program, ferrows) {
    this._program = program;
    this._ferrows = ferrows;
    this.log = new Log(ferrows);
    this.clock = new Clock();
    /** @type {Side[]} */
    this.sides = [];
    /** What each side is to receive. */
    this._onTheWay = [[], []];
  }

  /**
   * What happens, from the beginning to the end. At a `yield` the rest waits
   * for the next tick, or for the next macrotask.
   *
   * @yield {('tick'|'macrotask')}
   */
  *script() {
    const { sides, steps } = this._program;
    sides.forEach((config, index) => {
      this.sides.push(new Side(this._ferrows, config, `ab`[index], this.log));
    });
    for (const step of steps) {
      // A write is either held or not, whatever else is written with it.
      if (CHANGES.includes(step.action.do)) yield* this._turn();
      this.sides[step.side].perform(step.action);
      if (step.then === 'tick') yield 'tick';
      if (step.then === 'turn') yield* this._turn();
      if (typeof step.then === 'number') {
        yield* this._turn();
        this.clock.advance(step.then);
      }
    }
    yield* this._finish();
  }

  /** Everything comes to an end, by itself or not. */
  *_finish() {
    yield* this._quiet();
    yield* this._each('release');
    this.clock.advance(LONG);
    yield* this._quiet();
    yield* this._each('resume');
    yield* this._each('terminate');
    this.clock.advance(LONG);
    yield* this._quiet();
  }

  /**
   * Does something on each side.
   *
   * @param {string} name what
   */
  *_each(name) {
    for (const side of this.sides) side.perform({ do: name });
    yield* this._quiet();
    for (const side of this.sides) side.look();
  }

  /** Goes on until nothing happens any more. */
  *_quiet() {
    let quiet = 0;
    for (let turn = 0; quiet < QUIET && turn < LIMIT; turn++) {
      const { length } = this.log;
      yield* this._turn();
      quiet = this.log.length === length ? quiet + 1 : 0;
    }
  }

  /**
   * Lets the event loop go round: writes are done, and what each side wrote
   * arrives at the other. Each of that is a macrotask, in a fixed order, that
   * does not depend on who wrote first.
   */
  *_turn() {
    yield* this._macrotask();
    for (const { wire } of this.sides) {
      wire.settle();
      yield* this._macrotask();
    }
    for (let index = 0; index < this.sides.length; index++) {
      this.sides[index].wire.pump();
      this._deliver(index);
      yield* this._macrotask();
    }
  }

  /** Waits for the next macrotask. */
  *_macrotask() {
    yield 'macrotask';
    this.sides.forEach((side, index) => {
      const { bytes, end } = side.take();
      if (this.sides.length === 2) {
        const { packet: least } = this._program;
        const packet = Math.max(least, Math.ceil(bytes.length / MAX_PACKETS));
        for (let at = 0; at < bytes.length; at += packet) {
          this._onTheWay[1 - index].push(bytes.subarray(at, at + packet));
        }
        if (end) this._onTheWay[1 - index].push(null);
      }
    });
    this.log.turn();
    const reacted = this.sides.filter((side) => side.reactToCallbacks());
    if (reacted.length > 0) yield* this._macrotask();
  }

  /**
   * Brings to a side what the other one wrote.
   *
   * @param {number} index which side
   */
  _deliver(index) {
    for (const packet of this._onTheWay[index].splice(0)) {
      // Memory is the receiver's: it unmasks in place.
      this.sides[index].wire.arrive(packet && Buffer.from(packet));
    }
  }
}

module.exports = execute;

/**
 * Goes through a script.
 *
 * @param {Iterator<string>} script see `Run#script()`
 * @param {Function} done called at its end
 */
function drive(script, done) {
  const { value, done: over } = script.next();
  if (over) done();
  else if (value === 'tick') process.nextTick(drive, script, done);
  else setImmediate(drive, script, done);
}
