'use strict';

// `npm run bench`: ferrows beside other servers under the same load. `--help`
// lists the options, docs/benchmarks.md says what the figures mean.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const peers = require('../bench/harness/peers');
const {
  Server,
  buildLoad,
  chooseCores,
  runLoad
} = require('../bench/harness/processes');
const statistics = require('../bench/harness/statistics');
const table = require('../bench/harness/table');
const workloads = require('../bench/harness/workloads');
const setup = require('./setup');

const RESULTS = path.join(__dirname, '..', 'bench', 'results');

/** The peer that the others are compared with. */
const BASE = 'ws';

const USAGE = `usage: npm run bench -- [OPTION ...]

  --workload PATTERN,...  only these; * stands for any text (default: all)
  --peer NAME,...         only these of ${peers.names.join(', ')}
                          (default: all that are installed)
  --repeat N              rounds, in each of which the peers take turns (5)
  --seconds S             measured time of a run (3)
  --warmup S              time under load before it (1)
  --json FILE             write the results there too
  --smoke                 each workload once and tiny: does it all work?
  --list                  print the names of the workloads
  --help                  print this

FERROWS_TRANSPORT chooses the transport of ferrows.
`;

/**
 * Reads the command line.
 *
 * @return {Object} the options
 * @throws {setup.SetupError} if it makes no sense
 */
function readOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };

  try {
    const { values } = parseArgs({
      options: {
        workload: { ...text, multiple: true, default: [] },
        peer: { ...text, multiple: true, default: [] },
        repeat: text,
        seconds: text,
        warmup: text,
        json: text,
        smoke: flag,
        list: flag,
        help: flag
      }
    });
    const names = (lists) => lists.flatMap((list) => list.split(','));
    const { smoke } = values;

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
  } catch (err) {
    throw new setup.SetupError(`${err.message}\n\n${USAGE}`);
  }
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

/**
 * Describes what the figures depend on.
 *
 * @param {Object|null} cores the cores of the processes
 * @return {Object} the machine
 */
function describeMachine(cores) {
  const cpus = os.cpus();

  return {
    cpu: cpus[0].model,
    cores: cpus.length,
    pinned: cores,
    memory: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node
  };
}

/**
 * One run: a new server, the load, its figures.
 *
 * @param {string} load the path of the load generator
 * @param {Object} workload the workload
 * @param {Object} peer the peer
 * @param {Object} options the command line's options
 * @param {Object|null} cores the cores of the processes
 * @return {Promise<Object>} the figures
 */
async function measure(load, workload, peer, options, cores) {
  const { smoke, times } = options;
  const args = workloads.loadArguments(workload, times, smoke);
  const server = await Server.start(
    peer,
    workloads.serverArguments(workload),
    cores?.server
  );
  let figures;

  try {
    figures = await runLoad(load, server, args, times, cores?.load);
  } finally {
    await server.stop();
  }
  Object.assign(figures, server.figures);
  statistics.check(workload.kind, figures);
  return figures;
}

/**
 * Runs a workload against all peers, which take turns.
 *
 * @param {Object} workload the workload
 * @param {Object[]} competitors the peers
 * @param {number} rounds how many times
 * @param {Function} run makes a run of a workload and a peer
 * @return {Promise<Object>} `results` of the peers that finished a run, and
 *     how many runs `failed`
 */
async function runWorkload(workload, competitors, rounds, run) {
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
  return kind === 'memory'
    ? `${Math.round(figures.bytesPerConnection)} bytes a ${unit}`
    : `${Math.round(figures.perSecond)} a second, ` +
        `${figures.cpuMicros.toFixed(2)} µs CPU a ${unit}`;
}

/**
 * Says which of the workloads compress.
 *
 * @param {Object[]} list the workloads
 * @return {string} the text
 */
function describeCompression(list) {
  const count = list.filter(({ deflate }) => deflate !== undefined).length;

  if (count === 0) return 'no compression';
  return count < list.length
    ? 'permessage-deflate in deflate-* only'
    : 'permessage-deflate';
}

/**
 * Writes the results as JSON.
 *
 * @param {Object} report the report
 * @param {string} [file] where to write it too
 */
function writeReport(report, file) {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const name = `${report.date.replace(/[:.]/g, '-')}.json`;

  fs.mkdirSync(RESULTS, { recursive: true });
  fs.writeFileSync(path.join(RESULTS, name), text);
  if (file !== undefined) fs.writeFileSync(file, text);
}

/**
 * Finds the peers and builds what runs.
 *
 * @param {Object} options the command line's options
 * @return {Object} the peers as `competitors`, and the path of the load
 *     generator as `load`
 * @throws {setup.SetupError} if something is missing
 */
function prepare({ peerNames }) {
  try {
    const competitors = peers.select(peerNames);

    if (competitors.some(({ name }) => name === 'ferrows')) setup.ensureAddon();
    return { competitors, load: buildLoad() };
  } catch (err) {
    throw new setup.SetupError(err.message);
  }
}

/**
 * Runs everything that the options ask for.
 *
 * @param {Object} options the options
 * @param {Object[]} competitors the peers
 * @param {string} load the path of the load generator
 */
async function bench(options, competitors, load) {
  const date = new Date().toISOString();
  const cores = chooseCores();
  const machine = describeMachine(cores);
  const run = (workload, peer) => measure(load, workload, peer, options, cores);
  const all = [];
  let failures = 0;

  for (const workload of options.workloads) {
    const { results, failed } = await runWorkload(
      workload,
      competitors,
      options.repeat,
      run
    );

    all.push(...results);
    failures += failed;
  }

  const versions = competitors.map(({ name, version }) => [name, version]);

  writeReport(
    {
      date,
      machine,
      peers: Object.fromEntries(versions),
      transport: process.env.FERROWS_TRANSPORT || null,
      repeat: options.repeat,
      ...options.times,
      smoke: options.smoke,
      failures,
      results: all.map(({ workload, peer, ...rest }) => ({
        workload: workload.name,
        peer: peer.name,
        ...rest
      }))
    },
    options.json
  );

  const compression = describeCompression(options.workloads);

  console.log(
    `${machine.cpu}, ${machine.cores} cores` +
      `${cores ? '' : ' (not pinned)'}, ${machine.system}, ` +
      `Node.js ${machine.node}\n` +
      `${versions.map((pair) => pair.join(' ')).join(', ')}\n` +
      `${compression}, ${options.repeat} x ${options.times.seconds} s ` +
      `after ${options.times.warmup} s, ${date}\n\n${table(all)}`
  );
  if (failures > 0) {
    process.stderr.write(`bench: ${failures} runs failed\n`);
    process.exitCode = 1;
  }
}

setup.command(() => {
  const options = readOptions();

  if (options.help) return console.log(USAGE);
  if (options.list) {
    return console.log(options.workloads.map(({ name }) => name).join('\n'));
  }
  if (process.platform !== 'linux') {
    throw new setup.SetupError('the benchmark needs Linux (epoll and /proc)');
  }
  setup.ensureToolchain();
  setup.ensureModules();

  const { competitors, load } = prepare(options);

  return bench(options, competitors, load);
});
