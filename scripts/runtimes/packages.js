'use strict';

// Programs that come from npm, each in a folder of its own below `target/`: other
// versions of Node.js, other runtimes, and what makes an executable of a script.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { ROOT, SetupError } = require('../toolchain');

const FOLDER = path.join(ROOT, 'target', 'runtimes');

/** How long an installation may take, in milliseconds. */
const TIMEOUT = 300e3;

const { arch, platform } = process;

/** What Bun and Deno call a processor, where that is not Node's name. */
const BUN_ARCH = { arm64: 'aarch64' };
const DENO_LIBC = platform === 'linux' ? '-glibc' : '';

/** `.exe` where that is to be said. */
const EXE = platform === 'win32' ? '.exe' : '';

/**
 * Finds out what a version of Node.js for this platform is called.
 *
 * @param {(number|string)} version the major version, or a whole one
 * @return {{name: string, version: string, file: string}} the package, and the
 *     program in it
 */
function nodePackage(version) {
  const os = platform === 'win32' ? 'win' : platform;
  return {
    name: `node-${os}-${arch}`,
    version: `${version}`,
    file: `bin/node${EXE}`
  };
}

/** Other programs: what they are called, and where they are in it. */
const PACKAGES = {
  bun: {
    name: `@oven/bun-${platform === 'win32' ? 'windows' : platform}-${BUN_ARCH[arch] ?? arch}`,
    version: '1.4.5',
    file: `bin/bun${EXE}`
  },
  deno: {
    name: `@deno/${platform}-${arch}${DENO_LIBC}`,
    version: '2.9.6',
    file: `deno${EXE}`
  },
  esbuild: { name: 'esbuild', version: '0.28.2', file: 'lib/main.js' },
  postject: {
    name: 'postject',
    version: '1.0.0-alpha.6',
    file: 'dist/cli.js'
  }
};

/**
 * Installs a package unless it is there. One of which only the major version is
 * asked for is never brought up to date: `target/` can be removed.
 *
 * @param {{name: string, version: string, file: string}} wanted the package
 * @return {string} the path of the file
 * @throws {SetupError} if npm cannot install it
 */
function ensure({ name, version, file }) {
  const home = path.join(FOLDER, `${name.replace('/', '-')}-${version}`);
  const program = path.join(home, 'node_modules', name, file);

  if (fs.existsSync(program)) return program;
  process.stderr.write(`installing ${name}@${version} ...\n`);
  fs.mkdirSync(home, { recursive: true });
  fs.writeFileSync(path.join(home, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { error, status, stderr } = spawnSync(
    'npm',
    [...args, `${name}@${version}`],
    {
      cwd: home,
      encoding: 'utf8',
      shell: platform === 'win32',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT
    }
  );
  if (error || status !== 0 || !fs.existsSync(program)) {
    fs.rmSync(home, { recursive: true });
    throw new SetupError(
      `cannot install ${name}@${version}: ${error?.message ?? stderr}`
    );
  }
  return program;
}

module.exports = { PACKAGES, ensure, nodePackage };
