'use strict';

// From the figures of single runs to those of a peer.

const load = [
  'perSecond',
  'cpuMicros',
  'mainCpuMicros',
  'serverBusy',
  'loadBusy',
  'p50Micros',
  'p99Micros',
  'p999Micros',
  'maxMicros'
];

/** The figures that each kind of workload has to deliver. */
const figures = {
  load,
  deflate: [
    ...load,
    'replyBytes',
    'compressionRatio',
    'plainReplies',
    'clientTakeover',
    'serverTakeover',
    'residentBytes'
  ],
  memory: [
    'connections',
    'residentBefore',
    'residentAfter',
    'bytesPerConnection'
  ],
  loading: ['processes', 'requireCpuMicros', 'requireMicros']
};

/** The figures that not every server has. */
const optional = {
  load: [],
  deflate: ['pauseMillis'],
  memory: [],
  loading: []
};

/** The figures that may be zero. Memory may shrink, even. */
const low = new Set([
  'bytesPerConnection',
  'clientTakeover',
  'plainReplies',
  'serverTakeover'
]);

/** The figures that are compared with those of `ws`. */
const compared = {
  load: ['cpuMicros', 'mainCpuMicros', 'perSecond'],
  deflate: ['cpuMicros', 'mainCpuMicros', 'replyBytes', 'perSecond'],
  memory: ['bytesPerConnection'],
  loading: ['requireCpuMicros', 'requireMicros']
};

/**
 * Checks that a run has delivered everything.
 *
 * @param {string} kind the kind of the workload
 * @param {Object} run the run's figures
 * @throws {Error} naming the figure that is missing
 */
function check(kind, run) {
  for (const name of figures[kind]) {
    const value = run[name];

    if (!Number.isFinite(value) || (value <= 0 && !low.has(name))) {
      throw new Error(`the figure ${name} is missing`);
    }
  }
}

/**
 * Gives the median.
 *
 * @param {number[]} values at least one value
 * @return {number} the middle one, or the mean of the middle two
 */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;

  return (sorted[lower] + sorted[upper]) / 2;
}

/**
 * Gives the middle and the bounds.
 *
 * @param {number[]} values at least one value
 * @return {Object} `median`, `min` and `max`
 */
function range(values) {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values)
  };
}

/**
 * Sums a peer's runs up.
 *
 * @param {string} kind the kind of the workload
 * @param {Object[]} runs the figures of each round; at least one
 * @return {Object} for each figure its `median`, `min` and `max`
 */
function summarize(kind, runs) {
  const summary = {};
  const extra = optional[kind].filter((name) =>
    runs.every((run) => Number.isFinite(run[name]))
  );

  for (const name of [...figures[kind], ...extra]) {
    summary[name] = range(runs.map((run) => run[name]));
  }
  return summary;
}

/**
 * Compares a peer with another. The ratio is taken round by round, so that a
 * machine whose speed drifts does not change it; the median of those counts.
 *
 * @param {string} kind the kind of the workload
 * @param {Map<number, Object>} runs the figures of a peer, by round
 * @param {Map<number, Object>} base those of the peer to compare with
 * @return {Object} for each figure that is compared `median`, `min` and `max`
 *     of its ratios; empty if there is no round that both have finished
 */
function compare(kind, runs, base) {
  const rounds = [...runs.keys()].filter((round) => base.has(round));
  const ratios = {};

  if (rounds.length === 0) return ratios;
  for (const name of compared[kind]) {
    ratios[name] = range(
      rounds.map((round) => runs.get(round)[name] / base.get(round)[name])
    );
  }
  return ratios;
}

module.exports = { check, compare, median, range, summarize };
