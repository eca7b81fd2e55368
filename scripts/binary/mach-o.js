'use strict';

// What a library of macOS says about itself: 64-bit Mach-O, for one processor.

const { textAt } = require('./text');

const MAGIC = 0xfeedfacf;

/** `cputype`. */
const MACHINES = new Map([
  [0x01000007, 'x64'],
  [0x0100000c, 'arm64']
]);

const HEADER_BYTES = 32;
const SYMBOL_BYTES = 16;

// Load commands.
const SYMTAB = 0x2;
const LOAD_DYLIB = 0xc;
const LOAD_WEAK_DYLIB = 0x80000018;
const CODE_SIGNATURE = 0x1d;
const VERSION_MIN_MACOSX = 0x24;
const BUILD_VERSION = 0x32;

// Bits of `n_type`.
const DEBUG = 0xe0;
const PRIVATE = 0x10;
const PLACE = 0x0e;
const EXTERNAL = 0x01;

/** `n_type` of the one symbol that Apple's `strip` leaves behind as its mark. */
const STRIPPED = 0x3c;

/**
 * @param {Buffer} bytes a file
 * @return {boolean} whether it is such a library, or a program
 */
function isMachO(bytes) {
  return bytes.length > HEADER_BYTES && bytes.readUInt32LE(0) === MAGIC;
}

/**
 * Splits the file's header into its load commands.
 *
 * @param {Buffer} bytes the file
 * @return {Object[]} each with its number and its bytes
 */
function commandsOf(bytes) {
  const commands = [];
  let at = HEADER_BYTES;

  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const size = bytes.readUInt32LE(at + 4);

    commands.push({
      type: bytes.readUInt32LE(at),
      body: bytes.subarray(at, at + size)
    });
    at += size;
  }
  return commands;
}

/**
 * Reads the table of symbols.
 *
 * @param {Buffer} bytes the file
 * @param {Buffer} body the load command that says where it is
 * @return {Object[]} names and `n_type` of the symbols
 */
function symbolsOf(bytes, body) {
  const table = body.readUInt32LE(8);
  const strings = body.readUInt32LE(16);

  return Array.from({ length: body.readUInt32LE(12) }, (_, i) => {
    const at = table + i * SYMBOL_BYTES;

    return {
      name: textAt(bytes, strings + bytes.readUInt32LE(at)),
      type: bytes[at + 4]
    };
  });
}

/**
 * @param {number} type `n_type` of a symbol
 * @return {boolean} whether other programs can look it up
 */
function isExported(type) {
  return (
    (type & (DEBUG | PRIVATE)) === 0 &&
    (type & EXTERNAL) !== 0 &&
    (type & PLACE) !== 0
  );
}

/**
 * @param {number} type `n_type` of a symbol
 * @return {boolean} whether nothing but a debugger has a use for it
 */
function isSuperfluous(type) {
  return type !== STRIPPED && ((type & DEBUG) !== 0 || (type & EXTERNAL) === 0);
}

/**
 * Reads the oldest macOS that the library is for.
 *
 * @param {Object[]} commands the load commands
 * @return {(string|undefined)} such as `11.0`, if it says so
 */
function oldestSystem(commands) {
  const command = commands.find(
    ({ type }) => type === BUILD_VERSION || type === VERSION_MIN_MACOSX
  );
  if (command === undefined) return;

  const { type, body } = command;
  const version = body.readUInt32LE(type === BUILD_VERSION ? 12 : 8);

  return `${version >>> 16}.${(version >>> 8) & 0xff}`;
}

/**
 * Reads a library.
 *
 * @param {Buffer} bytes the file
 * @return {Object} see `inspect()`
 */
function readMachO(bytes) {
  const commands = commandsOf(bytes);
  const symbols = commands
    .filter(({ type }) => type === SYMTAB)
    .flatMap(({ body }) => symbolsOf(bytes, body));

  return {
    os: 'darwin',
    cpu: MACHINES.get(bytes.readUInt32LE(4)),
    libraries: commands
      .filter(({ type }) => type === LOAD_DYLIB || type === LOAD_WEAK_DYLIB)
      .map(({ body }) => textAt(body, body.readUInt32LE(8))),
    // In C's names there is an underscore ahead.
    exports: symbols
      .filter(({ type }) => isExported(type))
      .map(({ name }) => name.slice(1)),
    versions: [],
    isStripped: !symbols.some(({ type }) => isSuperfluous(type)),
    isSigned: commands.some(({ type }) => type === CODE_SIGNATURE),
    oldest: oldestSystem(commands)
  };
}

module.exports = { isMachO, readMachO };
