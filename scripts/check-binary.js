'use strict';

// Checks that a binary can be published: that it is for the platform in its
// name, needs nothing that is not there with Node, asks for no newer system than
// it has to, is small, and says nothing but what Node wants to know. It reads
// the file itself, so it needs no tools, and checks any platform's on any other.
//
//   node scripts/check-binary.js [--glibc 2.17] FILE ...
//
//   --glibc VERSION   the highest version of glibc's symbols; the default is that
//                     of published binaries

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { isElf, readElf } = require('./binary/elf');
const { isMachO, readMachO } = require('./binary/mach-o');
const { isPe, readPe } = require('./binary/pe');
const { SetupError, command } = require('./setup');
const { GLIBC_FLOOR, MACOS_FLOORS, PLATFORMS } = require('./targets');
const { isAtLeast } = require('./toolchain');

/** Three times what it is; more means that something else came in with it. */
const MAX_BYTES = 3e6;

/** What Node calls to get the addon's exports. */
const ENTRY = 'napi_register_module_v1';

/**
 * What may be needed, by system: the C library in its parts, and on Linux the
 * unwinder of GCC, which a Node that is linked to libstdc++ has loaded.
 * Published binaries bring their own unwinder.
 */
const LIBRARIES = {
  'linux-gnu': [
    'libc.so.6',
    'libdl.so.2',
    'libgcc_s.so.1',
    'libm.so.6',
    'libpthread.so.0',
    'ld-linux-aarch64.so.1',
    'ld-linux-x86-64.so.2'
  ],
  // musl takes `libc.so` for itself, whatever its file is called.
  'linux-musl': [
    'libc.so',
    'libc.musl-aarch64.so.1',
    'libc.musl-x86_64.so.1',
    'libgcc_s.so.1'
  ],
  freebsd: [
    'libc.so.7',
    'libexecinfo.so.1',
    'libgcc_s.so.1',
    'libm.so.5',
    'libthr.so.3'
  ],
  // Rust's standard library asks for libiconv, and has no use for it.
  darwin: ['/usr/lib/libSystem.B.dylib', '/usr/lib/libiconv.2.dylib'],
  // Not `vcruntime140.dll`: Windows does not have it, nor does Node bring it.
  win32: [
    'advapi32.dll',
    'bcryptprimitives.dll',
    'kernel32.dll',
    'ntdll.dll',
    'userenv.dll',
    'ws2_32.dll'
  ]
};

/** Sets of functions that every Windows has, under the name of no DLL. */
const API_SET = /^api-ms-win-/;

/**
 * Reads a binary.
 *
 * @param {Buffer} bytes the file
 * @return {Object} `os`, on Linux `libc`, `cpu`, `libraries` and `versions` of
 *     their symbols, `exports`, `isStripped`; of macOS also `isSigned` and
 *     `oldest`
 * @throws {SetupError} if it is none
 */
function inspect(bytes) {
  if (isElf(bytes)) return readElf(bytes);
  if (isMachO(bytes)) return readMachO(bytes);
  if (isPe(bytes)) return readPe(bytes);
  throw new SetupError('this is no shared library for 64 bits');
}

/**
 * Names the platform of a binary as the generated loader does.
 *
 * @param {Object} found what `inspect()` found
 * @return {string} the name, for example `linux-x64-gnu`
 */
function platformOf({ os, cpu, libc }) {
  const abi = os === 'win32' ? 'msvc' : libc;

  return [os, cpu, abi].filter(Boolean).join('-');
}

/**
 * Finds the highest version of glibc's that is asked for.
 *
 * @param {string[]} versions versions of symbols
 * @return {(string|undefined)} a number without `GLIBC_`
 */
function highestGlibc(versions) {
  return versions
    .filter((version) => version.startsWith('GLIBC_'))
    .map((version) => version.slice('GLIBC_'.length))
    .reduce(
      (highest, version) =>
        highest === undefined || isAtLeast(version, highest)
          ? version
          : highest,
      undefined
    );
}

/**
 * Tells which libraries there may not be where the binary is to run.
 *
 * @param {Object} found what `inspect()` found
 * @return {string[]} their names
 */
function strangeLibraries({ os, libc, libraries }) {
  const known = LIBRARIES[libc ? `${os}-${libc}` : os];
  // Windows does not look at the case.
  const plain = (name) => (os === 'win32' ? name.toLowerCase() : name);

  return libraries.filter(
    (name) =>
      !known.includes(plain(name)) &&
      !(os === 'win32' && API_SET.test(plain(name)))
  );
}

/**
 * Judges what is particular to a system.
 *
 * @param {Object} found what `inspect()` found
 * @param {string} glibc the highest version of glibc's symbols
 * @return {string[]} what is wrong
 */
function systemProblems({ os, cpu, versions, isSigned, oldest }, glibc) {
  const wrong = [];
  const highest = highestGlibc(versions);

  if (highest !== undefined && !isAtLeast(glibc, highest)) {
    wrong.push(`needs glibc ${highest}, not ${glibc}`);
  }
  if (os !== 'darwin') return wrong;

  const floor = MACOS_FLOORS[cpu];

  if (!oldest || !isAtLeast(floor, oldest)) {
    wrong.push(`needs macOS ${oldest}, not ${floor}`);
  }
  // The kernel runs nothing else there.
  if (cpu === 'arm64' && !isSigned) wrong.push('is not signed');
  return wrong;
}

/**
 * Judges a binary.
 *
 * @param {Buffer} bytes the file
 * @param {string} name its name; if the loader looks for such a one, the binary
 *     has to be for that platform
 * @param {Object} [options] what is asked of it
 * @param {string} [options.glibc] the highest version of glibc's symbols
 * @return {Object} `problems`, a list of what is wrong, and what was `found`
 */
function judge(bytes, name, { glibc = GLIBC_FLOOR } = {}) {
  const found = inspect(bytes);
  const platform = platformOf(found);
  const named = /^ferrows\.(.+)\.node$/.exec(name)?.[1];
  const problems = systemProblems(found, glibc);

  if (!Object.values(PLATFORMS).includes(platform)) {
    problems.push(`is for ${platform}, which is not supported`);
  } else if (named !== undefined && named !== platform) {
    problems.push(`is for ${platform}`);
  }
  if (bytes.length >= MAX_BYTES) {
    problems.push(`has ${bytes.length} bytes, which is not below ${MAX_BYTES}`);
  }
  if (!found.isStripped) problems.push('is not stripped');
  for (const library of strangeLibraries(found)) {
    problems.push(`needs ${library}`);
  }
  if (found.exports.join() !== ENTRY) {
    problems.push(`exports ${found.exports.join(', ') || 'nothing'}`);
  }
  return { problems, found: { ...found, platform } };
}

/**
 * Describes a binary that is as it should be.
 *
 * @param {number} size its size in bytes
 * @param {Object} found what was found in it
 * @return {string} a line
 */
function describe(size, { platform, libraries, versions, oldest }) {
  const glibc = highestGlibc(versions);

  return [
    platform,
    `${size} bytes`,
    glibc && `glibc ${glibc}`,
    oldest && `macOS ${oldest}`,
    `needs ${libraries.join(' ') || 'nothing'}`
  ]
    .filter(Boolean)
    .join(', ');
}

/**
 * Checks binaries, and prints a line for each.
 *
 * @param {string[]} files their paths
 * @param {Object} [options] as `judge()` takes them
 * @throws {SetupError} that names all that is wrong
 */
function checkFiles(files, options) {
  const wrong = [];

  for (const file of files) {
    const bytes = fs.readFileSync(file);
    const { problems, found } = judge(bytes, path.basename(file), options);

    if (problems.length === 0) {
      console.log(`${file}: ${describe(bytes.length, found)}`);
    }
    wrong.push(...problems.map((problem) => `${file} ${problem}`));
  }
  if (wrong.length > 0) throw new SetupError(wrong.join('\n'));
}

if (require.main === module) {
  command(() => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { glibc: { type: 'string' } }
    });

    if (positionals.length === 0) throw new SetupError('name a file to check');
    checkFiles(positionals, values);
  });
}

module.exports = { checkFiles, highestGlibc, inspect, judge };
