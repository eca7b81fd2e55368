'use strict';

// What a shared library says of itself in its first bytes, whatever platform it
// is for.

const fs = require('node:fs');

/** How much of a file is read; all headers' fixed parts are within it. */
const HEAD = 4096;

/** `e_machine` of ELF, in Node's terms. */
const ELF_MACHINES = {
  3: 'ia32',
  8: 'mips',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64'
};

/** `cputype` of Mach-O. */
const MACH_MACHINES = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

/** `Machine` of PE. */
const PE_MACHINES = { 0x14c: 'ia32', 0x8664: 'x64', 0xaa64: 'arm64' };

/**
 * Describes a file.
 *
 * @param {string} file its path
 * @return {{format: ?string, arch: ?string, size: number, complete: boolean}}
 *     `'elf'`, `'mach-o'` or `'pe'`, and null for anything else; the processor,
 *     in Node's terms; the size in bytes; and false if the end is missing
 * @throws {Error} if it cannot be read
 */
function inspect(file) {
  const fd = fs.openSync(file, 'r');

  try {
    const { size } = fs.fstatSync(fd);
    const head = Buffer.alloc(HEAD);

    fs.readSync(fd, head, 0, HEAD, 0);
    return { size, complete: size > 0, ...describe(head, size) };
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Describes the beginning of a file.
 *
 * @param {Buffer} head its first bytes, zeros after its end
 * @param {number} size its size
 * @return {Object} `format`, `arch` and perhaps `complete`
 */
function describe(head, size) {
  switch (head.readUInt32BE(0)) {
    case 0x7f454c46:
      return describeElf(head, size);
    case 0xcffaedfe:
      return { format: 'mach-o', arch: MACH_MACHINES[head.readUInt32LE(4)] };
    // of several processors
    case 0xcafebabe:
      return { format: 'mach-o', arch: null };
  }

  const pe = head.readUInt32LE(0x3c);

  if (
    head.readUInt16BE(0) === 0x4d5a &&
    pe < HEAD - 6 &&
    head.readUInt32BE(pe) === 0x50450000
  ) {
    return { format: 'pe', arch: PE_MACHINES[head.readUInt16LE(pe + 4)] };
  }
  return { format: null, arch: null };
}

/**
 * Describes an ELF file. The table of sections ends it, so a file that is
 * shorter has lost its end.
 *
 * @param {Buffer} head its first bytes
 * @param {number} size its size
 * @return {Object} `format`, `arch` and `complete`
 */
function describeElf(head, size) {
  const little = head[5] === 1;
  const half = (at) => (little ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const arch = ELF_MACHINES[half(18)];

  // of 32 bits
  if (head[4] !== 2) return { format: 'elf', arch, complete: true };

  const sections = little ? head.readBigUInt64LE(40) : head.readBigUInt64BE(40);
  const end = Number(sections) + half(58) * half(60);

  return { format: 'elf', arch, complete: size >= Math.max(end, 64) };
}

module.exports = inspect;
