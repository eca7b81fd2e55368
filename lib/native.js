'use strict';

// The only door to the addon. It is looked at once, when the package is
// loaded: a binary that is missing, of another version or of another build
// must not be found out in the middle of a connection.

const version = require('./version');
const inspect = require('./addon-file');

/** What the addon has to export. */
const FUNCTIONS = [
  'acceptKey',
  'checkUpgrade',
  'createDecoder',
  'createDeflater',
  'createInflater',
  'decode',
  'deflate',
  'encode',
  'encodeHeader',
  'encodeNew',
  'hold',
  'isValidUtf8',
  'jobsSilence',
  'mask',
  'parseExtensions',
  'parseSubprotocols',
  'poolThreads',
  'randomKey',
  'releaseDeflater',
  'releaseInflater',
  'setInflater',
  'startDecompress',
  'startDeflate',
  'startInflate',
  'submitJobs',
  'take',
  'takeFinished',
  'unmask',
  'version',
  'watchJobs'
];

/** What it has to export where sockets have descriptors. */
const UNIX_FUNCTIONS = [
  'adopt',
  'bytesRead',
  'bytesWritten',
  'fill',
  'flushAll',
  'flushOne',
  'holdLoop',
  'keep',
  'keepBytes',
  'openLoop',
  'pauseReading',
  'release',
  'remoteAdopt',
  'remoteAppend',
  'remoteAwait',
  'remoteBytesRead',
  'remoteBytesWritten',
  'remoteFill',
  'remoteFlush',
  'remoteHold',
  'remoteKeep',
  'remoteOpen',
  'remotePause',
  'remoteRelease',
  'remoteResume',
  'remoteUnsent',
  'remoteWrite',
  'resumeReading',
  'send',
  'sendUncopied',
  'takeUnsent'
];

/** How many missing functions an error names. */
const NAMED = 3;

/**
 * Calls the generated loader, and watches which files it gives to the system.
 * A file without its end is kept from it: the dynamic linker does not notice,
 * and a signal ends the process (SIGBUS).
 *
 * @param {Object[]} tried where to put the files, and their errors
 * @return {Object} what the loader gives
 * @throws {Error} what it throws
 */
function loadWatched(tried) {
  const { dlopen } = process;
  const watch = (module, ...args) => {
    const [name] = args;
    // Node gives Windows another form of the path.
    const attempt = { file: name.replace(/^\\\\\?\\/, ''), error: null };

    tried.push(attempt);
    try {
      if (isCutOff(name)) throw new Error(`${name}: file too short`);
      return dlopen.call(process, module, ...args);
    } catch (err) {
      attempt.error = err;
      throw err;
    }
  };

  // A process object that cannot be changed is no reason to fail.
  Reflect.set(process, 'dlopen', watch);
  try {
    return require('../binding.js');
  } finally {
    // Somebody else may have put a function of theirs there meanwhile.
    if (process.dlopen === watch) Reflect.set(process, 'dlopen', dlopen);
  }
}

/**
 * Tells whether the end of a file is missing.
 *
 * @param {string} file its path
 * @return {boolean} true if so; false if nobody knows
 */
function isCutOff(file) {
  try {
    return !inspect(file).complete;
  } catch {
    return false;
  }
}

/**
 * Says what is wrong with an addon.
 *
 * @param {Object} addon its exports
 * @return {string} how it differs from that of this version; '' if it does not
 */
function compare(addon) {
  const wanted =
    process.platform === 'win32'
      ? FUNCTIONS
      : [...FUNCTIONS, ...UNIX_FUNCTIONS];
  const missing = wanted.filter((name) => typeof addon[name] !== 'function');
  const found = missing.includes('version') ? 'another' : addon.version();

  if (found !== version) {
    return `is of version ${found}, the package of ${version}`;
  }
  if (missing.length === 0) return '';

  const names = missing.slice(0, NAMED).join(', ');
  const more =
    missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';

  return `is of another build of ${version}, without ${names}${more}`;
}

/**
 * The error that says what to do when there is no addon to use.
 *
 * @param {Object} failure what went wrong
 * @return {Error} the error
 */
function unusable(failure) {
  return require('./addon-error').addonError(failure);
}

/**
 * Loads the addon and checks it.
 *
 * @return {Object} its exports
 * @throws {Error} `FERROWS_ERR_NO_ADDON` if there is none, or not this one
 */
function load() {
  const tried = [];
  let addon;

  try {
    addon = loadWatched(tried);
  } catch (cause) {
    throw unusable({ tried, cause });
  }

  const mismatch = compare(addon);

  if (mismatch !== '') throw unusable({ tried, mismatch });
  return addon;
}

module.exports = load();
