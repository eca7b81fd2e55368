'use strict';

// Work that is done on other threads. Small jobs that come in the same turn of
// the event loop are done as a batch, since waking a thread takes longer than
// most of them. At most so many batches as an application allows are under way;
// the others wait for their turn here.

const Limiter = require('../limiter');
const native = require('../native');
const turn = require('../transport/turn');

const FastBuffer = Buffer[Symbol.species];

/** Batches at a time, unless the application says otherwise. */
const DEFAULT_CONCURRENCY = 10;

/** Bytes of input from which on a batch is large enough for one of several threads. */
const SHARED_BATCH = 32 * 1024;

/**
 * The same where there is only one thread, which a smaller batch would only
 * interrupt more often: an echo of 16 KiB takes 7 % less time so, and 14 % less on
 * the JavaScript thread.
 */
const SOLE_BATCH = 256 * 1024;

/**
 * Bytes of input up to which light jobs are done where they are, all together: a
 * batch on another thread takes some 50 µs beside them.
 */
const LIGHT_BATCH = 8 * 1024;

/**
 * Bytes of input of all jobs up to which this thread waits for them, where there
 * is one processor only.
 */
const MAX_AWAITED = 512 * 1024;

/** Milliseconds in which no job was done after which all count as long ones. */
const MAX_SILENCE = 4;

/** Words that describe a job that has finished (see `src/deflate.rs`). */
const WORDS = 3;

// Lengths that are none.
const OWNED = 0xfffffffe;
const NOTHING = 0xffffffff;

/** What `takeFinished` fills. */
const words = new Uint32Array(64 * WORDS);

/** @type {?Buffer} where it puts small results; made by the first job */
let scratch = null;

/** @type {?Limiter} made by whoever comes first */
let limiter = null;

/** How many threads there are to do jobs; set with `limiter`. */
let threads = 0;

/** Whether results are being handed out. */
let isFinishing = false;

/** @type {?Batch} the one that is being filled */
let current = null;

/** @type {Map<number, Job>} the jobs under way */
const jobs = new Map();

/** Bytes of the input of all of them. */
let bytesUnderWay = 0;

let lastId = 0;

/**
 * Something to be done.
 *
 * @typedef {Object} Job
 * @property {number} bytes the size of its input
 * @property {boolean} isLight whether `done()` may also be called without
 *     `start()`, and does it
 * @property {function(number)} start starts it; given its id for the addon
 * @property {function((Buffer|Error|undefined), boolean)} done called with what
 *     came of it, an Error if it could not be started; the second argument says
 *     that the bytes change after the call
 * @property {?Batch} batch set here, while it is under way
 */

/** Jobs that are done one after the other. */
class Batch {
  constructor() {
    /** @type {Job[]} */
    this.jobs = [];
    this.bytes = 0;
    /** Whether all jobs are. */
    this.isLight = true;
    /** Jobs that are not done. */
    this.left = 0;
    /** @type {?function()} tells the limiter that all are */
    this.done = null;
  }

  /** @param {function()} done to be called when all jobs are done */
  begin(done) {
    this.done = done;
    this.left = this.jobs.length;
    const ids = this.jobs.map((job) => register(job, this));
    // A job may be kept for long by what it belongs to, and so its batch.
    this.jobs = [];
    try {
      watch();
      for (const id of ids) start(id);
      if (native.submitJobs(mayWait() ? 1 : 0)) setImmediate(finishJobs);
    } catch (err) {
      // There is no thread to do them.
      for (const id of ids) fail(id, err);
    }
  }

  /** A job is done. */
  leave() {
    if (--this.left === 0) this.done();
  }
}

/** Has the addon tell when jobs have finished. */
function watch() {
  if (scratch !== null) return;
  native.watchJobs(finishJobs);
  scratch = Buffer.allocUnsafeSlow(64 * 1024);
}

/**
 * @param {Job} job a job
 * @param {Batch} batch the batch that it is done in
 * @return {number} its id from now on
 */
function register(job, batch) {
  job.batch = batch;
  lastId = (lastId + 1) >>> 0;
  jobs.set(lastId, job);
  bytesUnderWay += job.bytes;
  return lastId;
}

/**
 * Hands a job to the addon.
 *
 * @param {number} id its id
 */
function start(id) {
  try {
    jobs.get(id).start(id);
  } catch (err) {
    fail(id, err);
  }
}

/**
 * Ends a job that is not done, on the next tick, unless it has ended.
 *
 * @param {number} id its id
 * @param {Error} err why
 */
function fail(id, err) {
  const job = unregister(id);
  if (job !== undefined) process.nextTick(finish, job, err, false);
}

/**
 * @param {number} id the id of a job
 * @return {Job|undefined} the job, which is under way no more; nothing if it
 *     was not
 */
function unregister(id) {
  const job = jobs.get(id);
  if (jobs.delete(id)) bytesUnderWay -= job.bytes;
  return job;
}

/**
 * Decides how many batches may be under way, if nobody has before.
 *
 * @param {number} [concurrency] the number; 0 is no limit
 */
function limit(concurrency = DEFAULT_CONCURRENCY) {
  if (limiter !== null) return;
  limiter = new Limiter(concurrency);
  threads = native.poolThreads();
}

/**
 * Has a job done, with others of this turn of the event loop.
 *
 * @param {Job} job the job
 */
function run(job) {
  if (job.isLight && isStalled()) {
    setImmediate(doHere, [job], 0);
    return;
  }
  if (current === null) {
    current = new Batch();
    setImmediate(endTurn, current);
  }
  current.jobs.push(job);
  current.bytes += job.bytes;
  current.isLight &&= job.isLight;
  if (current.bytes >= (threads > 1 ? SHARED_BATCH : SOLE_BATCH)) submit();
}

/** Has the batch done that is being filled, if there is one worth a thread. */
function submit() {
  if (current === null || isForHere(current)) return;
  const batch = current;
  current = null;
  limiter.add((done) => batch.begin(done));
}

/**
 * Ends a turn of the event loop in which jobs came.
 *
 * @param {Batch} batch theirs, which may have been submitted already
 */
function endTurn(batch) {
  if (batch !== current) return;
  if (isForHere(batch)) {
    current = null;
    doHere(batch.jobs, 0);
  } else {
    submit();
  }
}

/**
 * @return {boolean} whether a new batch would have to wait for long: what a peer
 *     has sent may become a thousand times as much
 */
function isStalled() {
  return (
    limiter.pending >= Math.min(threads, limiter.concurrency) &&
    native.jobsSilence() > MAX_SILENCE
  );
}

/**
 * @return {boolean} whether this thread, which there is no processor for beside
 *     that of the jobs, waits until they are done
 */
function mayWait() {
  return (
    threads === 1 &&
    !isFinishing &&
    bytesUnderWay <= MAX_AWAITED &&
    native.jobsSilence() <= MAX_SILENCE
  );
}

/**
 * @param {Batch} batch a batch
 * @return {boolean} whether it is done where it is
 */
function isForHere(batch) {
  return batch.isLight && (batch.bytes <= LIGHT_BATCH || isStalled());
}

/**
 * Does light jobs one after the other; one whose listeners throw does not keep
 * the rest from it.
 *
 * @param {Job[]} list the jobs
 * @param {number} index the first one to do
 */
function doHere(list, index) {
  const turned = turn.begin();
  try {
    while (index < list.length) list[index++].done(undefined, false);
  } finally {
    if (index < list.length) setImmediate(doHere, list, index);
    turn.end(turned);
  }
}

/**
 * @param {Job} job the job
 * @param {(Buffer|Error|undefined)} result what came of it
 * @param {boolean} brief whether the result changes after this call
 */
function finish(job, result, brief) {
  const { batch } = job;
  job.batch = null;
  batch.leave();
  job.done(result, brief);
}

/** Called by the addon when jobs have finished. */
function finishJobs() {
  for (;;) {
    const owned = [];
    const count = native.takeFinished(words, scratch, owned);
    if (count === 0) return;
    finishFrom(0, count, owned);
  }
}

/**
 * Ends jobs one after the other; one whose listeners throw does not keep the
 * rest from it.
 *
 * @param {number} index the first one to end, of those that were taken
 * @param {number} count how many were taken
 * @param {Array} owned values that are not in `scratch`
 */
function finishFrom(index, count, owned) {
  const turned = turn.begin();
  let threw = true;
  isFinishing = true;
  try {
    while (index < count) {
      const at = index++ * WORDS;
      finish(unregister(words[at]), resultAt(at, owned), words[at + 2] < OWNED);
    }
    threw = false;
  } finally {
    isFinishing = false;
    try {
      if (threw) putOff(index, count, owned);
    } finally {
      turn.end(turned);
    }
  }
}

/**
 * Leaves jobs for later, in their order, and whatever else has finished.
 *
 * @param {number} index the first of them
 * @param {number} count how many were taken
 * @param {Array} owned values that are not in `scratch`
 */
function putOff(index, count, owned) {
  for (; index < count; index++) {
    const at = index * WORDS;
    const job = unregister(words[at]);
    const result = resultAt(at, owned);
    const isBrief = words[at + 2] < OWNED;
    setImmediate(finish, job, isBrief ? Buffer.from(result) : result, false);
  }
  setImmediate(finishJobs);
}

/**
 * @param {number} at where in `words` a job is described
 * @param {Array} owned values that are not in `scratch`
 * @return {(Buffer|Error|undefined)} what came of it
 */
function resultAt(at, owned) {
  const length = words[at + 2];
  if (length === NOTHING) return undefined;
  if (length === OWNED) return owned[words[at + 1]];
  return new FastBuffer(scratch.buffer, words[at + 1], length);
}

module.exports = { limit, run, submit };
