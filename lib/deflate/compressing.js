'use strict';

// Messages to be compressed. Whatever is sent compressed waits for the end of
// the event loop's turn, where `ws` would have a thread begin with it: programs
// rely on that it is not out before. Then small messages are compressed one
// after the other where they are, and larger ones on other threads.

const { performance } = require('node:perf_hooks');

const native = require('../native');
const turn = require('../transport/turn');
const { FIN, IS_STRING } = require('../transport/frame-head');
const jobs = require('./jobs');

const FastBuffer = Buffer[Symbol.species];

// What is done where was found with an echo of compressed JSON, and with calls
// of `compress()` alone. A job takes 50 µs in all where it is alone, and 8 µs in
// a batch of 32; compressing 200 bytes takes 5 µs. 1 KiB takes 10 to 20 µs, with
// many connections, whose state is not in the cache.

/** Bytes up to which a message is always compressed where it is. */
const SMALL = 512;

/** Bytes of all that waits up to which it is compressed where it is. */
const INLINE_LIMIT = 2 * 1024;

/** Milliseconds after which the event loop gets its turn again. */
const MAX_SLICE = 2;

/** Room for any small message, compressed. */
const scratch = Buffer.allocUnsafeSlow(2 * INLINE_LIMIT);

/**
 * Something to compress.
 *
 * @typedef {Object} Task
 * @property {PerMessageDeflate} extension whose stream it belongs to
 * @property {(Buffer|string)} data the payload
 * @property {number} size bytes of the payload
 * @property {boolean} fin whether it ends its message
 * @property {boolean} isWhole whether it is a message of its own
 * @property {boolean} hasMore whether more waits behind it
 * @property {function(?Error, Buffer, boolean)} compressed called with what
 *     came of it, once; the last argument says that the bytes change afterwards
 */

/** @type {Task[]} what waits, in order */
let waiting = [];

/** The first of them that was not begun. */
let next = 0;

/** Bytes of all of them, those that were begun included. */
let waitingBytes = 0;

/** Whether `work()` is to be called, or under way. */
let isScheduled = false;

/** What was compressed last and may serve others: see `share()`. */
let shared = null;

/**
 * Has something compressed.
 *
 * @param {Task} task what to compress
 */
function add(task) {
  waiting.push(task);
  waitingBytes += task.size;
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(work);
}

/** Begins what waits. */
function work() {
  const holding = turn.begin();
  const end = performance.now() + MAX_SLICE;
  try {
    do {
      const task = waiting[next++];
      turn.holding = task.hasMore;
      begin(task);
    } while (next < waiting.length && performance.now() < end);
  } finally {
    if (next < waiting.length) {
      setImmediate(work);
    } else {
      isScheduled = false;
      waiting = [];
      next = 0;
      waitingBytes = 0;
      shared = null;
    }
    jobs.submit();
    turn.end(holding);
  }
}

/**
 * Compresses, or has it done.
 *
 * @param {Task} task what to compress
 */
function begin(task) {
  const { data, extension, fin, size } = task;
  // It may have been ended meanwhile.
  if (extension._task !== task) return;
  const key = task.isWhole ? extension._shareKey : null;
  if (key !== null && share(task, key)) return;
  const flags = (fin ? FIN : 0) | (typeof data === 'string' ? IS_STRING : 0);

  if (size <= SMALL || waitingBytes <= INLINE_LIMIT) {
    const length = native.deflate(extension._deflater, data, flags, scratch);
    const bytes = new FastBuffer(scratch.buffer, 0, length);
    shared = key === null ? null : { data, key, bytes, tasks: null };
    finish(task, null, bytes, true);
    return;
  }

  const job = new Deflation(task, flags);
  if (key !== null) shared = { data, key, bytes: null, tasks: job.tasks };
  jobs.run(job);
}

/** The job of compressing something. */
class Deflation {
  /**
   * @param {Task} task what to compress
   * @param {number} flags as `startDeflate` of the addon takes them
   */
  constructor(task, flags) {
    /** @type {Task[]} who waits for it */
    this.tasks = [task];
    this.flags = flags;
    this.bytes = task.size;
    this.isLight = false;
    this.batch = null;
  }

  /** @param {number} id its id for the addon */
  start(id) {
    const { extension, data } = this.tasks[0];
    native.startDeflate(extension._deflater, id, data, this.flags);
  }

  /**
   * @param {(Buffer|Error)} result what came of it
   * @param {boolean} brief whether the bytes change after this call
   */
  done(result, brief) {
    const { tasks } = this;
    if (shared?.tasks === tasks) shared = null;
    if (tasks.length === 1) {
      finish(tasks[0], errorIn(result), result, brief);
    } else {
      finishAll(tasks, 0, brief ? Buffer.from(result) : result);
    }
  }
}

/**
 * Does without compressing what was compressed just before: a broadcast sends
 * the same data to many connections, and without context takeover the result
 * is the same for all of them.
 *
 * @param {Task} task what to compress
 * @param {string} key what the result depends on beside the data
 * @return {boolean} whether the task is, or will be, done
 */
function share(task, key) {
  if (shared === null || shared.key !== key) return false;
  if (!isSame(shared.data, task.data)) return false;
  if (shared.tasks === null) finish(task, null, shared.bytes, true);
  else shared.tasks.push(task);
  return true;
}

/**
 * @param {(Buffer|string)} a what was compressed
 * @param {(Buffer|string)} b what is to be compressed
 * @return {boolean} whether they are the same text, or the same memory
 */
function isSame(a, b) {
  if (a === b) return true;
  return (
    typeof a !== 'string' &&
    typeof b !== 'string' &&
    a.buffer === b.buffer &&
    a.byteOffset === b.byteOffset &&
    a.length === b.length
  );
}

/**
 * Hands out what came of a task.
 *
 * @param {Task} task the task
 * @param {?Error} err why it could not be done
 * @param {Buffer} bytes the compressed data
 * @param {boolean} brief whether the bytes change after the call
 */
function finish(task, err, bytes, brief) {
  if (task.extension._settle(task)) task.compressed(err, bytes, brief);
}

/**
 * Hands out what a job gave; a task that throws does not keep the others from
 * it.
 *
 * @param {Task[]} tasks the tasks
 * @param {number} index the first one to finish
 * @param {(Buffer|Error)} result what the job gave
 */
function finishAll(tasks, index, result) {
  const err = errorIn(result);
  try {
    while (index < tasks.length) finish(tasks[index++], err, result, false);
  } finally {
    if (index < tasks.length) setImmediate(finishAll, tasks, index, result);
  }
}

/**
 * @param {(Buffer|Error)} result what a job gave
 * @return {?Error} the error, if it is one
 */
function errorIn(result) {
  return result instanceof Error ? result : null;
}

module.exports = { add };
