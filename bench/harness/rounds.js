'use strict';

// Running a workload: rounds, in each of which the peers take turns.

const measureLoading = require('./loading');
const { Subject, runLoad } = require('./processes');
const statistics = require('./statistics');
const workloads = require('./workloads');

/** The peer that the others are compared with. */
const BASE = 'ws';

/**
 * One run: a new process of the peer, or several, and its figures.
 *
 * @param {string} load the path of the load generator
 * @param {Object} workload the workload
 * @param {Object} peer the peer
 * @param {Object} options the command line's options
 * @param {Object|null} cores the cores of the processes
 * @return {Promise<Object>} the figures
 */
async function measure(load, workload, peer, options, cores) {
  const { times } = options;
  const figures =
    workload.kind === 'loading'
      ? await measureLoading(workload, peer, times, cores?.subject)
      : await measureUnderLoad(load, workload, peer, options, cores);

  statistics.check(workload.kind, figures);
  return figures;
}

/**
 * Has the load generator and a process of the peer talk with each other.
 *
 * @param {string} load the path of the load generator
 * @param {Object} workload the workload
 * @param {Object} peer the peer
 * @param {Object} options the command line's options
 * @param {Object|null} cores the cores of the processes
 * @return {Promise<Object>} the figures
 */
async function measureUnderLoad(load, workload, peer, options, cores) {
  const { smoke, times } = options;
  const args = workloads.loadArguments(workload, times, smoke);
  const subject = await Subject.start(
    peer,
    workload.role,
    workloads.subjectArguments(workload),
    cores?.subject
  );
  let figures;

  try {
    figures = await runLoad(load, subject, args, times, cores?.load);
  } finally {
    await subject.stop();
  }
  return Object.assign(figures, subject.figures);
}

/**
 * Runs a workload against all peers, which take turns.
 *
 * @param {Object} workload the workload
 * @param {Object[]} peers the peers; some workloads are nothing for some
 * @param {number} rounds how many times
 * @param {Function} run makes a run of a workload and a peer
 * @return {Promise<Object>} `results` of the peers that finished a run, and
 *     how many runs `failed`
 */
async function runWorkload(workload, peers, rounds, run) {
  const competitors = peers.filter(
    ({ program }) => !workload.without?.includes(program)
  );
  const runs = new Map(competitors.map((peer) => [peer.name, new Map()]));
  let failed = 0;

  for (let round = 1; round <= rounds; round++) {
    for (const peer of competitors) {
      const name = `${workload.name} ${peer.name} ${round}/${rounds}`;

      try {
        const figures = await run(workload, peer);

        runs.get(peer.name).set(round, figures);
        process.stderr.write(`bench: ${name}: ${outline(workload, figures)}\n`);
      } catch (err) {
        failed++;
        process.stderr.write(`bench: ${name}: FAILED: ${err.message}\n`);
      }
    }
  }

  const { kind } = workload;
  const base = runs.get(BASE) ?? new Map();
  const results = competitors
    .filter((peer) => runs.get(peer.name).size > 0)
    .map((peer) => {
      const own = runs.get(peer.name);

      return {
        workload,
        peer,
        runs: [...own.values()],
        summary: statistics.summarize(kind, [...own.values()]),
        ratios: statistics.compare(kind, own, base)
      };
    });

  return { results, failed };
}

/**
 * Puts a run into a few words.
 *
 * @param {Object} workload the workload
 * @param {Object} figures the run's figures
 * @return {string} what matters most
 */
function outline({ kind, unit }, figures) {
  if (kind === 'memory') {
    return `${Math.round(figures.bytesPerConnection)} bytes a ${unit}`;
  }
  if (kind === 'loading') {
    return `${Math.round(figures.requireCpuMicros)} µs CPU a ${unit}`;
  }
  return (
    `${Math.round(figures.perSecond)} a second, ` +
    `${figures.cpuMicros.toFixed(2)} µs CPU a ${unit}`
  );
}

module.exports = { measure, runWorkload };
