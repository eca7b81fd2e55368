'use strict';

// Makes the directories that a release publishes, outside of the checkout: each
// platform's package with its binary, and the main package, which asks for them
// as optional dependencies of its own version.
//
//   node scripts/release/prepare.js --out DIR [--artifacts DIR] [--only-present]
//
//   --out DIR         where to make them; must be empty, or not there
//   --artifacts DIR   has the files ferrows.<platform>.node, at any depth
//                     (default: the one that was built here)
//   --only-present    leave out the platforms that have no file
//
// Prints the directories, one a line, in the order in which `npm publish` has to
// be run in them. napi's own commands put the files and the dependencies in
// their places; they do so where the package is, which is why it is copied first,
// and they also ask git and GitHub about the release, unless told not to.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const inspect = require('../../lib/addon-file');
const { addonName } = require('../addon');
const { readVersions } = require('./versions');
const { ROOT } = require('../toolchain');

/** The lowest major version of Node.js that napi's commands run with. */
const NODE = 20;

/** Something that whoever makes the release has to put right. */
class PrepareError extends Error {}

/** The executable format of a platform; ELF on all others. */
const FORMATS = { darwin: 'mach-o', win32: 'pe' };

/**
 * Reads a JSON file.
 *
 * @param {...string} parts its path, in parts
 * @return {*} what it holds
 */
function readJson(...parts) {
  return JSON.parse(fs.readFileSync(path.join(...parts), 'utf8'));
}

/**
 * Writes a JSON file as npm does.
 *
 * @param {string} file its path
 * @param {*} value what it is to hold
 */
function writeJson(file, value) {
  fs.writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Runs a program of Node's, which writes to stderr.
 *
 * @param {string[]} args the program and its arguments
 * @param {Object} [options] options of `spawnSync`
 * @return {string} what it wrote to stdout, if `options.stdio` pipes that
 * @throws {PrepareError} if it fails
 */
function run([command, ...args], options) {
  const { error, status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: Infinity,
    shell: process.platform === 'win32',
    stdio: ['ignore', 2, 2],
    ...options
  });

  if (error) throw new PrepareError(`cannot run ${command}: ${error.message}`);
  if (status !== 0) {
    throw new PrepareError(`${[command, ...args].join(' ')} failed`);
  }
  return stdout;
}

/**
 * Checks that a checkout is of one version throughout.
 *
 * @param {string} root the checkout
 * @throws {PrepareError} naming the files that are of another
 */
function checkVersions(root) {
  const { version } = readJson(root, 'package.json');
  const others = readVersions(root).filter(
    ([, found]) => found.length === 0 || found.some((one) => one !== version)
  );

  if (others.length > 0) {
    const list = others.map(
      ([name, found]) => `${name} (${[...new Set(found)].join(', ') || 'none'})`
    );

    throw new PrepareError(
      `package.json is of version ${version}, but not ${list.join(', ')}`
    );
  }
}

/**
 * Finds the binaries in a directory.
 *
 * @param {string} directory where to look, at any depth
 * @return {string[]} the paths of the files
 */
function findBinaries(directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name);

    if (entry.isDirectory()) return findBinaries(file);
    return entry.name.endsWith('.node') ? [file] : [];
  });
}

/**
 * Reads from the name of a binary which platform it is for.
 *
 * @param {string} file its path, `…/ferrows.<platform>.node`
 * @return {string} the platform
 */
function platformOf(file) {
  return path.basename(file).split('.')[1];
}

/**
 * Checks that a binary is what its name says.
 *
 * @param {string} file its path
 * @throws {PrepareError} if it is not
 */
function checkBinary(file) {
  const [platform, arch] = platformOf(file).split('-');
  const format = FORMATS[platform] || 'elf';
  const found = inspect(file);

  if (!found.complete) throw new PrepareError(`${file} is empty or cut off`);
  if (found.format !== format || found.arch !== arch) {
    throw new PrepareError(
      `${file} is not of ${format} and ${arch}, but of ${found.format} and ` +
        found.arch
    );
  }
}

/**
 * Copies what npm would put into the main package, and the directories of the
 * platforms' packages.
 *
 * @param {string} root the checkout
 * @param {string} main where to copy it to
 */
function copyPackage(root, main) {
  const listed = run(
    ['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'],
    { cwd: root, stdio: ['ignore', 'pipe', 2] }
  );
  const [{ files }] = Object.values(JSON.parse(listed));

  for (const { path: name } of files) {
    fs.cpSync(path.join(root, name), path.join(main, name));
  }
  fs.cpSync(path.join(root, 'npm'), path.join(main, 'npm'), {
    recursive: true,
    // what `napi artifacts` may have left in the checkout
    filter: (source) => !source.endsWith('.node')
  });
}

/**
 * Takes the platforms that have no binary out of a package, and gives the
 * others the license.
 *
 * @param {string} main the main package's directory
 * @param {Set<string>} present the platforms that have one
 */
function keepPlatforms(main, present) {
  const file = path.join(main, 'package.json');
  const manifest = readJson(file);
  const kept = [];

  for (const platform of fs.readdirSync(path.join(main, 'npm'))) {
    const directory = path.join(main, 'npm', platform);

    if (present.has(platform)) {
      const { description } = readJson(directory, 'package.json');

      // The description ends with the target.
      kept.push(description.slice(description.lastIndexOf(' ') + 1));
      fs.cpSync(path.join(main, 'LICENSE'), path.join(directory, 'LICENSE'));
    } else {
      fs.rmSync(directory, { recursive: true });
    }
  }
  manifest.napi.targets = manifest.napi.targets.filter((target) =>
    kept.includes(target)
  );
  writeJson(file, manifest);
}

/**
 * Lets napi put the binaries into the platforms' packages, and those into the
 * main package's manifest.
 *
 * @param {string} root the checkout, which has napi
 * @param {string} main the main package's directory
 * @param {string} artifacts where the binaries are
 */
function complete(root, main, artifacts) {
  const napi = [
    process.execPath,
    path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  ];
  const options = { cwd: root, shell: false };
  const at = ['--cwd', main, '--npm-dir', 'npm'];

  run([...napi, 'artifacts', ...at, '--output-dir', artifacts], options);
  run(
    [
      ...napi,
      'pre-publish',
      ...at,
      '--skip-optional-publish',
      '--no-gh-release'
    ],
    options
  );
  // `napi artifacts` puts each of them beside the main package's files, too.
  for (const name of fs.readdirSync(main)) {
    if (name.endsWith('.node')) fs.rmSync(path.join(main, name));
  }
}

/**
 * Makes the directories.
 *
 * @param {Object} options
 * @param {string} options.out where
 * @param {string} [options.artifacts] where the binaries are
 * @param {boolean} [options.onlyPresent=false] whether some may be missing
 * @param {string} [options.root] the checkout
 * @return {string[]} the directories, in the order in which to publish them
 * @throws {PrepareError} if something is not as it has to be
 */
function prepare({ out, artifacts, onlyPresent = false, root = ROOT }) {
  const main = path.join(out, 'ferrows');
  const platforms = fs.readdirSync(path.join(root, 'npm')).sort();

  if (parseInt(process.versions.node, 10) < NODE) {
    throw new PrepareError(
      `Node.js ${NODE} or newer is needed, this is ${process.versions.node}`
    );
  }
  if (fs.existsSync(out) && fs.readdirSync(out).length > 0) {
    throw new PrepareError(`${out} is not empty`);
  }
  checkVersions(root);

  const binaries = artifacts
    ? findBinaries(artifacts)
    : [path.join(root, addonName())].filter((file) => fs.existsSync(file));
  const present = new Set(binaries.map(platformOf));
  const missing = platforms.filter((platform) => !present.has(platform));

  if (present.size === 0 || (missing.length > 0 && !onlyPresent)) {
    throw new PrepareError(
      `no ferrows.<platform>.node for ${missing.join(', ')}` +
        (present.size > 0 ? ' (--only-present leaves them out)' : '')
    );
  }
  binaries.forEach(checkBinary);

  try {
    return fill({ out, main, binaries, present, root });
  } catch (err) {
    // What is half done must not be published, nor be in the way.
    fs.rmSync(out, { recursive: true, force: true });
    throw err;
  }
}

/**
 * Fills the directories.
 *
 * @param {Object} options
 * @param {string} options.out where they are
 * @param {string} options.main that of the main package
 * @param {string[]} options.binaries the files for the platforms
 * @param {Set<string>} options.present those platforms
 * @param {string} options.root the checkout
 * @return {string[]} the directories, in the order in which to publish them
 * @throws {PrepareError} if npm or napi fails
 */
function fill({ out, main, binaries, present, root }) {
  const staged = path.join(out, 'artifacts');

  fs.mkdirSync(staged, { recursive: true });
  for (const [i, file] of binaries.entries()) {
    // Apart, so that napi notices two of the same name.
    fs.cpSync(file, path.join(staged, String(i), path.basename(file)));
  }
  copyPackage(root, main);
  keepPlatforms(main, present);
  complete(root, main, staged);
  fs.rmSync(staged, { recursive: true });

  const directories = fs
    .readdirSync(path.join(main, 'npm'))
    .sort()
    .map((platform) => {
      const directory = path.join(out, platform);

      fs.renameSync(path.join(main, 'npm', platform), directory);
      return directory;
    });

  fs.rmdirSync(path.join(main, 'npm'));
  return [...directories, main];
}

/**
 * Reads the command line.
 *
 * @return {Object} options for `prepare()`
 * @throws {PrepareError} if it makes no sense
 */
function readOptions() {
  let values;

  try {
    ({ values } = parseArgs({
      options: {
        artifacts: { type: 'string' },
        'only-present': { type: 'boolean' },
        out: { type: 'string' }
      }
    }));
  } catch (err) {
    throw new PrepareError(err.message);
  }
  if (!values.out) throw new PrepareError('--out DIR is needed');
  return {
    out: path.resolve(values.out),
    artifacts: values.artifacts && path.resolve(values.artifacts),
    onlyPresent: values['only-present']
  };
}

if (require.main === module) {
  try {
    for (const directory of prepare(readOptions())) console.log(directory);
  } catch (err) {
    if (!(err instanceof PrepareError)) throw err;
    console.error(`prepare: ${err.message}`);
    process.exitCode = 1;
  }
}

module.exports = { PrepareError, prepare };
