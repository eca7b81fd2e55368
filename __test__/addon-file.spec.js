'use strict';

// What is told of a file that should be the addon.

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { oracle } = require('./support/ferrows');
const inspect = require('../lib/addon-file');
const { addonName } = require('../scripts/addon');

describe('inspect', { skip: oracle && 'ws has none' }, () => {
  let home;

  before(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-inspect-'));
  });

  after(() => fs.rmSync(home, { recursive: true, force: true }));

  /**
   * Inspects a file.
   *
   * @param {Buffer} contents what it holds
   * @return {Object} what it is
   */
  function inspectBytes(contents) {
    const file = path.join(home, 'file');

    fs.writeFileSync(file, contents);
    return inspect(file);
  }

  it('knows the addon', () => {
    const file = path.join(__dirname, '..', addonName());

    assert.strictEqual(inspect(file).arch, process.arch);
    assert.strictEqual(inspect(file).complete, true);
    assert.strictEqual(inspect(file).size, fs.statSync(file).size);
  });

  it('knows libraries of macOS and Windows', () => {
    const mach = Buffer.alloc(32);
    mach.writeUInt32LE(0xfeedfacf);
    mach.writeUInt32LE(0x0100000c, 4);
    const pe = Buffer.alloc(128);
    pe.write('MZ');
    pe.writeUInt32LE(64, 0x3c);
    pe.write('PE\0\0', 64);
    pe.writeUInt16LE(0x8664, 68);

    assert.deepStrictEqual(inspectBytes(mach), {
      format: 'mach-o',
      arch: 'arm64',
      size: 32,
      complete: true
    });
    assert.deepStrictEqual(inspectBytes(pe), {
      format: 'pe',
      arch: 'x64',
      size: 128,
      complete: true
    });
  });

  it('knows an ELF file with the larger byte first', () => {
    const elf = Buffer.alloc(64);
    elf.writeUInt32BE(0x7f454c46);
    elf[4] = 2;
    elf[5] = 2;
    elf.writeUInt16BE(22, 18);

    assert.deepStrictEqual(inspectBytes(elf), {
      format: 'elf',
      arch: 's390x',
      size: 64,
      complete: true
    });
    elf.writeBigUInt64BE(1n, 40);
    elf.writeUInt16BE(64, 58);
    elf.writeUInt16BE(1, 60);
    assert.strictEqual(inspectBytes(elf).complete, false);
  });

  it('is not led astray by anything else', () => {
    const mz = Buffer.alloc(128, 0xff);
    mz.write('MZ');

    for (const contents of [mz, Buffer.from('M'), Buffer.alloc(5000)]) {
      assert.strictEqual(inspectBytes(contents).format, null);
    }
    assert.strictEqual(inspectBytes(Buffer.alloc(0)).complete, false);
  });
});
