'use strict';

// `npm test`: sets up, runs cargo's tests and those below `__test__`, and ends
// with one line that counts them all.
//
//   --rust     only cargo's tests
//   --js       only the JavaScript tests
//   --oracle   only the JavaScript tests, with npm's `ws` in the package's place
//   --source   only those that build the packed package from its sources
//   FILE ...   only these test files

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { spec: Spec } = require('node:test/reporters');

const setup = require('./setup');
const { ROOT } = require('./toolchain');

/** How many test files run at a time. */
const CONCURRENCY = 2;

/** How long one test file may take, in milliseconds. */
const FILE_TIMEOUT = 120e3;

/** How long it may if cargo compiles everything in it. */
const SOURCE_TIMEOUT = 30 * 60e3;

/** What is all there is to run with `--source`. */
const SOURCE_FILE = '__test__/build-from-source.spec.js';

/** The options; each stands for a part of all tests. */
const OPTIONS = ['--js', '--oracle', '--rust', '--source'];

/** The outcome of some tests. */
class Tally {
  constructor() {
    this.passed = 0;
    this.failed = 0;
    this.skipped = 0;
  }

  /**
   * Adds the summary lines of `cargo test`.
   *
   * @param {string} output what it printed
   */
  addCargo(output) {
    const line =
      /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/;

    for (const [, passed, failed, ignored] of output.matchAll(
      new RegExp(line, 'gm')
    )) {
      this.passed += Number(passed);
      this.failed += Number(failed);
      this.skipped += Number(ignored);
    }
  }

  /**
   * Adds one result that Node's runner reports. A suite that failed because of
   * a test in it is not counted besides that test.
   *
   * @param {Object} event the data of `'test:pass'` or `'test:fail'`
   * @param {boolean} failed true for `'test:fail'`
   */
  addNode({ details, skip, todo }, failed) {
    const left = skip !== undefined || todo !== undefined;

    if (failed && !left) {
      if (details.error?.failureType !== 'subtestsFailed') this.failed++;
    } else if (details.type !== 'suite') {
      if (left) this.skipped++;
      else this.passed++;
    }
  }

  /** @return {string} the line that ends the run */
  toString() {
    return (
      `${this.passed} passed, ${this.failed} failed, ` +
      `${this.skipped} skipped`
    );
  }
}

/**
 * Runs the tests of all crates but the addon's, which has none, and adds them
 * to a tally.
 *
 * @param {Tally} tally where to count
 * @return {Promise} settles when cargo is done
 */
function testRust(tally) {
  const cargo = spawn(
    'cargo',
    ['test', '--workspace', '--exclude=ferrows', '--no-fail-fast'],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] }
  );
  let output = '';

  cargo.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });

  return new Promise((resolve, reject) => {
    cargo.on('error', reject);
    cargo.on('close', (status) => {
      const before = tally.failed;

      tally.addCargo(output);
      // A crate that does not compile is a failure without a summary.
      if (status !== 0 && tally.failed === before) tally.failed++;
      resolve();
    });
  });
}

/**
 * Lists the test files below a directory, without those of installed packages.
 *
 * @param {string} directory where to look
 * @return {string[]} their paths, in a fixed order
 */
function specFiles(directory) {
  return fs
    .readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.join(directory, entry.name);

      if (entry.name === 'node_modules') return [];
      if (entry.isDirectory()) return specFiles(file);
      return entry.name.endsWith('.spec.js') ? [file] : [];
    })
    .sort();
}

/**
 * Runs test files with Node's runner, each in a process of its own, and adds
 * them to a tally.
 *
 * @param {Tally} tally where to count
 * @param {string[]} files the files
 * @param {number} timeout how long each may take, in milliseconds
 * @return {Promise} settles when all are done
 */
function testNode(tally, files, timeout) {
  const results = test.run({ files, concurrency: CONCURRENCY, timeout });

  results.on('test:pass', (event) => tally.addNode(event, false));
  results.on('test:fail', (event) => tally.addNode(event, true));

  return new Promise((resolve, reject) => {
    const report = results.compose(new Spec());

    report.on('data', (chunk) => process.stdout.write(chunk));
    report.on('end', resolve);
    report.on('error', reject);
  });
}

/**
 * Runs what the arguments ask for.
 *
 * @param {string[]} args the command line's arguments
 */
async function main(args) {
  const only = args.find((arg) => arg.startsWith('--'));
  const named = args.filter((arg) => !arg.startsWith('--'));
  const oracle = only === '--oracle';
  const source = only === '--source';
  const tally = new Tally();
  let files = named.map((file) => path.resolve(file));

  if (source) files = [path.join(ROOT, SOURCE_FILE)];
  else if (named.length === 0) files = specFiles(path.join(ROOT, '__test__'));

  setup.command(() => {
    if (only !== undefined && !OPTIONS.includes(only)) {
      throw new setup.SetupError(`unknown option ${only}`);
    }
    if (!oracle) setup.ensureToolchain();
    if (only !== '--rust') setup.ensureModules();
    if (!oracle && only !== '--rust') setup.ensureAddon();
  });

  if (oracle) process.env.FERROWS_ORACLE = 'ws';
  if (source) process.env.FERROWS_TEST_SOURCE = 'yes';
  if (named.length === 0 && (only === undefined || only === '--rust')) {
    await testRust(tally);
  }
  if (only !== '--rust') {
    await testNode(tally, files, source ? SOURCE_TIMEOUT : FILE_TIMEOUT);
  }

  process.exitCode = tally.failed > 0 ? 1 : 0;
  console.log(`${tally}`);
}

main(process.argv.slice(2));
