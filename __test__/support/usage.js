'use strict';

// What this process uses of the system, on Linux; elsewhere only its memory is
// counted.

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');

const MIB = 1024 * 1024;

/** Milliseconds between two looks at what is left. */
const INTERVAL = 50;

/**
 * Counts the entries of a directory.
 *
 * @param {string} path the directory
 * @return {number} 0 if there is no such thing here
 */
function entriesOf(path) {
  try {
    return fs.readdirSync(path).length;
  } catch {
    return 0;
  }
}

/** Collects all garbage. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc');
  gc();
  gc();
}

/** @return {number} resident bytes */
function residentBytes() {
  return process.memoryUsage.rss();
}

/** @return {number} the most resident bytes that this process has had */
function peakBytes() {
  return process.resourceUsage().maxRSS * 1024;
}

/**
 * What is in use now.
 *
 * @return {{descriptors: number, threads: number, memory: number}} open
 *     descriptors (one more than there are: that of the directory), threads,
 *     resident bytes
 */
function usage() {
  return {
    descriptors: entriesOf('/proc/self/fd'),
    threads: entriesOf('/proc/self/task'),
    memory: residentBytes()
  };
}

/**
 * What is in use when all that goes away by itself has gone.
 *
 * @param {Object} [limit] what to wait for, as `usage()` gives it
 * @param {number} [timeout=0] milliseconds to wait for that
 * @return {Promise<Object>} as `usage()` gives it
 */
async function settledUsage(limit, timeout = 0) {
  const end = performance.now() + timeout;
  // What finalizers do comes with the next turns of the loop.
  for (let i = 0; i < 4; i++) {
    collectGarbage();
    await sleep(INTERVAL);
  }
  let used = usage();
  while (limit && !isWithin(used, limit) && performance.now() < end) {
    await sleep(INTERVAL);
    collectGarbage();
    used = usage();
  }
  return used;
}

/**
 * @param {Object} used as `usage()` gives it
 * @param {Object} limit the same
 * @return {boolean} whether nothing exceeds its limit
 */
function isWithin(used, limit) {
  return Object.keys(limit).every((key) => used[key] <= limit[key]);
}

/**
 * Says it in words.
 *
 * @param {Object} used as `usage()` gives it
 * @return {string}
 */
function describeUsage({ descriptors, threads, memory }) {
  const size = (memory / MIB).toFixed(1);
  return `${descriptors} descriptors, ${threads} threads, ${size} MiB`;
}

module.exports = {
  describeUsage,
  entriesOf,
  isWithin,
  MIB,
  peakBytes,
  residentBytes,
  settledUsage
};
