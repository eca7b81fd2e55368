'use strict';

// What it takes to load a package: fresh processes, one after the other, which
// do nothing else.

const { execFile } = require('node:child_process');
const path = require('node:path');
const { promisify } = require('node:util');

const { ROOT, pinned } = require('./processes');
const { median } = require('./statistics');

/** Processes of a run, even if they take longer than it should. */
const MIN_PROCESSES = 5;

/** Longest time that a process may take, in milliseconds. */
const TIMEOUT = 10000;

/**
 * Loads a package in a process of its own.
 *
 * @param {Object} workload whether it `hasBufferUtil`
 * @param {Object} peer the package
 * @param {number} [core] the core to run on
 * @return {Promise<Object>} the process's figures
 */
async function loadOnce({ hasBufferUtil }, peer, core) {
  const script = path.join(ROOT, 'loaders', `${peer.program}.js`);
  const [program, ...args] = pinned(core, [peer.command, script]);
  // A variable that is `undefined` is not set.
  const { stdout } = await promisify(execFile)(program, args, {
    env: {
      ...process.env,
      FERROWS_TRANSPORT: peer.transport,
      WS_NO_BUFFER_UTIL: hasBufferUtil ? undefined : '1'
    },
    timeout: TIMEOUT
  });

  return JSON.parse(stdout);
}

/**
 * Loads a package again and again.
 *
 * @param {Object} workload the workload
 * @param {Object} peer the package
 * @param {Object} times how many `seconds` that takes
 * @param {number} [core] the core to run on
 * @return {Promise<Object>} the medians, and the number of `processes`
 */
async function measureLoading(workload, peer, { seconds }, core) {
  const runs = [];

  // The first one finds its files on the disk, maybe.
  await loadOnce(workload, peer, core);

  const end = Date.now() + 1e3 * seconds;

  while (runs.length < MIN_PROCESSES || Date.now() < end) {
    runs.push(await loadOnce(workload, peer, core));
  }
  return {
    processes: runs.length,
    requireCpuMicros: median(runs.map(({ cpuMicros }) => cpuMicros)),
    requireMicros: median(runs.map(({ micros }) => micros))
  };
}

module.exports = measureLoading;
