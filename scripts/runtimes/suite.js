'use strict';

// Runs `__test__/runtimes/suite.js`, which needs no test runner, in a runtime.

const { spawn } = require('node:child_process');
const path = require('node:path');

const { ROOT } = require('../toolchain');

const SUITE = path.join(ROOT, '__test__', 'runtimes', 'suite.js');

/** Milliseconds that the suite may take. */
const TIMEOUT = 240e3;

/**
 * Runs a program to its end, or to that of its time, and ends what it has started
 * and left behind.
 *
 * @param {string} command the program
 * @param {string[]} args its arguments
 * @param {Object} [options]
 * @param {Object} [options.env] environment variables beside those of here
 * @param {string} [options.cwd] where it runs
 * @param {number} [options.timeout] milliseconds
 * @return {Promise<{code: ?number, signal: ?string, stdout: string,
 *     stderr: string}>} how it ended, and what it wrote
 */
function run(command, args, { env, cwd = ROOT, timeout = TIMEOUT } = {}) {
  const child = spawn(command, args, {
    cwd,
    // The runner of the tests must not take what a program prints.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a group of its own, which can be ended as a whole.
    detached: process.platform !== 'win32'
  });
  const result = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      result[name] += text;
    });
  }
  const interrupted = () => {
    kill(child);
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM'];
  for (const signal of signals) process.on(signal, interrupted);
  const timer = setTimeout(kill, timeout, child);
  // Whoever has inherited its pipes would keep them open.
  child.on('exit', () => kill(child));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...result });
    });
  }).finally(() => {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, interrupted);
  });
}

/**
 * Ends a program and those of its group, which may not be able to answer anything
 * else than this.
 *
 * @param {ChildProcess} child the program
 */
function kill(child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch (err) {
    if (err.code !== 'ESRCH') throw err;
  }
}

/**
 * Runs the suite.
 *
 * @param {string[]} command a program that runs scripts, and its arguments
 * @param {Object} options
 * @param {string} options.asked the value of FERROWS_TRANSPORT
 * @param {string[]} options.got what connections may have then
 * @param {string} [options.only] a pattern for the names of tests
 * @return {Promise<{passed: number, failures: string[]}>} what came of it
 */
async function runSuite([program, ...args], { asked, got, only = '' }) {
  const { code, signal, stdout, stderr } = await run(
    program,
    [...args, SUITE, '--only', only, ...got],
    { env: { FERROWS_TRANSPORT: asked } }
  );
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const results = lines.map((line) => JSON.parse(line));
  const failures = results
    .filter(({ error }) => error !== undefined)
    .map(({ name, error }) => `${name}: ${error}`);
  const isDone = results.at(-1)?.done === true;
  if (!isDone || (code !== 0 && failures.length === 0)) {
    failures.push(`it ended with ${signal ?? code}:\n${stderr}`);
  }
  const passed = results.filter(({ name, error }) => name && !error).length;
  if (passed + failures.length === 0) failures.push('no test has run');
  return { passed, failures };
}

module.exports = { run, runSuite };
