'use strict';

// Copies of what the scripts of `scripts/release` read, for tests to change.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');

/** What of the repository cargo and the scripts read. */
const FILES = [
  'Cargo.lock',
  'Cargo.toml',
  '__test__/dependents/package-lock.json',
  'README.md',
  'bench/Cargo.toml',
  'bench/src',
  'binding.js',
  'build.rs',
  'crates',
  'docs/install.md',
  'fuzz/Cargo.lock',
  'lib/version.js',
  'npm',
  'package-lock.json',
  'package.json',
  'src'
];

/**
 * Makes a directory that is gone after the test.
 *
 * @param {Object} t the test
 * @return {string} its path
 */
function scratch(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-release-'));

  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Copies the repository, as far as a release is concerned. The copy's documents do
 * not say that nothing is published, which a release would be refused for.
 *
 * @param {Object} t the test, with which the copy goes away
 * @param {string} changelog the copy's changelog
 * @return {string} the copy's path
 */
function copy(t, changelog) {
  const root = scratch(t);

  for (const file of FILES) {
    fs.cpSync(path.join(ROOT, file), path.join(root, file), {
      recursive: true
    });
  }
  for (const name of ['README.md', 'docs/install.md']) {
    const file = path.join(root, name);
    const text = fs.readFileSync(file, 'utf8');

    fs.writeFileSync(file, text.replace(/\bnot published on npm/, 'on npm'));
  }
  fs.writeFileSync(path.join(root, 'CHANGELOG.md'), changelog);
  return root;
}

/**
 * Puts a text in the place of another in a file that has it.
 *
 * @param {string} root where the file is
 * @param {string} name the file
 * @param {(string|RegExp)} before what is to go
 * @param {string} after what comes
 */
function edit(root, name, before, after) {
  const file = path.join(root, name);
  const text = fs.readFileSync(file, 'utf8');
  const changed = text.replace(before, after);

  if (changed === text) throw new Error(`${name} has no ${before}`);
  fs.writeFileSync(file, changed);
}

/**
 * Runs a script of `scripts/release` to its end.
 *
 * @param {string} name the script
 * @param {string[]} args its arguments
 * @param {Object} [options] options of `spawnSync`
 * @return {Object} its status, and the lines that it wrote on stdout and stderr
 */
function script(name, args, options) {
  const file = path.join(ROOT, 'scripts/release', name);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [file, ...args],
    { encoding: 'utf8', timeout: 60e3, ...options }
  );
  const lines = (text) => text.split('\n').filter((line) => line !== '');

  return { status, lines: lines(stdout), errors: lines(stderr) };
}

module.exports = { ROOT, copy, edit, scratch, script };
