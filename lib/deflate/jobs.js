'use strict';

// Work that is done on other threads. Small jobs that come in the same turn of
// the event loop are done as a batch, since waking a thread takes longer than
// most of them. At most so many batches as an application allows are under way;
// the others wait for their turn here.

const { AsyncResource } = require('node:async_hooks');

const Limiter = require('../limiter');
const native = require('../native');

/** Batches at a time, unless the application says otherwise. */
const DEFAULT_CONCURRENCY = 10;

/** Bytes of input from which on a batch is large enough. */
const BATCH_BYTES = 32 * 1024;

/** @type {?Limiter} made by whoever comes first */
let limiter = null;

/** @type {?Batch} the one that is being filled */
let current = null;

/** @type {Map<number, Job>} the jobs under way */
const jobs = new Map();

let lastId = 0;
let isWatching = false;

/** A job, with the asynchronous context of whoever wants it done. */
class Job extends AsyncResource {
  /**
   * @param {Batch} batch what it is done with
   * @param {function(number)} start starts it; given its id for the addon
   * @param {function(*)} done called with what came of it
   */
  constructor(batch, start, done) {
    super('FERROWS_JOB', { requireManualDestroy: true });
    this.batch = batch;
    this.start = start;
    this.done = done;
  }

  /** Hands it to the addon. */
  begin() {
    lastId = (lastId + 1) >>> 0;
    jobs.set(lastId, this);
    try {
      this.start(lastId);
    } catch (err) {
      jobs.delete(lastId);
      process.nextTick(finish, this, err);
    }
  }

  /** @param {*} result what came of it */
  finish(result) {
    this.batch.leave();
    this.runInAsyncScope(this.done, undefined, result);
  }
}

/** Jobs that are done one after the other. */
class Batch {
  constructor() {
    /** @type {Job[]} */
    this.jobs = [];
    this.bytes = 0;
    /** Jobs that are not done. */
    this.left = 0;
    /** @type {?function()} tells the limiter that all are */
    this.done = null;
  }

  /** @param {function()} done to be called when all jobs are done */
  begin(done) {
    this.done = done;
    this.left = this.jobs.length;
    if (!isWatching) {
      isWatching = true;
      native.watchJobs(finishJobs);
    }
    for (const job of this.jobs) job.begin();
    native.submitJobs();
  }

  /** A job is done. */
  leave() {
    if (--this.left === 0) this.done();
  }
}

/**
 * Decides how many batches may be under way, if nobody has before.
 *
 * @param {number} [concurrency] the number; 0 is no limit
 */
function limit(concurrency = DEFAULT_CONCURRENCY) {
  limiter ??= new Limiter(concurrency);
}

/**
 * Has a job done, with others of this turn of the event loop.
 *
 * @param {number} bytes the size of its input
 * @param {function(number)} start starts it; given its id for the addon
 * @param {function(*)} done called with what came of it, an Error if it could
 *     not be started
 */
function run(bytes, start, done) {
  if (current === null) {
    current = new Batch();
    setImmediate(submitIfThere, current);
  }
  current.jobs.push(new Job(current, start, done));
  current.bytes += bytes;
  if (current.bytes >= BATCH_BYTES) submit();
}

/** Has the batch done that is being filled, if there is one. */
function submit() {
  if (current === null) return;
  const batch = current;
  current = null;
  limiter.add((done) => batch.begin(done));
}

/**
 * @param {Batch} batch a batch that nobody may have submitted
 */
function submitIfThere(batch) {
  if (batch === current) submit();
}

/**
 * @param {Job} job the job
 * @param {*} result what came of it
 */
function finish(job, result) {
  job.finish(result);
}

/** Called by the addon when jobs have finished. */
function finishJobs() {
  const results = [];
  native.takeFinished(results);
  finishFrom(results, 0);
}

/**
 * Ends jobs one after the other; one whose listeners throw does not keep the
 * rest from it.
 *
 * @param {Array} results ids and what came of them, in turn
 * @param {number} index the first one to end
 */
function finishFrom(results, index) {
  try {
    while (index < results.length) {
      const job = jobs.get(results[index]);
      const result = results[index + 1];
      jobs.delete(results[index]);
      index += 2;
      job.finish(result);
    }
  } finally {
    if (index < results.length) setImmediate(finishFrom, results, index);
  }
}

module.exports = { limit, run, submit };
