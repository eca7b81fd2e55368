'use strict';

// Builds the addon from the sources in this package, and puts it where the
// package looks for it first: `node node_modules/ferrows/scripts/build.js`. For
// platforms without a package of their own; see docs/building.md.

const fs = require('node:fs');
const path = require('node:path');

const { addonName, buildAddon } = require('./addon');
const { command, say, timed } = require('./steps');
const { ROOT, SetupError, ensureToolchain } = require('./toolchain');

/** What cargo fills while it builds, with more than a hundred megabytes. */
const SCRATCH = path.join(ROOT, 'build-target');

/**
 * Checks that the addon can be put beside the package's files, before it is
 * built for minutes.
 *
 * @throws {SetupError} if it cannot
 */
function ensureWritable() {
  try {
    fs.accessSync(ROOT, fs.constants.W_OK);
  } catch (err) {
    throw new SetupError(
      `cannot write to ${ROOT} (${err.code}), where the addon belongs: run ` +
        'this where that is possible, as a user who may'
    );
  }
}

/**
 * Builds the addon, with the versions of all crates that it was tested with.
 *
 * @return {string} its path
 */
function build() {
  // Who names a directory wants to keep what is in it.
  if (process.env.CARGO_TARGET_DIR) return buildAddon(['--locked']);
  try {
    return buildAddon(['--locked', `--target-dir=${SCRATCH}`]);
  } finally {
    fs.rmSync(SCRATCH, { recursive: true, force: true });
  }
}

command(() => {
  addonName();
  ensureWritable();
  ensureToolchain();

  let addon;

  timed('building the addon', () => {
    addon = build();
  });
  say(`built ${addon}`);
});
