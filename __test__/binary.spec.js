'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const native = require('../lib/native');
const { highestGlibc, inspect, judge } = require('../scripts/check-binary');
const { GLIBC_FLOOR } = require('../scripts/targets');
const { ENTRY, machO, pe } = require('./support/images');

/**
 * What a build against the glibc of the system asks for at most: 2.34 took the
 * functions of threads and of loading into `libc.so.6`, under that version. More
 * would mean that something new is used, which old systems do not have.
 */
const HIGHEST_HERE = '2.34';

/** A binary from elsewhere that is to be judged as it would be published. */
const given = process.env.FERROWS_BINARY || undefined;

/** That, or the addon that the package has loaded. */
const file =
  given ?? Object.keys(require.cache).find((name) => name.endsWith('.node'));
const bytes = fs.readFileSync(file);
const glibc = given === undefined ? HIGHEST_HERE : GLIBC_FLOOR;

const isElf = bytes.toString('latin1', 1, 4) === 'ELF';
const onlyElf = { skip: !isElf && 'the addon is no ELF file' };

/** What objdump says of the addon, if it can. */
const dump =
  isElf &&
  spawnSync('objdump', ['-p', '-T', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' }
  }).stdout;
const onlyObjdump = {
  skip: onlyElf.skip || (!dump && 'there is no objdump')
};

/**
 * Names what is wrong with a binary.
 *
 * @param {Buffer} image the binary
 * @param {string} [name] its file's name
 * @param {Object} [options] as `judge()` takes them
 * @return {string[]} the problems
 */
function problemsOf(image, name = 'libferrows', options = undefined) {
  return judge(image, name, options).problems;
}

/**
 * Puts a string in the place of another in a copy of the addon.
 *
 * @param {string} from what is there
 * @param {string} to what is to be there, of the same length
 * @return {Buffer} the copy
 */
function withString(from, to) {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(`\0${from}\0`);

  assert.notStrictEqual(at, -1);
  assert.strictEqual(to.length, from.length);
  copy.write(to, at + 1);
  return copy;
}

describe('The addon', () => {
  it('can be published, but for the glibc it was built against', () => {
    assert.deepStrictEqual(
      problemsOf(bytes, path.basename(file), { glibc }),
      []
    );
  });

  it('needs the libraries that objdump names', onlyObjdump, () => {
    const needed = [...dump.matchAll(/^ +NEEDED +(\S+)$/gm)];

    assert.deepStrictEqual(
      inspect(bytes).libraries,
      needed.map(([, name]) => name)
    );
  });

  it('needs the versions that objdump names', onlyObjdump, () => {
    const line = /^ +0x[\da-f]+ 0x([\da-f]+) \d+ (\S+)$/gm;
    const needed = [...dump.matchAll(line)].filter(
      ([, flags]) => flags !== '02'
    );

    assert.deepStrictEqual(
      inspect(bytes).versions,
      needed.map(([, , name]) => name)
    );
  });

  it('exports what objdump names', onlyObjdump, () => {
    const line = /^[\da-f]+ [gw ].* (?!\*UND\*)\S+\t[\da-f]+ (?:.* )?(\S+)$/gm;
    const names = [...dump.matchAll(line)].map(([, name]) => name);

    assert.deepStrictEqual(inspect(bytes).exports, names);
    assert.deepStrictEqual(names, [ENTRY]);
  });
});

describe('The functions of the addon', () => {
  it('are about sockets only where these have descriptors', () => {
    const wanted = process.platform === 'win32' ? 'undefined' : 'function';

    for (const name of ['openLoop', 'adopt', 'remoteOpen', 'remoteAdopt']) {
      assert.strictEqual(typeof native[name], wanted, name);
    }
  });
});

describe('A binary of Linux is refused', () => {
  it('if it needs a newer glibc', (t) => {
    const highest = isElf && highestGlibc(inspect(bytes).versions);

    if (!highest) return t.skip('the addon is not for glibc');
    assert.deepStrictEqual(problemsOf(bytes, undefined, { glibc: '2.3.4' }), [
      `needs glibc ${highest}, not 2.3.4`
    ]);
    assert.deepStrictEqual(
      problemsOf(bytes, undefined, { glibc: highest }),
      []
    );
  });

  it('if it needs another library', (t) => {
    if (!isElf || !bytes.includes('\0libm.so.6\0')) {
      return t.skip('the addon is not for glibc');
    }
    assert.deepStrictEqual(
      problemsOf(withString('libm.so.6', 'libz.so.1'), undefined, { glibc }),
      ['needs libz.so.1']
    );
  });

  it('if it exports another name', onlyElf, () => {
    const name = ENTRY.replace('v1', 'v9');

    assert.deepStrictEqual(
      problemsOf(withString(ENTRY, name), undefined, { glibc }),
      [`exports ${name}`]
    );
  });

  it('if it is not stripped', onlyElf, () => {
    const copy = Buffer.from(bytes);
    const table = Number(copy.readBigUInt64LE(40));

    // The type of the first section, which there has to be and means nothing.
    copy.writeUInt32LE(2, table + 4);
    assert.deepStrictEqual(problemsOf(copy, undefined, { glibc }), [
      'is not stripped'
    ]);
  });

  it('if it is large', onlyElf, () => {
    const large = Buffer.concat([bytes, Buffer.alloc(3e6 - bytes.length)]);

    assert.deepStrictEqual(problemsOf(large, undefined, { glibc }), [
      'has 3000000 bytes, which is not below 3000000'
    ]);
    assert.deepStrictEqual(
      problemsOf(large.subarray(0, -1), undefined, { glibc }),
      []
    );
  });

  it('if its name is that of another platform', onlyElf, () => {
    const { platform } = judge(bytes, '').found;

    assert.deepStrictEqual(
      problemsOf(bytes, 'ferrows.linux-s390x-gnu.node', { glibc }),
      [`is for ${platform}`]
    );
  });

  it('if it is for another processor', onlyElf, () => {
    const copy = Buffer.from(bytes);

    copy.writeUInt16LE(22, 18); // of a mainframe
    assert.match(
      problemsOf(copy, undefined, { glibc }).join(),
      /^is for .*, which is not supported/
    );
  });
});

describe('A binary of macOS', () => {
  it('is accepted', () => {
    const { problems, found } = judge(machO(), 'ferrows.darwin-arm64.node');

    assert.deepStrictEqual(problems, []);
    assert.strictEqual(found.oldest, '11.0');
    assert.deepStrictEqual(found.exports, [ENTRY]);
  });

  for (const [state, options, problem] of [
    ['is not signed', { isSigned: false }, 'is not signed'],
    [
      'needs another library',
      { libraries: ['/opt/homebrew/lib/libz.dylib'] },
      'needs /opt/homebrew/lib/libz.dylib'
    ],
    ['needs a newer system', { oldest: [15, 4] }, 'needs macOS 15.4, not 11.0'],
    [
      'exports another name',
      {
        symbols: [
          { name: `_${ENTRY}`, type: 0x0f },
          { name: '_other', type: 0x0f },
          { name: '_imported', type: 0x01 },
          { name: '_private', type: 0x1f }
        ]
      },
      `exports ${ENTRY}, other`
    ],
    [
      'has names for debuggers',
      {
        symbols: [
          { name: `_${ENTRY}`, type: 0x0f },
          { name: '/tmp/', type: 0x64 }
        ]
      },
      'is not stripped'
    ],
    [
      'has local names',
      {
        symbols: [
          { name: `_${ENTRY}`, type: 0x0f },
          { name: '_local', type: 0x0e }
        ]
      },
      'is not stripped'
    ]
  ]) {
    it(`is refused if it ${state}`, () => {
      assert.deepStrictEqual(problemsOf(machO(options)), [problem]);
    });
  }

  it('is accepted with the mark that `strip` leaves', () => {
    const symbols = [
      { name: `_${ENTRY}`, type: 0x0f },
      { name: 'radr://5614542', type: 0x3c }
    ];

    assert.deepStrictEqual(problemsOf(machO({ symbols })), []);
  });
});

describe('A binary of Windows', () => {
  it('is accepted', () => {
    const libraries = ['KERNEL32.dll', 'api-ms-win-core-synch-l1-2-0.dll'];
    const name = 'ferrows.win32-x64-msvc.node';
    const { problems, found } = judge(pe({ libraries }), name);

    assert.deepStrictEqual(problems, []);
    assert.deepStrictEqual(found.libraries, libraries);
    assert.deepStrictEqual(found.exports, [ENTRY]);
  });

  for (const [state, options, problem] of [
    [
      "needs Visual C++'s library",
      { libraries: ['KERNEL32.dll', 'VCRUNTIME140.dll'] },
      'needs VCRUNTIME140.dll'
    ],
    ['needs Node by name', { delayed: ['node.exe'] }, 'needs node.exe'],
    [
      'exports another name',
      { exported: ['DllMain', ENTRY] },
      `exports DllMain, ${ENTRY}`
    ],
    ['exports nothing', { exported: [] }, 'exports nothing'],
    ['has symbols', { symbols: 0x400 }, 'is not stripped']
  ]) {
    it(`is refused if it ${state}`, () => {
      assert.deepStrictEqual(problemsOf(pe(options)), [problem]);
    });
  }
});

describe('A file that is no binary', () => {
  it('is refused', () => {
    assert.throws(() => inspect(Buffer.from('MZ'.padEnd(100))), /no shared/);
    assert.throws(() => inspect(Buffer.alloc(0)), /no shared library/);
  });

  it('makes the command fail', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, '../scripts/check-binary.js'), __filename],
      { encoding: 'utf8', timeout: 30e3 }
    );

    assert.strictEqual(status, 1);
    assert.match(stderr, /no shared library/);
  });
});
