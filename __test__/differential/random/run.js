'use strict';

// Random programs, run with npm's `ws` and with ferrows:
//
//   node __test__/differential/random/run.js [--seed N] [--count N] [--all]
//
// runs the programs of the seeds from N on (1 by default), as many as `count`
// says (1 if a seed is given, else 1000). At the first difference it prints
// the program, made as small as it goes, with both logs, and ends with the
// status 1; with `--all` it goes on, and prints the seeds only.

const { inspect, parseArgs } = require('node:util');

const { compare } = require('./compare');
const { isFair } = require('./frames');
const generate = require('./generate');
const shrink = require('./shrink');

/**
 * Prints a difference.
 *
 * @param {number} seed the seed of the program
 * @return {Promise}
 */
async function report(seed) {
  const differs = async (program) => !(await compare(program)).equal;
  const program = await shrink(generate(seed), differs);
  const { expected, actual } = await compare(program);
  const source = inspect(program, { depth: Infinity, maxArrayLength: null });
  console.log(`// seed ${seed}; to be run at the top of the repository
const { compare } = require('./__test__/differential/random/compare');
compare(${source}).then(({ expected, actual }) => {
  console.log('ws:\\n' + expected + '\\n\\nferrows:\\n' + actual);
});

/* ws:
${expected}

ferrows:
${actual}
*/`);
}

/**
 * Runs programs.
 *
 * @param {number} first the first seed
 * @param {number} count how many
 * @param {boolean} all whether to go on after a difference
 * @return {Promise<boolean>} whether there was none
 */
async function run(first, count, all) {
  let compared = 0;
  const different = [];
  for (let seed = first; seed < first + count; seed++) {
    const program = generate(seed);
    if (!isFair(program)) continue;
    compared++;
    if ((await compare(program)).equal) continue;
    different.push(seed);
    if (!all) {
      await report(seed);
      break;
    }
  }
  console.log(`${compared} programs, ${different.length} differ`);
  if (all && different.length > 0) console.log(different.join(' '));
  return different.length === 0;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string' },
    all: { type: 'boolean', default: false }
  }
});
const count = values.count ?? (values.seed === undefined ? 1000 : 1);

run(Number(values.seed ?? 1), Number(count), values.all).then((equal) => {
  if (!equal) process.exitCode = 1;
});
