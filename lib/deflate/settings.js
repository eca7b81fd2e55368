'use strict';

// From the `zlib…Options` of a user to what the addon takes. Node itself says
// whether they are right, so that its errors are those of `ws`.

const { toBuffer } = require('../buffer-util');
const { EMPTY_BUFFER } = require('../constants');

/** The window where none was negotiated. */
const DEFAULT_WINDOW_BITS = 15;

const DEFAULT_LEVEL = 6;
const DEFAULT_MEM_LEVEL = 8;

/** @type {WeakSet<Object>} options that were found to be right */
const checked = new WeakSet();

/**
 * Checks options, once.
 *
 * @param {string} create the function of `node:zlib` that they are meant for
 * @param {(Object|undefined)} options the options
 * @param {number} windowBits the window, which may come from options as well
 * @throws {(RangeError|TypeError)} what Node throws for them
 */
function check(create, options, windowBits) {
  const usual = windowBits >= 8 && windowBits <= DEFAULT_WINDOW_BITS;
  if (usual && (!options || checked.has(options))) return;
  // Only programs that give such options need the module.
  const zlib = require('node:zlib');
  zlib[create]({ ...options, windowBits }).close();
  if (typeof options === 'object') checked.add(options);
}

/**
 * @param {number} [value] an option that was found to be right
 * @param {number} fallback what stands for none
 * @return {number}
 */
function number(value, fallback) {
  return value === undefined || Number.isNaN(value) ? fallback : value;
}

/**
 * @param {*} [dictionary] an option that was found to be right
 * @return {Buffer}
 */
function bytes(dictionary) {
  return dictionary === undefined ? EMPTY_BUFFER : toBuffer(dictionary);
}

/**
 * @param {(number|undefined)} bits what was negotiated
 * @return {number}
 */
function window(bits) {
  return typeof bits === 'number' ? bits : DEFAULT_WINDOW_BITS;
}

/**
 * The arguments of the addon's `createDeflater`.
 *
 * @param {Object} [options] `zlibDeflateOptions`
 * @param {number} [windowBits] what was negotiated
 * @param {boolean} takeover whether messages may refer to those before
 * @return {Array}
 * @throws {(RangeError|TypeError)} what Node throws for the options
 */
function deflaterArguments(options, windowBits, takeover) {
  const bits = window(windowBits);
  check('createDeflateRaw', options, bits);
  const { level, memLevel, strategy, dictionary } = options ?? {};
  const wanted = number(level, DEFAULT_LEVEL);
  return [
    wanted === -1 ? DEFAULT_LEVEL : wanted,
    number(memLevel, DEFAULT_MEM_LEVEL),
    number(strategy, 0),
    bits,
    Number(takeover),
    bytes(dictionary)
  ];
}

/**
 * The arguments of the addon's `createInflater`.
 *
 * @param {Object} [options] `zlibInflateOptions`
 * @param {number} [windowBits] what was negotiated
 * @param {boolean} takeover whether messages may refer to those before
 * @param {number} maxPayload bytes of an inflated message; 0 is no limit
 * @return {Array}
 * @throws {(RangeError|TypeError)} what Node throws for the options
 */
function inflaterArguments(options, windowBits, takeover, maxPayload) {
  const bits = window(windowBits);
  check('createInflateRaw', options, bits);
  return [bits, Number(takeover), maxPayload, bytes(options?.dictionary)];
}

module.exports = { deflaterArguments, inflaterArguments };
