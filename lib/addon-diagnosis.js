'use strict';

// Finds out why there is no addon to use.

const fs = require('node:fs');
const path = require('node:path');

const inspect = require('./addon-file');

/** What the addon's file and its packages are called, before the platform. */
const NAME = 'ferrows';

/** The executable format of a platform; ELF on all others. */
const FORMATS = { darwin: 'mach-o', win32: 'pe' };

/** A platform that a format stands for, to name it. */
const SYSTEMS = { elf: 'Linux', 'mach-o': 'macOS', pe: 'Windows' };

/**
 * What dynamic linkers say of a file for the other C library. That of musl has
 * several names; `libc.so` is a text for the linker where glibc is.
 */
const FOR_MUSL = /libc\.musl-|ld-musl-|\blibc\.so: /;
const FOR_GLIBC = /ld-linux|libc\.so\.6|__\w+_chk: symbol not found/;

/** What glibc's says when it is too old. */
const NEWER_GLIBC = /version `(GLIBC_[\d.]+)' not found/;

/** What Node says when it must not load addons. */
const DISABLED = /ERR_DLOPEN_DISABLED|loading addons is disabled/;

const REINSTALL =
  'Remove node_modules and install again on the system that runs the program';

/**
 * What went wrong, and where.
 *
 * @typedef {Object} Facts
 * @property {string} directory the package's own
 * @property {?Object} manifest its package.json; null in a bundle
 * @property {string} platform as `process.platform`
 * @property {string} arch as `process.arch`
 * @property {string} libc for example `glibc 2.36` or `musl`; '' where there is
 *     but one
 * @property {?string} override the value of NAPI_RS_NATIVE_LIBRARY_PATH
 * @property {{file: string, error: ?Error}[]} tried what was given to
 *     `process.dlopen()`
 * @property {?Error} cause what the generated loader threw
 * @property {?string} mismatch what is wrong with the addon that was loaded
 */

/**
 * A finding: a name for it, and a sentence each for what is wrong and for what
 * to do, without the full stop.
 *
 * @typedef {{reason: string, problem: string, remedy: ?string,
 *     buildable: (boolean|undefined)}} Finding
 */

/**
 * Finds out what is wrong.
 *
 * @param {Facts} facts what went wrong
 * @return {Finding} it
 */
function diagnose(facts) {
  const { tried, cause, mismatch } = facts;
  const last = tried[tried.length - 1];

  if (mismatch) return ofAnotherBuild(facts, last);
  if (DISABLED.test(messages(cause))) return disabled();
  if (last?.error) return unloadable(facts, last);
  return notThere(facts);
}

/**
 * Collects what an error and its causes say, the latest first.
 *
 * @param {?Error} err the error
 * @return {string} their messages, one a line
 */
function messages(err) {
  let text = '';

  for (let depth = 0; err && depth < 100; err = err.cause, depth++) {
    text += `${err.code || ''} ${err.message}\n`;
  }
  return text;
}

/**
 * The addon was loaded, and is not that of this version.
 *
 * @param {Facts} facts what went wrong
 * @param {?Object} last the file that was loaded, if it is known
 * @return {Finding} that
 */
function ofAnotherBuild(facts, last) {
  const file = last ? last.file : 'the one that was found';

  return {
    reason: 'version',
    problem: `${file} ${facts.mismatch}`,
    remedy: replacing(facts, file)
  };
}

/** @return {Finding} that Node was started without leave to load addons */
function disabled() {
  return {
    reason: 'disabled',
    problem: 'Node.js was started in a way that forbids to load addons',
    remedy: 'Give it --allow-addons beside --permission, and not --no-addons',
    buildable: false
  };
}

/**
 * There is a file which cannot be loaded.
 *
 * @param {Facts} facts what went wrong
 * @param {{file: string, error: Error}} last the file, and why not
 * @return {Finding} what is the matter with it
 */
function unloadable(facts, { file, error }) {
  const found = describe(file);
  const said = error.message;
  const format = FORMATS[facts.platform] || 'elf';
  const remedy = replacing(facts, file);
  const [, symbol] = NEWER_GLIBC.exec(said) || [];

  if (found?.size === 0) return damaged(`${file} is empty`, remedy);
  if (found?.format === null) {
    return damaged(`${file} is not a shared library`, remedy);
  }
  if (found && !found.complete) {
    return damaged(`${file} is cut off after ${found.size} bytes`, remedy);
  }
  if (found && found.format !== format) {
    return forOther(`${file} is for ${SYSTEMS[found.format]}`, remedy);
  }
  if (found?.arch && found.arch !== facts.arch) {
    return forOther(`${file} is for ${found.arch} processors`, remedy);
  }
  if (symbol) {
    return {
      reason: 'libc-version',
      problem: `${file} needs ${symbol}, and this system has ${facts.libc}`,
      remedy: 'Use a system with a newer glibc'
    };
  }
  if (facts.libc !== 'musl' && FOR_MUSL.test(said)) {
    return forOther(`${file} is for musl`, remedy);
  }
  if (facts.libc === 'musl' && FOR_GLIBC.test(said)) {
    return forOther(`${file} is for glibc`, remedy);
  }
  return {
    reason: 'unloadable',
    problem: `${file} cannot be loaded (${firstLine(said)})`,
    remedy
  };
}

/**
 * The file is not what was published.
 *
 * @param {string} problem what is wrong with it
 * @param {string} remedy what to do
 * @return {Finding} that
 */
function damaged(problem, remedy) {
  return { reason: 'damaged', problem, remedy };
}

/**
 * The file is for a system of another kind.
 *
 * @param {string} problem what it is for
 * @param {string} remedy what to do
 * @return {Finding} that
 */
function forOther(problem, remedy) {
  return { reason: 'other-platform', problem, remedy };
}

/**
 * Describes a file that could not be loaded.
 *
 * @param {string} file its path
 * @return {?Object} what `inspect()` says, if the file can be read
 */
function describe(file) {
  try {
    return inspect(file);
  } catch {
    return null;
  }
}

/**
 * Says how to get the right file in the place of a wrong one, which depends on
 * who put it there.
 *
 * @param {Facts} facts what went wrong
 * @param {string} file the wrong one
 * @return {?string} what to do
 */
function replacing({ directory, manifest, override }, file) {
  if (override) return unset(override);
  // In a bundle there is nothing that an installation would replace.
  if (!manifest) return 'Copy the file of this system there again';
  // In a checkout there is nothing to install; building replaces the file.
  if (!manifest.optionalDependencies) return null;
  // Packages bring none there: it was built, or copied.
  if (path.dirname(file) === directory)
    return 'Remove this file and install again';
  return REINSTALL;
}

/**
 * Says what to do about the variable that names an addon.
 *
 * @param {string} override its value
 * @return {string} what to do
 */
function unset(override) {
  return `Unset NAPI_RS_NATIVE_LIBRARY_PATH, which is ${override}, or correct it`;
}

/**
 * Nothing was given to `process.dlopen()`: there is no file, or this runtime
 * loads addons in another way.
 *
 * @param {Facts} facts what went wrong
 * @return {Finding} why there is none
 */
function notThere(facts) {
  const { directory, manifest, platform, override, cause } = facts;
  const said = messages(cause);

  if (override) return notAtOverride(override, cause);

  const [, name] =
    new RegExp(`${NAME}[.-](${platform}-[a-z0-9-]+)`).exec(said) || [];

  if (!name) return noneFor(said, cause);

  const wanted = `${NAME}-${name}`;
  const file = path.join(directory, `${NAME}.${name}.node`);
  const published = Object.keys(manifest?.optionalDependencies || {});
  const places = published
    .map((other) => [other, findPackage(directory, other)])
    .filter(([, place]) => place !== null);
  const others = places.map(([other]) => other);
  const place = new Map(places).get(wanted);
  const there = [file, place && path.join(place, path.basename(file))].find(
    (candidate) => candidate && fs.existsSync(candidate)
  );

  if (there) return unloadable(facts, { file: there, error: culprit(said) });
  if (!manifest) {
    return {
      reason: 'bundled',
      problem: `the bundle comes without ${path.basename(file)} and ${wanted}`,
      remedy:
        'Leave ferrows out of the bundle and install it, or have the bundler ' +
        'copy that file'
    };
  }
  // A checkout of the sources, which no package manager has completed.
  if (published.length === 0) {
    return { reason: 'not-built', problem: `there is no ${file}` };
  }
  if (!published.includes(wanted)) {
    const names = published.map((other) => other.slice(NAME.length + 1));

    return {
      reason: 'unsupported',
      problem: `no package is made for ${name}, only for ${names.join(', ')}`
    };
  }
  if (place)
    return damaged(`${place} has no ${path.basename(file)}`, REINSTALL);
  if (others.length > 0) {
    return forOther(
      `${others.join(', ')} is installed, but not ${wanted}`,
      REINSTALL
    );
  }
  return {
    reason: 'not-installed',
    problem: `the package ${wanted} is not installed, and there is no ${file}`,
    remedy:
      'Install again, with optional dependencies; if npm leaves it out still, ' +
      'remove node_modules and package-lock.json first'
  };
}

/**
 * The file that a variable names is not there, or not taken for an addon.
 *
 * @param {string} override the variable's value
 * @param {Error} cause what the loader threw; it looks there before all else
 * @return {Finding} that
 */
function notAtOverride(override, cause) {
  let first = cause;

  while (first.cause) first = first.cause;
  return {
    reason: 'unloadable',
    problem: `${override} cannot be loaded (${firstLine(first.message)})`,
    remedy: unset(override)
  };
}

/**
 * Finds the message that is not about a missing module.
 *
 * @param {string} said all messages
 * @return {Error} one with that message
 */
function culprit(said) {
  const lines = said.split('\n').slice(1);
  const other = lines.find((line) => !/cannot find|^\s*$/i.test(line));

  return new Error((other || lines[0]).trim());
}

/**
 * The loader looked for nothing.
 *
 * @param {string} said all messages
 * @param {Error} cause what it threw
 * @return {Finding} why
 */
function noneFor(said, cause) {
  const [unsupported] = /Unsupported (?:OS|architecture).*/.exec(said) || [];

  if (unsupported) {
    return { reason: 'unsupported', problem: firstLine(unsupported) };
  }
  return {
    reason: 'unloadable',
    problem: `the loader failed (${firstLine(cause?.message)})`
  };
}

/**
 * Finds a package where package managers put those that this one depends on.
 *
 * @param {string} directory this package's own
 * @param {string} name the other package
 * @return {?string} its directory, if it is there
 */
function findPackage(directory, name) {
  const places = [
    path.join(directory, '..', name),
    path.join(directory, 'node_modules', name)
  ];

  return (
    places.find((place) => fs.existsSync(path.join(place, 'package.json'))) ??
    null
  );
}

/**
 * Shortens what others have to say.
 *
 * @param {string} [text='unknown'] some lines
 * @return {string} the first, without a full stop
 */
function firstLine(text = 'unknown') {
  return text.split('\n', 1)[0].replace(/\.$/, '');
}

module.exports = diagnose;
