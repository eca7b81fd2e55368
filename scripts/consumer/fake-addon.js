'use strict';

// Files that look like addons of other platforms, and cannot do anything.

/** `e_machine`, `cputype` and `Machine` of a processor. */
const MACHINES = {
  arm64: { elf: 183, mach: 0x0100000c, pe: 0xaa64 },
  x64: { elf: 62, mach: 0x01000007, pe: 0x8664 }
};

/**
 * Makes one.
 *
 * @param {string} platform its platform, for example `linux-arm64-musl`
 * @return {Buffer} what the file holds
 */
function fakeAddon(platform) {
  const [system, arch] = platform.split('-');
  const machine = MACHINES[arch];
  const bytes = Buffer.alloc(128);

  if (system === 'darwin') {
    bytes.writeUInt32LE(0xfeedfacf);
    bytes.writeUInt32LE(machine.mach, 4);
  } else if (system === 'win32') {
    bytes.write('MZ');
    bytes.writeUInt32LE(64, 0x3c);
    bytes.write('PE\0\0', 64);
    bytes.writeUInt16LE(machine.pe, 68);
  } else {
    // ELF, of 64 bits, little-endian, without a table of sections
    bytes.write('\x7fELF\x02\x01\x01', 'latin1');
    bytes.writeUInt16LE(3, 16);
    bytes.writeUInt16LE(machine.elf, 18);
  }
  return bytes;
}

module.exports = fakeAddon;
