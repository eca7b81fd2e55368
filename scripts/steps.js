'use strict';

// How the scripts that prepare something run their steps, and what they say.

const { spawnSync } = require('node:child_process');

const { ROOT, SetupError } = require('./toolchain');

/**
 * Prints a line of progress on stderr.
 *
 * @param {string} message the line
 */
function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

/**
 * Runs a step between a line that announces it and one that says how long it
 * took.
 *
 * @param {string} name what the step does
 * @param {Function} step the step
 */
function timed(name, step) {
  const start = Date.now();

  say(`${name} ...`);
  step();
  say(`${name}: done in ${((Date.now() - start) / 1e3).toFixed(1)} s`);
}

/**
 * Runs a command in the package's directory with the user's terminal.
 *
 * @param {string} command the program
 * @param {string[]} args its arguments
 * @param {Object} [options] options of `spawnSync`
 * @return {string} what it wrote on stdout, if `options.stdio` pipes that
 * @throws {SetupError} if it cannot be started or fails
 */
function run(command, args, options) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: Infinity,
    // stdout stays free for what the calling command has to say
    stdio: ['ignore', 2, 2],
    ...options
  });

  if (result.error) {
    throw new SetupError(`cannot run ${command}: ${result.error.message}`);
  }
  if (result.status !== 0) {
    throw new SetupError(`${command} ${args[0]} failed`);
  }
  return result.stdout;
}

/**
 * Runs the body of a command; a {@link SetupError} ends it with its message
 * alone and exit status 1.
 *
 * @param {Function} body the command
 */
function command(body) {
  try {
    body();
  } catch (err) {
    if (!(err instanceof SetupError)) throw err;
    say(err.message);
    process.exit(1);
  }
}

module.exports = { command, run, say, timed };
