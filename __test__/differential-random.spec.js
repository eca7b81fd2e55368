'use strict';

// Random programs, run with npm's `ws` and with the package under test; see
// `differential/random/`.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');

const { compare, ferrows } = require('./differential/random/compare');
const { isFair } = require('./differential/random/frames');
const generate = require('./differential/random/generate');
const mutations = require('./differential/random/mutations');
const shrink = require('./differential/random/shrink');

const RUN = path.join(__dirname, 'differential', 'random', 'run.js');

/** Programs after which a mutation must have been noticed. */
const PATIENCE = 300;

/**
 * Finds a program that tells a package from `ws`.
 *
 * @param {Object} subject the package, see `execute()`
 * @return {Promise<(Object|undefined)>}
 */
async function firstDifference(subject) {
  for (let seed = 1; seed <= PATIENCE; seed++) {
    const program = generate(seed);
    if (!isFair(program)) continue;
    if (!(await compare(program, subject)).equal) return program;
  }
}

describe('Random programs', { timeout: 110000 }, () => {
  // Before Node.js 20 a Writable, such as the Receiver of ws, asks for a pause
  // with each large chunk, even if it is done with it at once.
  const skip = parseInt(process.versions.node, 10) < 20 && 'other pauses';

  it('do the same with ws', { skip }, async () => {
    // A process of its own: a run has the clock, and hears of exceptions.
    const args = [RUN, '--seed', '1', '--count', '1000'];
    const run = await promisify(execFile)(process.execPath, args, {
      timeout: 60000,
      maxBuffer: 2 ** 24
    }).catch((err) => err);
    assert.strictEqual(run.code, undefined, run.stdout || run);
    assert.match(run.stdout, /^\d{3,4} programs, 0 differ\n$/);
  });

  for (const [name, mutate] of Object.entries(mutations)) {
    it(`notice ${name}`, async () => {
      assert.ok(await firstDifference(mutate(ferrows)));
    });
  }

  it('shrink to what shows a difference', async () => {
    const subject = mutations['an event that is lost'](ferrows);
    const program = await shrink(
      await firstDifference(subject),
      async (smaller) => !(await compare(smaller, subject)).equal
    );
    assert.ok(program.steps.length <= 2);
    assert.ok(program.sides.every(({ reactions }) => reactions.length === 0));
  });

  it('are the same for the same seed, and others for others', () => {
    const programs = [1, 2, 3].map((seed) => JSON.stringify(generate(seed)));
    assert.strictEqual(new Set(programs).size, 3);
    assert.strictEqual(JSON.stringify(generate(2)), programs[1]);
  });
});
