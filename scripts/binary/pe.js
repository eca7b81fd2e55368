'use strict';

// What a DLL of 64-bit Windows says about itself: PE32+.

const { textAt } = require('./text');

/** `Machine`. */
const MACHINES = new Map([
  [0x8664, 'x64'],
  [0xaa64, 'arm64']
]);

/** Where the COFF header ends and the optional header begins. */
const COFF_BYTES = 24;

/** Where the data directories are in the optional header. */
const DIRECTORIES = 112;

// Numbers of directories.
const EXPORTS = 0;
const IMPORTS = 1;
const DELAYED_IMPORTS = 13;

const SECTION_BYTES = 40;

/**
 * @param {Buffer} bytes a file
 * @return {boolean} whether it is such a DLL, or a program
 */
function isPe(bytes) {
  if (bytes.toString('latin1', 0, 2) !== 'MZ') return false;

  const start = bytes.readUInt32LE(0x3c);

  return (
    bytes.toString('latin1', start, start + 4) === 'PE\0\0' &&
    bytes.readUInt16LE(start + COFF_BYTES) === 0x20b
  );
}

/** A file, and where it is in memory when it is loaded. */
class Image {
  /** @param {Buffer} bytes the file */
  constructor(bytes) {
    this.bytes = bytes;
    this.start = bytes.readUInt32LE(0x3c);
    this.sections = this.readSections();
  }

  /** @return {Object[]} the table of sections */
  readSections() {
    const { bytes, start } = this;
    const table = start + COFF_BYTES + bytes.readUInt16LE(start + 20);

    return Array.from({ length: bytes.readUInt16LE(start + 6) }, (_, i) => {
      const header = bytes.subarray(table + i * SECTION_BYTES);

      return {
        name: header.toString('latin1', 0, 8),
        address: header.readUInt32LE(12),
        size: header.readUInt32LE(16),
        offset: header.readUInt32LE(20)
      };
    });
  }

  /**
   * Finds what is at an address in memory.
   *
   * @param {number} address the address, from the image's base
   * @return {number} where it is in the file
   */
  offsetOf(address) {
    const section = this.sections.find(
      (each) => address >= each.address && address < each.address + each.size
    );

    return section.offset + address - section.address;
  }

  /**
   * Finds one of the tables that the loader uses.
   *
   * @param {number} index the number of the directory
   * @return {(number|undefined)} where it is in the file, if there is one
   */
  directory(index) {
    const at = this.start + COFF_BYTES + DIRECTORIES + 8 * index;
    const address = this.bytes.readUInt32LE(at);

    return address === 0 ? undefined : this.offsetOf(address);
  }

  /**
   * Reads the names in a table of DLLs, which ends with an entry without one.
   *
   * @param {number} index the number of the directory
   * @param {number} size of an entry
   * @param {number} field where the name's address is in an entry
   * @return {string[]} the names
   */
  imports(index, size, field) {
    const names = [];
    let at = this.directory(index);

    if (at === undefined) return names;
    for (;;) {
      const name = this.bytes.readUInt32LE(at + field);

      if (name === 0) return names;
      names.push(textAt(this.bytes, this.offsetOf(name)));
      at += size;
    }
  }

  /** @return {string[]} the names that other programs can look up */
  exports() {
    const at = this.directory(EXPORTS);
    if (at === undefined) return [];

    const count = this.bytes.readUInt32LE(at + 24);
    const table = this.offsetOf(this.bytes.readUInt32LE(at + 32));

    return Array.from({ length: count }, (_, i) =>
      textAt(this.bytes, this.offsetOf(this.bytes.readUInt32LE(table + 4 * i)))
    );
  }
}

/**
 * Reads a DLL.
 *
 * @param {Buffer} bytes the file
 * @return {Object} see `inspect()`
 */
function readPe(bytes) {
  const image = new Image(bytes);
  // Names that are longer than a header has room for are in the symbols' table.
  const hasSymbols = bytes.readUInt32LE(image.start + 12) !== 0;
  const isDebug = ({ name }) => name.startsWith('.debug');

  return {
    os: 'win32',
    cpu: MACHINES.get(bytes.readUInt16LE(image.start + 4)),
    libraries: [
      ...image.imports(IMPORTS, 20, 12),
      ...image.imports(DELAYED_IMPORTS, 32, 4)
    ],
    exports: image.exports(),
    versions: [],
    isStripped: !hasSymbols && !image.sections.some(isDebug)
  };
}

module.exports = { isPe, readPe };
