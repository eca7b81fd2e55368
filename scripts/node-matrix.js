'use strict';

// `npm run test:node-matrix`: the package under other versions of Node.js, which
// come from npm and stay in `target/runtimes`.
//
//   --short              the suite of runtimes over each transport, and some of
//                        the programs that are compared with ws
//   --transport NAME     over this transport, by default over that which the
//                        package chooses; without --short, may be repeated
//   --node N             only this major version; may be repeated

const { parseArgs } = require('node:util');

const { ensure, nodePackage } = require('./runtimes/packages');
const { run, runSuite } = require('./runtimes/suite');
const setup = require('./setup');

/** The major versions: all that `engines` allows and that are released. */
const MAJORS = ['18', '20', '22', '24', '26'];

/** The transports that there are, and `''`, which leaves the choice open. */
const TRANSPORTS = ['stream', 'loop', 'tokio'];

/** Files of scenarios that run on each version: some 300 programs. */
const SCENARIOS = 'closing,control,data,faults';

/** The same programs are the whole of this file. */
const DIFFERENTIAL = '__test__/differential/differential.spec.js';

/** Milliseconds that all tests may take. */
const TIMEOUT = 1800e3;

/**
 * Runs test files, and prints what failed.
 *
 * @param {string} node the program
 * @param {string[]} files the files, or none for all of them
 * @param {Object} env environment variables
 * @return {Promise<{summary: string, ok: boolean}>} the line that counts
 */
async function runTests(node, files, env) {
  const args = ['scripts/test.js', '--js', ...files];
  const { code, signal, stdout, stderr } = await run(node, args, {
    env,
    timeout: TIMEOUT
  });
  const lines = stdout.trim().split('\n');
  const ok = code === 0;
  if (!ok) {
    const from = lines.findIndex((line) => line.includes('failing tests'));
    console.log(lines.slice(from).join('\n'));
    console.log(stderr);
  }
  return { summary: code === null ? `killed: ${signal}` : lines.at(-1), ok };
}

/**
 * What has to work on each version, in less than a minute.
 *
 * @param {string} node the program
 * @return {Promise<boolean>} whether it does
 */
async function short(node) {
  let isRight = true;
  for (const transport of TRANSPORTS) {
    const { passed, failures } = await runSuite([node], {
      asked: transport,
      got: [transport]
    });
    for (const failure of failures) console.log(failure);
    console.log(
      `  suite over ${transport}: ${passed} passed, ${failures.length} failed`
    );
    isRight &&= failures.length === 0;
  }
  const { summary, ok } = await runTests(node, [DIFFERENTIAL], {
    FERROWS_SCENARIOS: SCENARIOS
  });
  console.log(`  programs compared with ws: ${summary}`);
  return isRight && ok;
}

/**
 * All tests.
 *
 * @param {string} node the program
 * @param {string[]} transports the values of FERROWS_TRANSPORT
 * @return {Promise<boolean>} whether they passed
 */
async function full(node, transports) {
  let isRight = true;
  for (const transport of transports) {
    const start = Date.now();
    const { summary, ok } = await runTests(node, [], {
      FERROWS_TRANSPORT: transport
    });
    const seconds = ((Date.now() - start) / 1e3).toFixed(0);
    console.log(`  over ${transport || 'auto'}: ${summary} (${seconds} s)`);
    isRight &&= ok;
  }
  return isRight;
}

/** Runs what the arguments ask for. */
async function main() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      transport: { type: 'string', multiple: true, default: [''] },
      node: { type: 'string', multiple: true, default: MAJORS }
    }
  });
  const programs = new Map();
  setup.command(() => {
    setup.ensureToolchain();
    setup.ensureModules();
    setup.ensureAddon();
    for (const major of values.node) {
      programs.set(major, ensure(nodePackage(major)));
    }
  });
  for (const node of programs.values()) {
    const { stdout } = await run(node, ['--version']);
    console.log(`Node.js ${stdout.trim().slice(1)}`);
    const isRight = values.short
      ? await short(node)
      : await full(node, values.transport);
    if (!isRight) process.exitCode = 1;
  }
}

main();
