'use strict';

// The error that is thrown where there is no addon to use, in words that a person
// can act on. Loaded only then. docs/install.md lists the messages.

const fs = require('node:fs');
const path = require('node:path');

const diagnose = require('./addon-diagnosis');

/**
 * Makes the error.
 *
 * @param {Object} failure what `load()` in native.js knows
 * @param {{file: string, error: ?Error}[]} failure.tried what was given to
 *     `process.dlopen()`
 * @param {Error} [failure.cause] what the generated loader threw
 * @param {string} [failure.mismatch] what is wrong with the addon that was loaded
 * @return {Error} one with `code`, `reason` and `cause`
 */
function addonError(failure) {
  const { platform, arch } = process;
  // A bundler may have moved this file into a module, which has no such name.
  const directory =
    typeof __dirname === 'string' ? path.join(__dirname, '..') : process.cwd();

  return explain({
    ...failure,
    directory,
    manifest: readManifest(directory),
    platform,
    arch,
    libc: libc(),
    override: process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  });
}

/**
 * Reads the package's manifest.
 *
 * @param {string} directory where it should be
 * @return {?Object} the manifest; null where the package is part of a bundle
 */
function readManifest(directory) {
  try {
    const manifest = JSON.parse(
      fs.readFileSync(path.join(directory, 'package.json'), 'utf8')
    );

    return manifest.napi?.packageName === 'ferrows' ? manifest : null;
  } catch {
    return null;
  }
}

/**
 * Names the C library of this process.
 *
 * @return {string} for example `glibc 2.36` or `musl`; '' if it is neither
 */
function libc() {
  if (process.platform !== 'linux' || !process.report?.getReport) return '';

  const { excludeNetwork } = process.report;

  // Looking up the names of open sockets' peers would take time.
  process.report.excludeNetwork = true;
  try {
    const { glibcVersionRuntime } = process.report.getReport().header;

    return glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'musl';
  } finally {
    process.report.excludeNetwork = excludeNetwork;
  }
}

/**
 * Puts what went wrong into words.
 *
 * @param {Facts} facts what went wrong
 * @return {Error} one with `code`, `reason` and `cause`
 */
function explain(facts) {
  const { platform, arch, libc, cause } = facts;
  const { reason, problem, remedy, buildable = true } = diagnose(facts);
  const system = `${platform}-${arch}${libc && `, ${libc}`}`;
  const build = buildable ? buildCommand(facts.directory) : null;
  const ways = [remedy, build && `build it here, which needs Rust: ${build}`];
  const advice = ways.filter(Boolean).join('; or ');

  const err = new Error(
    `ferrows has no native addon to use on this system (${system}, ` +
      `${runtime(process.versions)}): ${problem}.` +
      (advice && `\n${advice[0].toUpperCase()}${advice.slice(1)}`),
    { cause }
  );
  err.code = 'FERROWS_ERR_NO_ADDON';
  err.reason = reason;
  return err;
}

/**
 * Names what runs the program.
 *
 * @param {Object} versions as `process.versions`
 * @return {string} its name and version
 */
function runtime({ bun, deno, node }) {
  if (bun) return `Bun ${bun}`;
  return deno ? `Deno ${deno}` : `Node.js ${node}`;
}

/**
 * Writes down the command that builds the addon.
 *
 * @param {string} directory the package's own
 * @return {?string} the command, if the script is there
 */
function buildCommand(directory) {
  const script = path.join(directory, 'scripts', 'build.js');

  // A package in an archive, as Yarn keeps it, is no place to build in.
  if (/\.zip[\\/]/.test(script) || !fs.existsSync(script)) return null;
  return `node ${/\s/.test(script) ? `"${script}"` : script}`;
}

module.exports = { addonError, explain };
