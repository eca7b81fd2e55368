'use strict';

// What a shared library of Linux or FreeBSD says about itself: 64-bit ELF, with
// the lowest byte first. Linkers leave the table of sections, which is simpler
// to follow than what the loader reads.

const { textAt } = require('./text');

/** `e_machine`. */
const MACHINES = new Map([
  [62, 'x64'],
  [183, 'arm64']
]);

// `sh_type`.
const SYMTAB = 2;
const DYNAMIC = 6;
const DYNSYM = 11;
const VERNEED = 0x6ffffffe;

/** `d_tag` of a library that is needed. */
const NEEDED = 1;

/** `vna_flags`: nothing but weak references ask for this version. */
const WEAK_VERSION = 2;

const SYMBOL_BYTES = 24;
const DYNAMIC_BYTES = 16;

/**
 * @param {Buffer} bytes a file
 * @return {boolean} whether it is such a library
 */
function isElf(bytes) {
  return bytes.subarray(0, 6).equals(Buffer.from('\x7fELF\x02\x01', 'latin1'));
}

/**
 * Reads the table of sections.
 *
 * @param {Buffer} bytes the file
 * @return {Object[]} the sections, in order; `link` is the index of another
 */
function sectionsOf(bytes) {
  const table = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  const count = bytes.readUInt16LE(60);

  return Array.from({ length: count }, (_, i) => {
    const header = bytes.subarray(table + i * size);

    return {
      name: header.readUInt32LE(0),
      type: header.readUInt32LE(4),
      offset: Number(header.readBigUInt64LE(24)),
      size: Number(header.readBigUInt64LE(32)),
      link: header.readUInt32LE(40)
    };
  });
}

/**
 * Reads the libraries that the loader has to find.
 *
 * @param {Buffer} bytes the file
 * @param {Object} section the dynamic section
 * @param {number} strings where its strings begin
 * @return {string[]} their names
 */
function librariesOf(bytes, { offset, size }, strings) {
  const names = [];

  for (let at = offset; at < offset + size; at += DYNAMIC_BYTES) {
    if (bytes.readBigInt64LE(at) === BigInt(NEEDED)) {
      names.push(
        textAt(bytes, strings + Number(bytes.readBigUInt64LE(at + 8)))
      );
    }
  }
  return names;
}

/**
 * Reads the names that other programs can look up.
 *
 * @param {Buffer} bytes the file
 * @param {Object} section the dynamic symbols
 * @param {number} strings where their names begin
 * @return {string[]} the names
 */
function exportsOf(bytes, { offset, size }, strings) {
  const names = [];

  for (let at = offset; at < offset + size; at += SYMBOL_BYTES) {
    const isLocal = bytes[at + 4] >> 4 === 0;
    const isDefined = bytes.readUInt16LE(at + 6) !== 0;

    if (isDefined && !isLocal) {
      names.push(textAt(bytes, strings + bytes.readUInt32LE(at)));
    }
  }
  return names;
}

/**
 * Reads the versions of symbols without which the loader refuses the file.
 *
 * @param {Buffer} bytes the file
 * @param {Object} section the versions that are needed
 * @param {number} strings where their names begin
 * @return {string[]} such as `GLIBC_2.17`; one may come from several libraries
 */
function versionsOf(bytes, { offset }, strings) {
  const names = [];

  for (let at = offset, next = -1; next !== 0; at += next) {
    let entry = at + bytes.readUInt32LE(at + 8);

    for (let left = bytes.readUInt16LE(at + 2); left > 0; left--) {
      if ((bytes.readUInt16LE(entry + 4) & WEAK_VERSION) === 0) {
        names.push(textAt(bytes, strings + bytes.readUInt32LE(entry + 8)));
      }
      entry += bytes.readUInt32LE(entry + 12);
    }
    next = bytes.readUInt32LE(at + 12);
  }
  return names;
}

/**
 * Names the system that a library is for, by the C library it needs.
 *
 * @param {string[]} libraries what it needs
 * @return {Object} `os`, and on Linux `libc`
 */
function systemOf(libraries) {
  if (libraries.includes('libc.so.7')) return { os: 'freebsd' };
  return {
    os: 'linux',
    libc: libraries.includes('libc.so.6') ? 'gnu' : 'musl'
  };
}

/**
 * Reads a library.
 *
 * @param {Buffer} bytes the file
 * @return {Object} see `inspect()`
 */
function readElf(bytes) {
  const sections = sectionsOf(bytes);
  const names = sections[bytes.readUInt16LE(62)].offset;
  const isDebug = ({ name }) =>
    textAt(bytes, names + name).startsWith('.debug');

  /** Gives a section to a reader; without one there is nothing to read. */
  const from = (type, read) => {
    const section = sections.find((each) => each.type === type);

    return section ? read(bytes, section, sections[section.link].offset) : [];
  };
  const libraries = from(DYNAMIC, librariesOf);

  return {
    ...systemOf(libraries),
    cpu: MACHINES.get(bytes.readUInt16LE(18)),
    libraries,
    exports: from(DYNSYM, exportsOf),
    versions: from(VERNEED, versionsOf),
    isStripped: !sections.some((each) => each.type === SYMTAB || isDebug(each))
  };
}

module.exports = { isElf, readElf };
