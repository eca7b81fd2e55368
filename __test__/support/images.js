'use strict';

// Shared libraries of other systems, as small as they can be: headers without
// any code, for what reads them.

/** The one name that an addon exports. */
const ENTRY = 'napi_register_module_v1';

/**
 * Writes strings behind each other, each with a zero byte at its end.
 *
 * @param {string[]} list the strings
 * @return {{bytes: Buffer, offsets: number[]}} the bytes, and where each begins
 */
function table(list) {
  const offsets = [];
  let length = 0;

  for (const text of list) {
    offsets.push(length);
    length += text.length + 1;
  }
  return {
    bytes: Buffer.from(list.map((text) => `${text}\0`).join('')),
    offsets
  };
}

/**
 * Makes numbers of 32 bits, the lowest byte first.
 *
 * @param {...number} numbers the numbers
 * @return {Buffer} four bytes for each
 */
function words(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);

  numbers.forEach((number, i) => bytes.writeUInt32LE(number, 4 * i));
  return bytes;
}

/**
 * Makes a library of macOS.
 *
 * @param {Object} [options] what it is to be like
 * @param {boolean} [options.isSigned]
 * @param {string[]} [options.libraries] paths of what it needs
 * @param {number[]} [options.oldest] major and minor version of the system
 * @param {Object[]} [options.symbols] `name` and `type` of each
 * @return {Buffer} the file
 */
function machO({
  isSigned = true,
  libraries = ['/usr/lib/libSystem.B.dylib'],
  oldest: [major, minor] = [11, 0],
  symbols = [{ name: `_${ENTRY}`, type: 0x0f }]
} = {}) {
  const names = table(symbols.map(({ name }) => name));
  const commands = [
    words(0x32, 24, 1, (major << 16) | (minor << 8), 0, 0),
    ...libraries.map((name) => {
      const path = Buffer.alloc((name.length + 8) & ~7);

      path.write(name);
      return Buffer.concat([words(0xc, 24 + path.length, 24, 0, 0, 0), path]);
    }),
    ...(isSigned ? [words(0x1d, 16, 0, 0)] : [])
  ];
  const size = commands.reduce((sum, { length }) => sum + length, 24);
  const start = 32 + size;
  const strings = start + 16 * symbols.length;

  return Buffer.concat([
    words(0xfeedfacf, 0x0100000c, 0, 6, commands.length + 1, size, 0, 0),
    ...commands,
    words(2, 24, start, symbols.length, strings, names.bytes.length),
    ...symbols.map(({ type }, i) => words(names.offsets[i], type, 0, 0)),
    names.bytes
  ]);
}

/**
 * Makes a DLL of Windows.
 *
 * @param {Object} [options] what it is to be like
 * @param {string[]} [options.exported] what it exports
 * @param {string[]} [options.delayed] DLLs it needs as soon as it uses them
 * @param {string[]} [options.libraries] DLLs it needs
 * @param {number} [options.symbols] where its symbols are
 * @return {Buffer} the file
 */
function pe({
  exported = [ENTRY],
  delayed = [],
  libraries = ['KERNEL32.dll'],
  symbols = 0
} = {}) {
  const BASE = 0x1000; // where the only section is in memory
  const HEADERS = 0x200; // and where it is in the file
  const names = table([...exported, ...libraries, ...delayed]);
  const address = (i) => BASE + names.offsets[i];
  const parts = [names.bytes];
  let end = names.bytes.length;
  const put = (...bytes) => {
    const at = BASE + end;
    const part = Buffer.concat(bytes);

    parts.push(part);
    end += part.length;
    return at;
  };
  const pointers = put(words(...exported.map((_, i) => address(i))));
  const directories = words(...new Array(32).fill(0));
  const set = (index, at) => directories.writeUInt32LE(at, 8 * index);

  set(0, put(words(0, 0, 0, 0, 0, 0, exported.length, 0, pointers, 0)));
  set(
    1,
    put(
      ...libraries.map((_, i) =>
        words(0, 0, 0, address(exported.length + i), 0)
      ),
      words(0, 0, 0, 0, 0)
    )
  );
  if (delayed.length > 0) {
    const first = exported.length + libraries.length;

    set(
      13,
      put(
        ...delayed.map((_, i) =>
          words(1, address(first + i), 0, 0, 0, 0, 0, 0)
        ),
        words(0, 0, 0, 0, 0, 0, 0, 0)
      )
    );
  }

  const section = Buffer.concat(parts);
  const optional = Buffer.concat([
    words(0x20b),
    Buffer.alloc(108),
    directories
  ]);
  const headers = Buffer.concat([
    Buffer.from('MZ'.padEnd(0x3c, '\0')),
    words(0x40),
    Buffer.from('PE\0\0'),
    words(0x1_8664, 0, symbols, 0, optional.length),
    optional,
    Buffer.from('.rdata\0\0'),
    words(section.length, BASE, section.length, HEADERS, 0, 0, 0, 0)
  ]);

  return Buffer.concat([
    headers,
    Buffer.alloc(HEADERS - headers.length),
    section
  ]);
}

module.exports = { ENTRY, machO, pe };
