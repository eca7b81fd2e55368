'use strict';

const kDone = Symbol('kDone');
const kStart = Symbol('kStart');

/** A queue of asynchronous jobs of which only so many run at a time. */
class Limiter {
  /**
   * @param {number} [concurrency=Infinity] how many jobs may run at a time; 0
   *     is no limit
   */
  constructor(concurrency) {
    /** How many jobs may run at a time. */
    this.concurrency = concurrency || Infinity;
    /** The jobs that wait, oldest first. */
    this.jobs = [];
    /** How many jobs are running. */
    this.pending = 0;

    this[kDone] = () => {
      this.pending--;
      this[kStart]();
    };
  }

  /**
   * Runs a job, at once if the limit allows it, else when its turn comes.
   *
   * @param {function(Function): void} job called with the function that it has
   *     to call, once, when it is finished
   */
  add(job) {
    this.jobs.push(job);
    this[kStart]();
  }

  /** Starts waiting jobs up to the limit. */
  [kStart]() {
    while (this.jobs.length > 0 && this.pending < this.concurrency) {
      this.pending++;
      this.jobs.shift()(this[kDone]);
    }
  }
}

module.exports = Limiter;
