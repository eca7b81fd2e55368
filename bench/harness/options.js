'use strict';

// The command line of the benchmark.

const { parseArgs } = require('node:util');

const peers = require('./peers');
const workloads = require('./workloads');

/** What `--help` prints. */
const USAGE = `usage: npm run bench -- [OPTION ...]

  --workload PATTERN,...  only these; * stands for any text (default: all)
  --peer NAME,...         only these of ${peers.names.join(', ')}
                          (default: all that are installed, without those
                          that name a transport)
  --repeat N              rounds, in each of which the peers take turns (5)
  --seconds S             measured time of a run (3)
  --warmup S              time under load before it (1)
  --json FILE             write the results there too
  --plot FILE             draw CPU times as ratios to ws, as SVG
  --from FILE             draw the results of this earlier --json FILE, those
                          of --workload and --peer only, and run nothing
  --smoke                 each workload once and tiny: does it all work?
  --list                  print the names of the workloads
  --help                  print this

A name like ferrows:loop sets FERROWS_TRANSPORT for the process of ferrows; in
that of every other peer the variable is not set.
`;

/**
 * Reads the command line.
 *
 * @return {Object} the options
 * @throws {Error} if it makes no sense
 */
function read() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    options: {
      workload: { ...text, multiple: true, default: [] },
      peer: { ...text, multiple: true, default: [] },
      repeat: text,
      seconds: text,
      warmup: text,
      json: text,
      plot: text,
      from: text,
      smoke: flag,
      list: flag,
      help: flag
    }
  });
  const names = (lists) => lists.flatMap((list) => list.split(','));
  const { smoke, from, plot } = values;

  if (from !== undefined && plot === undefined) {
    throw new Error('--from needs --plot');
  }
  return {
    ...values,
    workloads: workloads.select(names(values.workload)),
    peerNames: names(values.peer),
    repeat: Math.ceil(positive('repeat', values.repeat, smoke ? 1 : 5)),
    times: {
      warmup: positive('warmup', values.warmup, smoke ? 0.1 : 1),
      seconds: positive('seconds', values.seconds, smoke ? 0.2 : 3)
    }
  };
}

/**
 * Reads an option that is a positive number.
 *
 * @param {string} name its name
 * @param {string|undefined} text its value
 * @param {number} fallback the value if there is none
 * @return {number} the number
 */
function positive(name, text, fallback) {
  const value = text === undefined ? fallback : Number(text);

  if (value > 0 && value <= 3600) return value;
  throw new Error(`--${name} takes a positive number`);
}

module.exports = { USAGE, read };
