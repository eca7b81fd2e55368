'use strict';

// Opens and ends connections and worker threads, in every way and at random
// moments, and compares what the process uses before and after.
//
//   node __test__/stress/lifecycle.js --workers 1000 --connections 100000
//
//   --workers N       threads to start; each has some of the connections
//   --connections N   how many to open, ten a worker, the others on this thread
//   --concurrency N   how many at a time on this thread
//   --seed N          what happens to which of them
//   --memory MIB      by how much the resident memory may grow
//   --timeout S       seconds after which it has failed

const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { Worker } = require('node:worker_threads');

const Random = require('../differential/random/prng');
const { describeUsage, MIB, settledUsage } = require('../support/usage');
const Stage = require('./stage');

const WORKER = path.join(__dirname, 'lifecycle-worker.js');

/** Connections of a worker. */
const PER_WORKER = 10;

/** Workers at a time. */
const THREADS = 4;

/** Seeds that one worker has for itself. */
const SEEDS = 1000;

/** How a worker ends. */
const ENDINGS = [
  'itself',
  'exit',
  'throw',
  'terminate',
  'terminate',
  'terminate early'
];

/** Milliseconds within which a worker has to end. */
const WORKER_TIMEOUT = 40000;

/** Milliseconds that are given to what ends by itself. */
const SETTLING = 20000;

/**
 * MiB by which the memory may grow. Node 24 keeps more of what threads had, up to
 * some limit: with npm's `ws` the short run grows by 80 there.
 */
const GROWTH = parseInt(process.versions.node, 10) === 24 ? '128' : '64';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '20' },
    connections: { type: 'string', default: '2000' },
    concurrency: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    memory: { type: 'string', default: GROWTH },
    timeout: { type: 'string', default: '1200' }
  }
});
const options = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, Number(value)])
);

/** Connections of workers that have ended, in memory that all share. */
const counter = new Uint32Array(new SharedArrayBuffer(4));

/** What is going on, for the message of a timeout. */
const state = { connections: 0, workers: 0 };

/**
 * Starts a worker and waits for its end.
 *
 * @param {Stage} stage the server of this thread
 * @param {number} seed what happens
 */
async function worker(stage, seed) {
  const random = new Random(seed);
  const ending = random.pick(ENDINGS);
  const thread = new Worker(WORKER, {
    workerData: {
      connections: PER_WORKER,
      counter,
      ending,
      seed: seed * SEEDS,
      url: stage.url('worker')
    }
  });
  const timer = setTimeout(() => {
    fail(`the worker with the seed ${seed} does not end (${ending})`);
  }, WORKER_TIMEOUT);
  const errors = [];
  thread.on('error', ({ message }) => errors.push(message));
  const ended = new Promise((resolve) => thread.on('exit', resolve));
  if (ending === 'terminate early') {
    await sleep(random.below(60));
    thread.terminate();
  } else {
    await once(thread, 'message');
    thread.postMessage('go');
    await Promise.race([once(thread, 'message'), ended]);
    if (ending === 'terminate') {
      await sleep(random.below(60));
      thread.terminate();
    }
  }
  await ended;
  clearTimeout(timer);
  const wrong = errors.find((text) => text !== 'thrown in a handler');
  if (wrong !== undefined) {
    fail(`the worker with the seed ${seed} failed (${ending}): ${wrong}`);
  }
  state.workers++;
}

/**
 * Runs workers and connections.
 *
 * @param {Stage} stage the server of this thread
 * @param {number} workers how many
 * @param {number} connections how many, those of the workers included
 * @param {number} seed the first of theirs
 */
async function run(stage, workers, connections, seed) {
  let next = 0;
  const line = async () => {
    while (next < workers) await worker(stage, seed + next++);
  };
  await Promise.all([
    ...Array.from({ length: THREADS }, line),
    stage.run(Math.max(connections - workers * PER_WORKER, 0), {
      concurrency: options.concurrency,
      // Behind those of the workers.
      seed: (seed + workers) * SEEDS,
      onEnd: () => state.connections++
    })
  ]);
}

/** @param {string} what what is wrong */
function fail(what) {
  console.log(`FAILED: ${what}`);
  process.exit(1);
}

/** @return {string} how much has been done */
function progress() {
  const connections = state.connections + counter[0];
  return `${connections} connections, ${state.workers} workers ended`;
}

/**
 * Compares.
 *
 * @param {Object} before what was in use
 * @param {Object} after what is in use
 */
function compare(before, after) {
  const wrong = [];
  for (const name of ['descriptors', 'threads']) {
    const more = after[name] - before[name];
    if (more > 0) wrong.push(`${more} ${name} are left`);
  }
  const grown = (after.memory - before.memory) / MIB;
  if (grown > options.memory) {
    wrong.push(
      `the memory has grown by ${grown.toFixed(1)} MiB, ` +
        `${options.memory} MiB are allowed`
    );
  }
  if (wrong.length > 0) fail(wrong.join('; '));
}

async function main() {
  const began = performance.now();
  setTimeout(() => fail(`timeout: ${progress()}`), options.timeout * 1e3);
  const { workers, connections, seed } = options;
  const stage = new Stage();
  await stage.open();
  stage.wss.on('connection', (ws, { url }) => {
    if (url !== '/worker') return;
    ws.on('message', (data) => ws.send(data));
  });

  const some = (count, most) => Math.min(Math.ceil(count / 5), most);
  await run(stage, some(workers, 40), some(connections, 5000), seed);
  // Those whose thread is gone have to be noticed.
  while (stage.wss.clients.size > 0) await sleep(5);
  const before = await settledUsage();
  console.log(`before: ${describeUsage(before)}`);

  counter[0] = state.connections = state.workers = 0;
  await run(stage, workers, connections, seed + workers);
  while (stage.wss.clients.size > 0) await sleep(5);
  const after = await settledUsage(
    { ...before, memory: before.memory + options.memory * MIB },
    SETTLING
  );
  console.log(`after: ${describeUsage(after)}`);
  compare(before, after);
  await stage.close();
  const seconds = ((performance.now() - began) / 1e3).toFixed(1);
  console.log(`ok: ${progress()} in ${seconds} s`);
  process.exit(0);
}

main().catch((err) => fail(err.stack));
