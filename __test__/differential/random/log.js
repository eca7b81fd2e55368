'use strict';

const { createHash } = require('node:crypto');

/** Bytes from which on they are told by length and digest. */
const LONG = 160;

/**
 * What happened in a run, turn by turn; a turn is one macrotask with the ticks
 * that follow it.
 *
 * Two things are not compared more exactly than by turn, because they differ
 * deliberately (docs/compat.md, "Sending"): frames of one turn are written
 * together, so that
 *
 * - the bytes of a turn count, and not the writes they came in;
 * - callbacks of a side have an order among themselves, and not to the rest: "one may
 *   come after a `nextTick` that it would have come before". What a program
 *   does in them is done in the next turn.
 */
class Log {
  /** @param {Object} ferrows `kStatusCode` and `EMPTY_BUFFER` of the package */
  constructor({ kStatusCode, EMPTY_BUFFER }) {
    this._kStatusCode = kStatusCode;
    this._empty = EMPTY_BUFFER;
    this._turn = 0;
    this._lines = [];
    this._comparable = Infinity;
    this._events = [];
    this._callbacks = {};
    this._wire = [];
  }

  /** How many lines there are so far. */
  get length() {
    return this._lines.length;
  }

  /** @param {string} line something that happened */
  event(line) {
    this._events.push(line);
  }

  /**
   * @param {string} side whose callback was called
   * @param {string} line which one, and how
   */
  callback(side, line) {
    (this._callbacks[side] ??= []).push(`${side} ${line}`);
  }

  /** @param {string} line bytes that were written in this turn */
  wire(line) {
    this._wire.push(line);
  }

  /** The turn is over. */
  turn() {
    this._turn++;
    const sides = Object.keys(this._callbacks).sort();
    const callbacks = sides.flatMap((side) => this._callbacks[side]);
    const lines = [...this._events, ...callbacks, ...this._wire];
    for (const line of lines) this._lines.push(`${this._turn}: ${line}`);
    this._events = [];
    this._callbacks = {};
    this._wire = [];
  }

  /** @return {{text: string, comparable: number}} see `execute()` */
  get result() {
    const text = this._lines.join('\n');
    const comparable = this._lines.slice(0, this._comparable).join('\n');
    return { text, comparable: comparable.length };
  }

  /**
   * What follows, from the present turn on, cannot be compared. A chunk that
   * waits behind broken input, with `allowSynchronousEvents: false`, is given
   * to the `Receiver` of `ws` after its error; that reads it from wherever it
   * stopped, with whatever outcome. To ferrows input is over with the error.
   */
  derail() {
    this._comparable = Math.min(this._comparable, this._lines.length);
  }

  /**
   * Describes a value that the package gave.
   *
   * @param {*} value the value
   * @return {string}
   */
  show(value) {
    if (value === this._empty) return 'EMPTY_BUFFER';
    if (Buffer.isBuffer(value)) return `Buffer(${digest(value)})`;
    if (value instanceof ArrayBuffer) {
      return `ArrayBuffer(${digest(Buffer.from(value))})`;
    }
    if (value instanceof Blob) return `Blob(${value.size} ${value.type})`;
    if (Array.isArray(value)) {
      return `[${value.map((part) => this.show(part)).join()}]`;
    }
    if (value instanceof Error) return this._showError(value);
    if (typeof value !== 'string') return String(value);
    return value.length < LONG
      ? JSON.stringify(value)
      : `string(${digest(Buffer.from(value))})`;
  }

  /**
   * @param {Error} err the error
   * @return {string}
   */
  _showError(err) {
    const { code } = err;
    const status = err[this._kStatusCode];
    return (
      `${err.constructor.name} ${code ? `${code} ` : ''}` +
      `${JSON.stringify(err.message)}${status ? ` ${status}` : ''}`
    );
  }
}

/**
 * @param {Buffer} bytes some bytes
 * @return {string} the bytes, or what tells them from others
 */
function digest(bytes) {
  if (bytes.length < LONG) return bytes.toString('hex');
  const sum = createHash('sha1').update(bytes).digest('hex').slice(0, 12);
  return `${bytes.length} bytes, sha1 ${sum}`;
}

module.exports = { digest, Log };
