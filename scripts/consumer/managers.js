'use strict';

// The package managers: how each is told where the registry is, how it installs
// without running scripts, and how a package is put in the place of another.

const fs = require('node:fs');
const path = require('node:path');

const MODULES = path.join(__dirname, 'node_modules');

/**
 * A package manager.
 *
 * @typedef {Object} Manager
 * @property {string} name its name
 * @property {function(string, string[]): string[]} install the command that
 *     installs what package.json asks for, or packages in addition to that; given
 *     the home's directory and those packages; without the path of Node
 * @property {function(string): Object<string, (string|Object)>} files files that
 *     a project needs, given the registry's address
 * @property {function(Object<string, string>): Object} override what a project
 *     needs to have packages replaced: `manifest`, parts of its package.json,
 *     or `files`
 * @property {(function(Object<string, string[]>, string): Object|undefined)} platforms what else a
 *     project needs to have the packages of several platforms: `files`; given
 *     `os`, `cpu` and `libc`, and the registry's address. Only where there is a
 *     way
 * @property {string[]} node how Node is run in a project, without the path of
 *     Node
 */

/**
 * Finds the npm that belongs to this Node.
 *
 * @return {string} the path of its program
 * @throws {Error} if it is not there
 */
function findNpm() {
  const bin = path.dirname(fs.realpathSync(process.execPath));
  const candidates = [
    // set by npm where this runs as one of its scripts
    process.env.npm_execpath,
    path.join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  ];
  const found = candidates.find(
    (file) => file?.endsWith('npm-cli.js') && fs.existsSync(file)
  );

  if (!found) throw new Error('there is no npm beside this Node.js');
  return found;
}

/**
 * Writes the configuration of npm, which pnpm and Yarn 1 read, too.
 *
 * @param {string} registry the registry's address
 * @return {Object<string, string>} its file
 */
function npmrc(registry) {
  return {
    '.npmrc': [
      `registry=${registry}`,
      // Publishing asks for some token; any will do.
      `${registry.replace('http:', '')}:_authToken=none`,
      'fund=false',
      'audit=false',
      'update-notifier=false',
      ''
    ].join('\n')
  };
}

/**
 * Writes down the platforms that are wanted, as pnpm and the newer Yarn read it.
 *
 * @param {Object<string, string[]>} wanted `os`, `cpu` and `libc`
 * @return {string} lines of YAML
 */
function supportedArchitectures(wanted) {
  return [
    'supportedArchitectures:',
    ...Object.entries(wanted).map(
      ([kind, names]) => `  ${kind}: [${names.join(', ')}]`
    ),
    ''
  ].join('\n');
}

/** @type {Manager} */
const npm = {
  name: 'npm',
  install: (home, specs) => [
    ...[findNpm(), 'install', '--ignore-scripts'],
    ...specs
  ],
  files: npmrc,
  override: (overrides) => ({ manifest: { overrides } }),
  node: []
};

/** @type {Manager} */
const pnpm = {
  name: 'pnpm',
  install: (home, specs) => [
    path.join(MODULES, 'pnpm', 'bin', 'pnpm.cjs'),
    specs.length > 0 ? 'add' : 'install',
    ...specs,
    '--ignore-scripts',
    `--store-dir=${path.join(home, 'pnpm-store')}`
  ],
  files: npmrc,
  override: (overrides) => ({
    files: {
      'pnpm-workspace.yaml': [
        'overrides:',
        ...Object.entries(overrides).map(([name, by]) => `  ${name}: ${by}`),
        ''
      ].join('\n')
    }
  }),
  platforms: (wanted) => ({
    'pnpm-workspace.yaml': supportedArchitectures(wanted)
  }),
  node: []
};

/** @type {Manager} */
const yarn1 = {
  name: 'Yarn 1',
  install: (home, specs) => [
    path.join(MODULES, 'yarn', 'bin', 'yarn.js'),
    specs.length > 0 ? 'add' : 'install',
    ...specs,
    '--ignore-scripts',
    '--non-interactive',
    `--cache-folder=${path.join(home, 'yarn-1')}`,
    // Several at a time spoil the cache for each other.
    `--mutex=file:${path.join(home, 'yarn-1.lock')}`
  ],
  files: npmrc,
  override: (resolutions) => ({ manifest: { resolutions } }),
  node: []
};

/** The program of the newer Yarn. */
const BERRY = path.join(MODULES, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js');

/**
 * Configures the newer Yarn.
 *
 * @param {string} nodeLinker where it puts packages
 * @return {function(string): Object<string, string>} what makes its files,
 *     given the registry's address
 */
const yarnrc = (nodeLinker) => (registry) => ({
  '.yarnrc.yml': [
    `npmRegistryServer: "${registry}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    `nodeLinker: ${nodeLinker}`,
    'pnpEnableEsmLoader: true',
    'enableScripts: false',
    'enableTelemetry: false',
    'enableImmutableInstalls: false',
    // What is installed here was published a moment ago.
    'npmMinimalAgeGate: 0',
    ''
  ].join('\n'),
  // Marks the root of a project, even in another one.
  'yarn.lock': ''
});

/** @type {Manager} */
const yarn = {
  name: 'Yarn with node_modules',
  install: (home, specs) =>
    specs.length > 0 ? [BERRY, 'add', ...specs] : [BERRY, 'install'],
  files: yarnrc('node-modules'),
  override: (resolutions) => ({ manifest: { resolutions } }),
  platforms: (wanted, registry) => ({
    '.yarnrc.yml':
      yarnrc('node-modules')(registry)['.yarnrc.yml'] +
      supportedArchitectures(wanted)
  }),
  node: []
};

/** @type {Manager} */
const pnp = {
  ...yarn,
  name: "Yarn with Plug'n'Play",
  files: yarnrc('pnp'),
  platforms: undefined,
  node: [BERRY, 'node']
};

module.exports = { findNpm, npm, npmrc, pnp, pnpm, yarn, yarn1 };
