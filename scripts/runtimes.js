'use strict';

// `npm run test:runtimes`: the package in other runtimes than Node.js, and in an
// executable of its own. The programs come from npm (`runtimes/packages.js`).
// docs/runtimes.md says what works where.
//
//   NAME      only these: bun, deno, sea
//   --specs   all files of `__test__` in Bun and Deno: counts what passes there,
//             and demands nothing

const { parseArgs } = require('node:util');

const { bun, deno } = require('./runtimes/others');
const sea = require('./runtimes/sea');
const { countSpecs } = require('./runtimes/specs');
const setup = require('./setup');

/** What there is to try. */
const CHECKS = { bun, deno, sea };

/** Runs what the arguments ask for. */
async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { specs: { type: 'boolean', default: false } }
  });
  const names = positionals.length > 0 ? positionals : Object.keys(CHECKS);
  setup.command(() => {
    for (const name of names) {
      if (!Object.hasOwn(CHECKS, name)) {
        throw new setup.SetupError(`unknown runtime ${name}`);
      }
    }
    setup.ensureToolchain();
    setup.ensureModules();
    setup.ensureAddon();
    for (const name of names) CHECKS[name].install();
  });
  for (const name of names) {
    const check = CHECKS[name];
    if (values.specs) {
      if (check.specs !== undefined) await countSpecs(name, check);
      continue;
    }
    const start = Date.now();
    const failures = await check.run();
    for (const failure of failures) console.log(failure);
    const seconds = ((Date.now() - start) / 1e3).toFixed(1);
    console.log(
      `${name}: ${failures.length === 0 ? 'works' : 'FAILED'} (${seconds} s)`
    );
    if (failures.length > 0) process.exitCode = 1;
  }
}

main();
