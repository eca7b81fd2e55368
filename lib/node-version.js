'use strict';

// Looked at before any other file, some of which an old Node.js cannot even
// parse. So this file and index.js are written in the syntax of 2015.

/** The lowest major version of Node.js, that of `engines` in package.json. */
const NODE = 18;

/** The lowest version of Node-API, that of the addon's features. */
const NODE_API = 8;

/**
 * Stops a runtime that is too old.
 *
 * @param {Object} versions its versions, as in `process.versions`
 * @throws {Error} `FERROWS_ERR_NO_ADDON` if it is
 */
function ensureVersion(versions) {
  let lack = '';

  if (parseInt(versions.node, 10) < NODE) {
    lack = `Node.js ${NODE} or newer, and this is Node.js ${versions.node}`;
  } else if (parseInt(versions.napi, 10) < NODE_API) {
    lack = `Node-API ${NODE_API} or newer, and this has ${versions.napi}`;
  }
  if (lack === '') return;

  const err = new Error(
    `ferrows needs ${lack} (${process.execPath}).\n` +
      'Run the program with a newer Node.js: https://nodejs.org'
  );
  err.code = 'FERROWS_ERR_NO_ADDON';
  err.reason = 'node-version';
  throw err;
}

module.exports = { NODE, ensureVersion };
