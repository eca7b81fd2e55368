'use strict';

// Where a scenario plays that makes all it needs by itself, and what every
// stage has: the log, and ways to wait.

/** Milliseconds for which a scenario may wait for something. */
const PATIENCE = 3000;

/** What happens to whom, a line for each event. */
class Log {
  constructor() {
    this.ws = [];
    this.peer = [];
    this.bytes = Buffer.alloc(0);
  }

  /** @return {Object} what is compared */
  result() {
    return { ws: this.ws, peer: this.peer, bytes: this.bytes.toString('hex') };
  }
}

/** A stage without a connection. */
class PlainStage {
  /**
   * @param {Object} options
   * @param {Object} options.package the package under test
   */
  constructor({ package: tested }) {
    this.package = tested;
    this.log = new Log();
    this.cleanups = [];
  }

  /** @param {*} text a line for the log */
  note(text) {
    this.log.ws.push(String(text));
  }

  /**
   * A callback that logs how it was called.
   *
   * @param {string} name what is called back
   * @return {function(Error=)}
   */
  noted(name) {
    return (err) => {
      const how = err ? describe(err) : err === null ? 'null' : String(err);
      this.note(`${name}: ${how === 'null' ? 'undefined' : how}`);
    };
  }

  /**
   * Logs what a function returns or throws.
   *
   * @param {string} name what is tried
   * @param {Function} fn the function
   */
  attempt(name, fn) {
    let outcome;
    try {
      outcome = show(fn());
    } catch (err) {
      outcome = `throws ${describe(err)}`;
    }
    this.note(`${name}: ${outcome}`);
  }

  /**
   * Waits until something was logged.
   *
   * @param {RegExp} pattern what to look for in the lines
   * @param {number} [count=1] in how many lines
   */
  async logged(pattern, count = 1) {
    await this.until(
      () => this.log.ws.filter((line) => pattern.test(line)).length >= count
    );
  }

  /** Waits until all that was sent was worked off, or is stuck. */
  async idle() {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /**
   * Waits for something, but not for long.
   *
   * @param {function(): boolean} condition whether it is there
   */
  async until(condition) {
    const end = Date.now() + PATIENCE;
    while (!condition()) {
      if (Date.now() > end) {
        this.note('*** nothing came ***');
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Leaves nothing behind. */
  async leave() {
    for (const cleanup of this.cleanups) cleanup();
  }
}

/**
 * @param {*} value data of a message, or what a function returned
 * @return {string} how the log has it
 */
function show(value) {
  if (Array.isArray(value)) return `[${value.map(show)}]`;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer ?? value, value.byteOffset ?? 0);
    const start = bytes.subarray(0, value.byteLength).subarray(0, 16);
    const { name } = value.constructor;
    return `${name} ${value.byteLength} ${start.toString('hex')}`;
  }
  if (value instanceof Set) return `Set [${[...value]}]`;
  if (typeof value === 'object' && value !== null) {
    return Object.getPrototypeOf(value) === null || value.constructor === Object
      ? JSON.stringify(value)
      : value.constructor.name;
  }
  return String(value);
}

/**
 * @param {Error} err an error
 * @return {string} a line for the log
 */
function describe(err) {
  return `${err.name} ${err.code} ${err.message}`;
}

/** The `stages` of scenarios that need no connection. */
const alone = { alone: (tested) => new PlainStage({ package: tested }) };

module.exports = { alone, describe, PlainStage, show };
