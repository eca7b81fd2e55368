'use strict';

// What the package says when there is no addon that it could use. The messages
// are those that docs/install.md lists, each of which has to be seen here.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { changeMachine, need, wantNewerGlibc } = require('./support/elf');
const { oracle } = require('./support/ferrows');
const { addonName } = require('../scripts/addon');

const { explain: explainFacts } = require('../lib/addon-error');
const { NODE, ensureVersion } = require('../lib/node-version');
const manifest = require('../package.json');

const root = path.join(__dirname, '..');

/** The addon's file, its platform and that platform's package. */
const FILE = addonName();
const PLATFORM = FILE.split('.')[1];
const PACKAGE = `ferrows-${PLATFORM}`;

/** One that is never that of the machine which runs the tests. */
const OTHER = 'ferrows-openharmony-arm64';

/** The flags that this Node.js knows. */
const KNOWN = process.allowedNodeEnvironmentFlags;

/** Those of a process that may read files, and nothing else. */
const PERMISSION = [
  KNOWN.has('--permission') ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*'
];

/** How long a program may take, in milliseconds. */
const TIMEOUT = 30e3;

/** A program that prints what it caught, and is ended by it. */
const PROGRAM = `
  try {
    require('ferrows');
  } catch (err) {
    const { code, reason, message, cause } = err;
    console.log(JSON.stringify({ code, reason, message, cause: String(cause) }));
    throw err;
  }`;

/**
 * Reads the table of messages.
 *
 * @return {{pattern: RegExp, template: string, reason: string, seen: boolean}[]}
 *     its rows
 */
function readTable() {
  const text = fs.readFileSync(path.join(root, 'docs', 'install.md'), 'utf8');
  const [, table] = text.split(/<!-- \/?messages -->/);
  const rows = table.matchAll(/^\| `([^`|]+)` +\| `([\w-]+)` +\|/gm);

  return Array.from(rows, ([, template, reason]) => {
    const source = template
      .split(/<[^>]+>/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.+');

    return {
      pattern: new RegExp(`^${source}$`),
      template,
      reason,
      seen: false
    };
  });
}

const table = readTable();

/**
 * Checks an error, or what is left of one in JSON.
 *
 * @param {{code: string, reason: string, message: string}} err the error
 * @param {string} reason its reason
 * @param {string} problem what it says is wrong
 * @return {string[]} the lines of its message after the first
 */
function check(err, reason, problem) {
  const [first, ...rest] = err.message.split('\n');
  const [, found = first] =
    /^ferrows has no native addon to use on this system \([^)]+\): (.+)\.$/.exec(
      first
    ) || [];

  assert.strictEqual(err.code, 'FERROWS_ERR_NO_ADDON');
  assert.strictEqual(err.reason, reason);
  assert.strictEqual(found, problem);

  const rows = table.filter(({ pattern }) => pattern.test(found));
  assert.deepStrictEqual(
    rows.map((row) => row.reason),
    [reason],
    `in docs/install.md: ${found}`
  );
  rows[0].seen = true;
  return rest;
}

describe('without an addon', { skip: oracle && 'ws has none' }, () => {
  describe('on this machine', () => {
    let home;
    let modules;
    let directory;
    let installed;
    let build;

    before(() => {
      home = fs.mkdtempSync(
        path.join(fs.realpathSync(os.tmpdir()), 'ferrows-no-addon-')
      );
      modules = path.join(home, 'node_modules');
      directory = path.join(modules, 'ferrows');
      installed = path.join(modules, PACKAGE, FILE);
      build = `node ${path.join(directory, 'scripts', 'build.js')}`;
    });

    after(() => fs.rmSync(home, { recursive: true, force: true }));

    /**
     * Installs the package, with what its published manifest has besides.
     *
     * @param {Object} [options]
     * @param {?string[]} [options.optional] the platforms' packages
     * @param {boolean} [options.sources=true] whether it can be built
     */
    function install({ optional = [PACKAGE, OTHER], sources = true } = {}) {
      const { version } = manifest;

      fs.rmSync(modules, { recursive: true, force: true });
      fs.mkdirSync(directory, { recursive: true });
      for (const name of ['index.js', 'wrapper.mjs', 'binding.js', 'lib']) {
        fs.cpSync(path.join(root, name), path.join(directory, name), {
          recursive: true
        });
      }
      fs.writeFileSync(
        path.join(directory, 'package.json'),
        JSON.stringify({
          ...manifest,
          ...(optional && {
            optionalDependencies: Object.fromEntries(
              optional.map((name) => [name, version])
            )
          })
        })
      );
      if (sources) {
        fs.mkdirSync(path.join(directory, 'scripts'));
        fs.writeFileSync(path.join(directory, 'scripts', 'build.js'), '');
      }
    }

    /**
     * Installs a package for a platform.
     *
     * @param {string} name its name
     * @param {?(Buffer|string)} [contents] what its file holds; it has none if
     *     that is missing
     */
    function installPlatform(name, contents) {
      const place = path.join(modules, name);

      fs.mkdirSync(place);
      fs.writeFileSync(
        path.join(place, 'package.json'),
        JSON.stringify({ name, version: manifest.version, main: FILE })
      );
      if (contents !== undefined) {
        fs.writeFileSync(path.join(place, FILE), contents);
      }
    }

    /** @return {Buffer} the addon */
    const addon = () => fs.readFileSync(path.join(root, FILE));

    /**
     * Runs a program in a directory that has the package.
     *
     * @param {string} program the program
     * @param {Object} [options]
     * @param {string[]} [options.flags] arguments for Node
     * @param {Object} [options.env] variables beside those of here
     * @return {Promise<{status: number, signal: ?string, stdout: string,
     *     stderr: string}>} how it ended
     */
    function run(program, { flags = [], env } = {}) {
      return new Promise((resolve) => {
        execFile(
          process.execPath,
          [...flags, '-e', program],
          { cwd: home, env: { ...process.env, ...env }, timeout: TIMEOUT },
          (err, stdout, stderr) =>
            resolve({
              status: err ? err.code : 0,
              signal: err ? err.signal : null,
              stdout,
              stderr
            })
        );
      });
    }

    /**
     * Runs the program that loads the package, and checks how that fails.
     *
     * @param {string} reason the error's reason
     * @param {string} problem what it says is wrong
     * @param {Object} [options] those of `run`
     * @return {Promise<string[]>} what it says is to be done
     */
    async function fails(reason, problem, options) {
      const { status, signal, stdout, stderr } = await run(PROGRAM, options);

      assert.strictEqual(signal, null);
      assert.strictEqual(status, 1, stderr);
      assert.ok(stderr.includes(problem), stderr);
      return check(JSON.parse(stdout), reason, problem);
    }

    it('works with a good one, and leaves `process.dlopen` alone', async () => {
      install();
      installPlatform(PACKAGE, addon());
      const { stderr, stdout } = await run(
        `const { dlopen } = process;
        require('ferrows');
        console.log(process.dlopen === dlopen)`
      );
      assert.strictEqual(stderr, '');
      assert.strictEqual(stdout, 'true\n');
    });

    it('says that the package of the platform is not installed', async () => {
      install();
      const file = path.join(directory, FILE);
      assert.deepStrictEqual(
        await fails(
          'not-installed',
          `the package ${PACKAGE} is not installed, and there is no ${file}`
        ),
        [
          'Install again, with optional dependencies; if npm leaves it out ' +
            'still, remove node_modules and package-lock.json first; or build ' +
            `it here, which needs Rust: ${build}`
        ]
      );
    });

    it('names no command that is not there', async () => {
      install({ sources: false });
      const file = path.join(directory, FILE);
      const [advice] = await fails(
        'not-installed',
        `the package ${PACKAGE} is not installed, and there is no ${file}`
      );
      assert.match(advice, /package-lock\.json first$/);
    });

    it('names no command in an archive', () => {
      const archive = path.join(home, 'ferrows.zip', 'ferrows');
      const facts = { manifest, platform: 'linux', arch: 'x64', libc: 'musl' };
      const explain = (place) =>
        explainFacts({ ...facts, directory: place, tried: [] }).message;

      install();
      fs.cpSync(directory, archive, { recursive: true });
      assert.match(explain(directory), /build\.js$/);
      assert.doesNotMatch(explain(archive), /build\.js/);
    });

    it('says so to `import`, too', async () => {
      install();
      const { status, stderr } = await run("import 'ferrows'", {
        flags: ['--input-type=module']
      });
      assert.strictEqual(status, 1);
      assert.match(stderr, /the package ferrows-\S+ is not installed, and/);
    });

    it('says that the package of another platform is installed', async () => {
      install();
      installPlatform(OTHER);
      assert.deepStrictEqual(
        await fails(
          'other-platform',
          `${OTHER} is installed, but not ${PACKAGE}`
        ),
        [
          'Remove node_modules and install again on the system that runs the ' +
            `program; or build it here, which needs Rust: ${build}`
        ]
      );
    });

    it('says that there is no package for the platform', async () => {
      install({ optional: [OTHER] });
      assert.deepStrictEqual(
        await fails(
          'unsupported',
          `no package is made for ${PLATFORM}, only for openharmony-arm64`
        ),
        [`Build it here, which needs Rust: ${build}`]
      );
    });

    it('says that a checkout has to be built', async () => {
      install({ optional: null });
      const file = path.join(directory, FILE);
      assert.deepStrictEqual(await fails('not-built', `there is no ${file}`), [
        `Build it here, which needs Rust: ${build}`
      ]);
    });

    it('says that a bundle has come without the file', async () => {
      install();
      fs.rmSync(path.join(directory, 'scripts'), { recursive: true });
      // There is some package.json above a bundle; that of the program.
      const file = path.join(directory, 'package.json');
      fs.writeFileSync(
        file,
        JSON.stringify({ name: 'program', version: manifest.version })
      );
      assert.deepStrictEqual(
        await fails(
          'bundled',
          `the bundle comes without ${FILE} and ${PACKAGE}`
        ),
        [
          'Leave ferrows out of the bundle and install it, or have the bundler ' +
            'copy that file'
        ]
      );
    });

    it('says that the package has lost its file', async () => {
      install();
      installPlatform(PACKAGE);
      await fails('damaged', `${path.dirname(installed)} has no ${FILE}`);
    });

    for (const [what, contents, problem] of [
      ['is empty', () => '', 'is empty'],
      ['is text', () => 'version https://git-lfs\n', 'is not a shared library']
    ]) {
      it(`says that the file ${what}`, async () => {
        install();
        installPlatform(PACKAGE, contents());
        await fails('damaged', `${installed} ${problem}`);
      });
    }

    it('tells of a file beside the package how to be rid of it', async () => {
      install();
      const file = path.join(directory, FILE);
      fs.writeFileSync(file, '');
      const [advice] = await fails('damaged', `${file} is empty`);
      assert.match(advice, /^Remove this file and install again; or build it/);
    });

    it('says that the addon is of another version', async () => {
      install();
      installPlatform(PACKAGE, addon());
      fs.writeFileSync(
        path.join(directory, 'lib', 'version.js'),
        "module.exports = '9.8.7';"
      );
      const { version } = manifest;
      await fails(
        'version',
        `${installed} is of version ${version}, the package of 9.8.7`
      );
    });

    it('says that the addon is of another build', async () => {
      install();
      installPlatform(PACKAGE, addon());
      const file = path.join(directory, 'lib', 'native.js');
      const source = fs.readFileSync(file, 'utf8');
      const names = ["'zero'", "'one'", "'two'", "'three'", "'four'"];
      fs.writeFileSync(
        file,
        source.replace("'acceptKey',", `${names}, 'acceptKey',`)
      );
      await fails(
        'version',
        `${installed} is of another build of ${manifest.version}, ` +
          'without zero, one, two and 2 more'
      );
    });

    for (const flags of [['--no-addons'], PERMISSION]) {
      const skip =
        flags.some((flag) => !KNOWN.has(flag.split('=')[0])) &&
        'this Node.js has no such flag';

      it(`says that addons are forbidden (${flags[0]})`, { skip }, async () => {
        install();
        installPlatform(PACKAGE, addon());
        assert.deepStrictEqual(
          await fails(
            'disabled',
            'Node.js was started in a way that forbids to load addons',
            { flags }
          ),
          ['Give it --allow-addons beside --permission, and not --no-addons']
        );
      });
    }

    it('says that a variable leads nowhere', async () => {
      install();
      installPlatform(PACKAGE, addon());
      const nowhere = path.join(home, 'nowhere.node');
      const [advice] = await fails(
        'unloadable',
        `${nowhere} cannot be loaded (Cannot find module '${nowhere}')`,
        { env: { NAPI_RS_NATIVE_LIBRARY_PATH: nowhere } }
      );
      assert.ok(
        advice.startsWith(
          `Unset NAPI_RS_NATIVE_LIBRARY_PATH, which is ${nowhere}, or correct it`
        )
      );
    });

    it('says what the loader throws for other reasons', async () => {
      install();
      await fails(
        'unloadable',
        'the loader failed (WASI binding not found and NAPI_RS_FORCE_WASI is ' +
          'set to error)',
        { env: { NAPI_RS_FORCE_WASI: 'error' } }
      );
    });

    it('keeps what the loader threw as the cause', async () => {
      install();
      const { stdout } = await run(PROGRAM);
      assert.match(JSON.parse(stdout).cause, /Cannot find native binding/);
    });

    describe(
      'with ELF',
      {
        skip: process.platform !== 'linux' && 'it is that of Linux'
      },
      () => {
        // Mapped memory behind the end of a file is a SIGBUS for whom touches it.
        for (const size of [100, 4096, 500e3, -1]) {
          it(`says that the file is cut off (${size})`, async () => {
            install();
            const contents = addon().subarray(0, size);
            installPlatform(PACKAGE, contents);
            await fails(
              'damaged',
              `${installed} is cut off after ${contents.length} bytes`
            );
          });
        }

        it('says that the file is for another processor', async () => {
          install();
          const elf = addon();
          const machine = changeMachine(elf);
          installPlatform(PACKAGE, elf);
          await fails(
            'other-platform',
            `${installed} is for ${machine} processors`
          );
        });

        it('says that the file is for macOS', async () => {
          install();
          const elf = addon();
          elf.writeUInt32BE(0xcffaedfe);
          installPlatform(PACKAGE, elf);
          await fails('other-platform', `${installed} is for macOS`);
        });

        const skip = !PLATFORM.endsWith('-gnu') && 'this system has no glibc';

        // The second is what zig calls it.
        for (const name of ['libc.musl-x86_64.so.1', 'libc.so']) {
          it(`says that the file is for musl (${name})`, { skip }, async () => {
            install();
            const elf = addon();
            need(elf, name);
            installPlatform(PACKAGE, elf);
            await fails('other-platform', `${installed} is for musl`);
          });
        }

        it('says that glibc is too old', { skip }, async () => {
          const { glibcVersionRuntime } = process.report.getReport().header;
          install();
          const elf = addon();
          const version = wantNewerGlibc(elf);
          installPlatform(PACKAGE, elf);
          await fails(
            'libc-version',
            `${installed} needs ${version}, and this system has glibc ` +
              glibcVersionRuntime
          );
        });

        it('says what the system says of anything else', { skip }, async () => {
          install();
          const elf = addon();
          need(elf, 'libnowhere.so.1');
          installPlatform(PACKAGE, elf);
          await fails(
            'unloadable',
            `${installed} cannot be loaded (libnowhere.so.1: cannot open shared ` +
              'object file: No such file or directory)'
          );
        });
      }
    );
  });

  // What other systems say, which nobody can make them say here.
  describe('on other systems', () => {
    const directory = path.join('/app', 'node_modules', 'ferrows');

    /**
     * Explains a failure.
     *
     * @param {Object} facts what differs from a Linux with musl
     * @return {Error} the error
     */
    function explain(facts) {
      return explainFacts({
        directory,
        manifest: {
          ...manifest,
          optionalDependencies: { 'ferrows-linux-x64-musl': manifest.version }
        },
        platform: 'linux',
        arch: 'x64',
        libc: 'musl',
        override: undefined,
        tried: [],
        cause: undefined,
        mismatch: '',
        ...facts
      });
    }

    for (const said of [
      'Error loading shared library ld-linux-x86-64.so.2: No such file or ' +
        'directory (needed by /app/x.node)',
      'Error relocating /app/x.node: __memcpy_chk: symbol not found'
    ]) {
      it(`says on musl that the file is for glibc (${said})`, () => {
        const tried = [{ file: '/app/x.node', error: new Error(said) }];
        check(explain({ tried }), 'other-platform', '/app/x.node is for glibc');
      });
    }

    it('does not speak of an installation to who has a bundle', () => {
      const file = '/app/dist/x.node';
      const said =
        'Error relocating /app/dist/x.node: __fd_chk: symbol not found';
      const tried = [{ file, error: new Error(said) }];
      assert.deepStrictEqual(
        check(
          explain({ directory: '/app', manifest: null, tried }),
          'other-platform',
          `${file} is for glibc`
        ),
        ['Copy the file of this system there again']
      );
    });

    it('says that no addon is known for a processor', () => {
      const said = 'Unsupported architecture on Linux: mips';
      const cause = new Error('Cannot find native binding.');
      cause.cause = new Error("Cannot find module 'ferrows-wasm32-wasi'");
      cause.cause.cause = new Error(said);
      check(explain({ cause }), 'unsupported', said);
    });

    it('prefers the processor to all processors on macOS', () => {
      const cause = new Error("Cannot find module 'ferrows-darwin-x64'");
      cause.cause = new Error("Cannot find module 'ferrows-darwin-universal'");
      check(
        explain({ platform: 'darwin', libc: '', cause }),
        'unsupported',
        'no package is made for darwin-x64, only for linux-x64-musl'
      );
    });

    it('says that Node.js is too old', () => {
      for (const [versions, problem] of [
        [
          { node: '16.20.2', napi: '8' },
          `ferrows needs Node.js ${NODE} or newer, and this is Node.js ` +
            `16.20.2 (${process.execPath}).`
        ],
        [
          { node: '18.0.0', napi: '7' },
          'ferrows needs Node-API 8 or newer, and this has 7 ' +
            `(${process.execPath}).`
        ]
      ]) {
        assert.throws(
          () => ensureVersion(versions),
          (err) => {
            check(err, 'node-version', problem);
            return true;
          }
        );
      }
      ensureVersion({ node: '18.0.0', napi: '8' });
      ensureVersion({ node: '26.1.0', napi: '10' });
      // as in a runtime that does not say
      ensureVersion({ node: '20.0.0' });
    });
  });

  it('asks for the Node.js that package.json asks for', () => {
    assert.strictEqual(manifest.engines.node, `>=${NODE}`);
  });

  it('was seen to say all that docs/install.md lists', (t) => {
    if (!PLATFORM.endsWith('-gnu')) {
      t.skip('glibc has messages of its own');
      return;
    }
    assert.deepStrictEqual(
      table.filter(({ seen }) => !seen).map(({ template }) => template),
      []
    );
    assert.ok(table.length > 0);
  });
});
