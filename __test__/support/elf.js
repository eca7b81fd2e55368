'use strict';

// Changes a shared library the way tests need it: into one that another system
// would want. Only little-endian ELF files of 64 bits.

/**
 * Reads the table of sections.
 *
 * @param {Buffer} elf the library
 * @return {Map<number, {offset: number, size: number}[]>} sections by their
 *     type
 */
function sections(elf) {
  const table = Number(elf.readBigUInt64LE(40));
  const found = new Map();

  for (let i = 0; i < elf.readUInt16LE(60); i++) {
    const at = table + i * elf.readUInt16LE(58);
    const type = elf.readUInt32LE(at + 4);

    if (!found.has(type)) found.set(type, []);
    found.get(type).push({
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32))
    });
  }
  return found;
}

/**
 * Makes a library need another one.
 *
 * @param {Buffer} elf the library, which is changed
 * @param {string} name the other one
 */
function need(elf, name) {
  const found = sections(elf);
  const [strings] = found.get(3);
  const [dynamic] = found.get(6);
  // The name of its entry point gives the room: nobody reads that before all
  // libraries are there.
  const room = 'napi_register_module_v1\0';
  const at = elf.indexOf(room, strings.offset);

  if (at === -1 || name.length >= room.length) throw new Error('no room');
  elf.write(`${name}\0`, at);

  for (let entry = dynamic.offset; ; entry += 16) {
    const tag = elf.readBigUInt64LE(entry);

    if (tag === 0n) throw new Error('it needs no library');
    // DT_NEEDED
    if (tag === 1n) {
      elf.writeBigUInt64LE(BigInt(at - strings.offset), entry + 8);
      return;
    }
  }
}

/**
 * Makes a library want a version of glibc that does not exist.
 *
 * @param {Buffer} elf the library, which is changed
 * @return {string} that version
 */
function wantNewerGlibc(elf) {
  const [strings] = sections(elf).get(3);
  const text = elf.toString(
    'latin1',
    strings.offset,
    strings.offset + strings.size
  );
  const { 0: version, index } = /GLIBC_\d\.\d+/.exec(text);
  const newer = version.replace(/\d/g, '9');

  elf.write(newer, strings.offset + index);
  return newer;
}

/**
 * Makes a library one for another processor.
 *
 * @param {Buffer} elf the library, which is changed
 * @return {string} the processor, in Node's terms
 */
function changeMachine(elf) {
  const isX64 = elf.readUInt16LE(18) === 62;

  elf.writeUInt16LE(isX64 ? 183 : 62, 18);
  return isX64 ? 'arm64' : 'x64';
}

module.exports = { changeMachine, need, wantNewerGlibc };
