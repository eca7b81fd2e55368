'use strict';

// `npm run bench`: ferrows beside other servers and clients under the same
// load. `--help` lists the options, docs/benchmarks.md says what the figures
// mean.

const fs = require('node:fs');

const options = require('../bench/harness/options');
const peers = require('../bench/harness/peers');
const plot = require('../bench/harness/plot');
const { buildLoad, chooseCores } = require('../bench/harness/processes');
const report = require('../bench/harness/report');
const { measure, runWorkload } = require('../bench/harness/rounds');
const table = require('../bench/harness/table');
const setup = require('./setup');

/**
 * Reads the command line.
 *
 * @return {Object} the options
 * @throws {setup.SetupError} if it makes no sense
 */
function readOptions() {
  try {
    return options.read();
  } catch (err) {
    throw new setup.SetupError(`${err.message}\n\n${options.USAGE}`);
  }
}

/**
 * Finds the peers and builds what runs.
 *
 * @param {Object} wanted the command line's options
 * @return {Object} the peers as `competitors`, and the path of the load
 *     generator as `load`
 * @throws {setup.SetupError} if something is missing
 */
function prepare({ peerNames }) {
  try {
    const competitors = peers.select(peerNames);

    if (competitors.some(({ program }) => program === 'ferrows')) {
      setup.ensureAddon();
    }
    return { competitors, load: buildLoad() };
  } catch (err) {
    throw new setup.SetupError(err.message);
  }
}

/**
 * Runs everything that the options ask for.
 *
 * @param {Object} wanted the options
 * @param {Object[]} competitors the peers
 * @param {string} load the path of the load generator
 */
async function bench(wanted, competitors, load) {
  const date = new Date().toISOString();
  const cores = chooseCores();
  const run = (workload, peer) => measure(load, workload, peer, wanted, cores);
  const all = [];
  let failures = 0;

  for (const workload of wanted.workloads) {
    const { results, failed } = await runWorkload(
      workload,
      competitors,
      wanted.repeat,
      run
    );

    all.push(...results);
    failures += failed;
  }

  const outcome = report.compose({
    date,
    cores,
    competitors,
    options: wanted,
    failures,
    results: all
  });

  report.write(outcome, wanted.json);
  console.log(`${report.head(outcome, wanted.workloads)}\n\n${table(all)}`);
  if (failures > 0) {
    process.stderr.write(`bench: ${failures} runs failed\n`);
    process.exitCode = 1;
  }
  if (wanted.plot !== undefined) draw(outcome, wanted.plot);
}

/**
 * Draws a report.
 *
 * @param {Object} outcome the report
 * @param {string} file where to
 */
function draw(outcome, file) {
  try {
    fs.writeFileSync(file, plot(outcome));
  } catch (err) {
    process.stderr.write(`bench: cannot draw: ${err.message}\n`);
    process.exitCode = 1;
  }
}

/**
 * Reads an earlier report, as far as the options ask for it.
 *
 * @param {Object} wanted the options
 * @return {Object} the report
 * @throws {setup.SetupError} if it cannot be read
 */
function readReport({ from, workload, workloads, peer, peerNames }) {
  try {
    const outcome = JSON.parse(fs.readFileSync(from, 'utf8'));
    const names = workloads.map(({ name }) => name);

    outcome.results = outcome.results.filter(
      (result) =>
        (workload.length === 0 || names.includes(result.workload)) &&
        (peer.length === 0 || peerNames.includes(result.peer))
    );
    return outcome;
  } catch (err) {
    throw new setup.SetupError(`cannot read ${from}: ${err.message}`);
  }
}

setup.command(() => {
  const wanted = readOptions();

  if (wanted.help) return console.log(options.USAGE);
  if (wanted.list) {
    return console.log(wanted.workloads.map(({ name }) => name).join('\n'));
  }
  if (wanted.from !== undefined) return draw(readReport(wanted), wanted.plot);
  if (process.platform !== 'linux') {
    throw new setup.SetupError('the benchmark needs Linux (epoll and /proc)');
  }
  setup.ensureToolchain();
  setup.ensureModules();

  const { competitors, load } = prepare(wanted);

  return bench(wanted, competitors, load);
});
