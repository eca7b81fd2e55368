'use strict';

// Runs the JavaScript tests over an addon that was built elsewhere; needs no
// compiler, and builds nothing. The addon is put where the loader looks first.
//
//   node scripts/release/test-binary.js DIRECTORY [TRANSPORT...]
//
// DIRECTORY holds the addon, and no other. The tests run once for each transport,
// only as the package chooses without.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');

/** Where tests are that ask the package for something, rather than strain it. */
const TESTS = ['__test__', '__test__/differential'];

/**
 * Runs Node.
 *
 * @param {string[]} args its arguments
 * @param {Object} [env] environment variables besides those of here
 * @return {boolean} whether it ended well
 */
function node(args, env) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: 'inherit'
  });

  return status === 0;
}

/**
 * Puts the addon into the repository, and makes sure that it is what the package
 * loads.
 *
 * @param {string} directory where the addon is
 * @return {boolean} whether the package loads it
 */
function place(directory) {
  const addons = fs
    .readdirSync(directory)
    .filter((name) => /^ferrows\..*\.node$/.test(name));

  if (addons.length !== 1) {
    console.error(`${directory} holds ${addons.length} addons`);
    return false;
  }

  const target = path.join(ROOT, addons[0]);
  const isNew = !fs.existsSync(target);

  fs.copyFileSync(path.join(directory, addons[0]), target);

  const loads = node([
    '-e',
    `require('.');
    if (!Object.keys(require.cache).includes(process.argv[1])) {
      console.error('this platform does not load ' + process.argv[1]);
      process.exit(1);
    }
    console.log('loaded ' + process.argv[1]);`,
    target
  ]);

  if (!loads && isNew) fs.rmSync(target);
  return loads;
}

/**
 * Lists the files with tests.
 *
 * @return {string[]} their paths below the root
 */
function specs() {
  return TESTS.flatMap((directory) =>
    fs
      .readdirSync(path.join(ROOT, directory))
      .filter((name) => name.endsWith('.spec.js'))
      .map((name) => `${directory}/${name}`)
  );
}

/**
 * Runs the command.
 *
 * @param {string[]} args the command line's arguments
 */
function main([directory, ...transports]) {
  if (directory === undefined) {
    console.error(
      'usage: node scripts/release/test-binary.js DIRECTORY [TRANSPORT...]'
    );
    process.exitCode = 2;
    return;
  }

  const files = specs();
  const passed =
    place(path.resolve(directory)) &&
    (transports.length === 0 ? ['auto'] : transports).every((transport) => {
      console.log(`the tests over ${transport}`);
      return node(['--test', '--test-reporter=spec', ...files], {
        FERROWS_TRANSPORT: transport
      });
    });

  if (!passed) process.exitCode = 1;
}

main(process.argv.slice(2));
