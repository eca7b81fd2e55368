'use strict';

// The only door to the addon. It is looked at once, when the package is
// loaded: a binary that is missing, of another version or of another build
// must not be found out in the middle of a connection.

const version = require('./version');

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
  'mask',
  'parseExtensions',
  'parseSubprotocols',
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

/**
 * The error that says what to do when there is no addon to use.
 *
 * @param {string} reason what is wrong with what was found
 * @param {Error} [cause] what loading it threw
 * @return {Error} the error
 */
function unusable(reason, cause) {
  const { platform, arch, versions } = process;
  const err = new Error(
    `ferrows has no usable native addon for ${platform}-${arch} ` +
      `(Node-API ${versions.napi}): ${reason.replace(/\.$/, '')}.\n` +
      'Looked for: a file ferrows.<platform>.node beside the package, then ' +
      'the package ferrows-<platform>.\n' +
      'If the package manager left the optional dependency out, remove ' +
      'node_modules and its lockfile and install again; in a checkout of the ' +
      'sources run `node scripts/setup.js`, which needs Rust.',
    { cause }
  );
  err.code = 'FERROWS_ERR_NO_ADDON';
  return err;
}

/**
 * Loads the addon and checks it.
 *
 * @return {Object} its exports
 * @throws {Error} `FERROWS_ERR_NO_ADDON` if there is none, or not this one
 */
function load() {
  let addon;
  try {
    addon = require('../binding.js');
  } catch (err) {
    throw unusable(err.message.split('\n', 1)[0], err);
  }

  const wanted =
    process.platform === 'win32'
      ? FUNCTIONS
      : [...FUNCTIONS, ...UNIX_FUNCTIONS];
  const missing = wanted.filter((name) => typeof addon[name] !== 'function');
  if (missing.length > 0) throw unusable(`it lacks ${missing.join(', ')}`);
  if (addon.version() !== version) {
    throw unusable(
      `it is of version ${addon.version()}, the package of ${version}`
    );
  }
  return addon;
}

module.exports = load();
