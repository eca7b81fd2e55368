'use strict';

// Publishes packages in the given order, each unless the registry has it already,
// so that a release which failed half-way can be run again. None is published if
// one of them lacks what its manifest lists.
//
// A release gets npm's tag `latest`, unless what has it is newer: a fix of an older
// version gets the likes of `latest-1.4`. What comes before a release gets `next`.
//
//   node scripts/release/publish.js [--dry-run] DIRECTORY...
//
// In a workflow of GitHub's it publishes with provenance. That demands that the
// manifest names the repository which the workflow runs in, so it is put there.
// npm proves who it is by the workflow itself where the package trusts that, or
// else by the token in the variable NPM_TOKEN.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { isPrerelease } = require('./versions');

/**
 * Runs npm.
 *
 * @param {string[]} args its arguments
 * @param {Object} options options of `spawnSync`
 * @return {Object} the status, and what it wrote on stdout if that is piped
 */
function npm(args, options) {
  const result = spawnSync('npm', args, { encoding: 'utf8', ...options });

  if (result.error) throw result.error;
  return result;
}

/**
 * Asks npm something.
 *
 * @param {...string} args its arguments
 * @return {string} its answer, empty if it has none
 */
function ask(...args) {
  return npm(args, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout.trim();
}

/**
 * Writes a configuration for npm that takes the token from the environment.
 *
 * @param {string} directory where to write it
 * @return {Object} what the environment needs for npm to read it
 */
function tokenConfig(directory) {
  const file = path.join(directory, 'npmrc');
  const { host, pathname } = new URL(ask('config', 'get', 'registry'));
  // npm itself puts the token in, which so is nowhere on the disk.
  const line = `//${host}${pathname}:_authToken=\${NPM_TOKEN}\n`;

  fs.writeFileSync(file, line);
  return { npm_config_userconfig: file };
}

/**
 * Names this workflow's repository in a manifest, which provenance is checked
 * against.
 *
 * @param {string} file the manifest
 * @param {string} repository owner and name
 */
function nameRepository(file, repository) {
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));

  manifest.repository = {
    type: 'git',
    url: `git+https://github.com/${repository}.git`
  };
  fs.writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Finds out what npm installs if somebody asks for no version.
 *
 * @param {string} name a package
 * @return {?string} its version, or `null` if nothing is published yet
 * @throws {Error} if the registry does not say
 */
function latestOf(name) {
  const { status, stdout } = npm(['view', name, 'dist-tags.latest', '--json'], {
    stdio: ['ignore', 'pipe', 2]
  });

  if (status === 0) return stdout.trim() === '' ? null : JSON.parse(stdout);
  // Where nobody answers, nobody knows what a tag would be taken from.
  if (!/"code": *"E404"/.test(stdout)) {
    throw new Error(`npm does not say which version of ${name} is the latest`);
  }
  return null;
}

/**
 * Tells whether a version is of an older release than another.
 *
 * @param {string} version a version
 * @param {string} other the other
 * @return {boolean} true if it is, whatever comes before the releases
 */
function isOlder(version, other) {
  const [ours, theirs] = [version, other].map((text) =>
    text.split('-')[0].split('.').map(Number)
  );
  const i = ours.findIndex((number, index) => number !== theirs[index]);

  return i !== -1 && ours[i] < theirs[i];
}

/**
 * Chooses the tag that a package gets.
 *
 * @param {string} version the version to publish
 * @param {?string} latest the one that has the tag `latest`
 * @return {string} the tag
 */
function tagOf(version, latest) {
  // Only someone who asks for it gets what is not finished.
  if (isPrerelease(version)) return 'next';
  if (latest === null || !isOlder(version, latest)) return 'latest';
  return `latest-${version.split('.', 2).join('.')}`;
}

/**
 * Makes a pattern of an entry in the list `files` of a manifest.
 *
 * @param {string} entry a path, in which `*` and `**` stand for others
 * @return {RegExp} what matches the files that it names, and those in the
 *     directories that it names
 */
function patternOf(entry) {
  const source = entry
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'));

  return new RegExp(`^${source}(/|$)`);
}

/**
 * Lists the files in a directory.
 *
 * @param {string} directory the directory
 * @param {string} [prefix] what to put before their names
 * @return {string[]} their paths below it, with slashes
 */
function filesIn(directory, prefix = '') {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const name = prefix + entry.name;

    return entry.isDirectory()
      ? filesIn(path.join(directory, entry.name), `${name}/`)
      : [name];
  });
}

/**
 * Compares a package with the list `files` of its manifest. npm does not mind
 * if something is missing.
 *
 * @param {string} directory where the package is
 * @return {string[]} the entries of the list for which there is no file
 */
function missingFrom(directory) {
  const manifest = path.join(directory, 'package.json');
  const { files = [] } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  const present = filesIn(directory);

  return files
    .filter((entry) => !entry.startsWith('!'))
    .filter((entry) => {
      const pattern = patternOf(entry);

      return !present.some((name) => pattern.test(name));
    });
}

/**
 * Says what packages lack.
 *
 * @param {string[]} directories where they are
 * @return {boolean} whether they have everything
 */
function areComplete(directories) {
  const problems = directories.flatMap((directory) =>
    missingFrom(directory).map((entry) => `${directory} has no ${entry}`)
  );

  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

/**
 * Publishes a package.
 *
 * @param {string} directory where it is
 * @param {boolean} dryRun whether to stop short of it
 * @param {Object} env the environment for npm
 * @return {boolean} whether it is published now, or could be
 */
function publish(directory, dryRun, env) {
  const file = path.join(directory, 'package.json');
  const { name, version } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const id = `${name}@${version}`;
  const { GITHUB_ACTIONS, GITHUB_REPOSITORY } = process.env;
  const args = ['publish', path.resolve(directory), '--access', 'public'];

  if (!dryRun && ask('view', id, 'version') === version) {
    console.log(`${id}: is published already`);
    return true;
  }

  args.push('--tag', tagOf(version, dryRun ? null : latestOf(name)));
  if (dryRun) args.push('--dry-run');
  if (GITHUB_ACTIONS) {
    nameRepository(file, GITHUB_REPOSITORY);
    if (!dryRun) args.push('--provenance');
  }

  const { status } = npm(args, { env, stdio: ['ignore', 1, 2] });
  const outcome = dryRun ? 'can be published' : 'published';

  console.log(`${id}: ${status === 0 ? outcome : 'NOT published'}`);
  return status === 0;
}

/**
 * Runs the command.
 *
 * @param {string[]} args the command line's arguments
 */
function main(args) {
  const dryRun = args[0] === '--dry-run';
  const directories = dryRun ? args.slice(1) : args;

  if (directories.length === 0) {
    console.error(
      'usage: node scripts/release/publish.js [--dry-run] DIRECTORY...'
    );
    process.exitCode = 2;
    return;
  }

  if (!areComplete(directories)) {
    process.exitCode = 1;
    return;
  }

  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-publish-'));

  try {
    const env = {
      ...process.env,
      ...(process.env.NPM_TOKEN && tokenConfig(scratch))
    };

    // The main package comes last, and is useless without those before it.
    if (!directories.every((directory) => publish(directory, dryRun, env))) {
      process.exitCode = 1;
    }
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

main(process.argv.slice(2));
