'use strict';

/**
 * A clock that stands still until it is told to go on: while it is installed,
 * the global timers are its own. Closing handshakes time out at once, and at
 * the same point of every run.
 */
class Clock {
  constructor() {
    this._now = 0;
    this._timers = new Set();
    this._saved = null;
  }

  /** Takes the place of the global `setTimeout` and `clearTimeout`. */
  install() {
    const { setTimeout, clearTimeout } = globalThis;
    this._saved = { setTimeout, clearTimeout };
    globalThis.setTimeout = (callback, delay, ...args) => {
      const timer = { due: this._now + Math.max(Number(delay) || 1, 1) };
      timer.fire = () => callback(...args);
      timer.ref = timer.unref = () => timer;
      this._timers.add(timer);
      return timer;
    };
    globalThis.clearTimeout = (timer) => {
      if (!this._timers.delete(timer)) clearTimeout(timer);
    };
  }

  /** Gives the global timers back. */
  uninstall() {
    Object.assign(globalThis, this._saved);
  }

  /**
   * Lets time pass, and calls what is due.
   *
   * @param {number} ms milliseconds
   */
  advance(ms) {
    const until = this._now + ms;
    for (;;) {
      const [next] = [...this._timers].sort((a, b) => a.due - b.due);
      if (next === undefined || next.due > until) break;
      this._now = next.due;
      this._timers.delete(next);
      next.fire();
    }
    this._now = until;
  }
}

module.exports = Clock;
