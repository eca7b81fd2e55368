'use strict';

// Programs that tests run in a process of their own.

const { spawn } = require('node:child_process');
const path = require('node:path');

const FERROWS = path.join(__dirname, 'ferrows');

/**
 * Runs a program to its end.
 *
 * @param {(Function|string)} program a function, or the source of one, that
 *     needs nothing around it; it is called with the package under test
 * @param {Object} [options]
 * @param {string[]} [options.flags] arguments for Node.js
 * @param {string[]} [options.args] more arguments for the function
 * @param {Object} [options.env] environment variables beside those of here
 * @param {number} [options.timeout=30000] milliseconds
 * @return {Promise<{code: ?number, signal: ?string, lines: string[],
 *     errors: string}>} exit code, and what it printed
 */
function run(program, { flags = [], args = [], env, timeout = 30000 } = {}) {
  const source = `(${program})(require(${JSON.stringify(FERROWS)}), ${args
    .map((arg) => JSON.stringify(arg))
    .join(', ')})`;
  const child = spawn(process.execPath, [...flags, '-e', source], {
    // The runner of the tests must not take what the program prints.
    env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({
        code,
        signal,
        lines: output.split('\n').filter((line) => line !== ''),
        errors
      })
    );
  });
}

module.exports = run;
