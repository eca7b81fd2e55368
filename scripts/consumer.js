'use strict';

// `npm run test:consumer`: what somebody has who installs the package. Publishes
// it, as a release does, to a registry on this machine, and installs it from
// there into empty projects, with every package manager, without a compiler,
// without install scripts, and with a network that ends at the registry.
//
// Needs an npm registry for those, for TypeScript, and for old versions of
// Node.js, which are only there for Linux on x64.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const fakeAddon = require('./consumer/fake-addon');
const Home = require('./consumer/home');
const managers = require('./consumer/managers');
const { COMPILERS, Project } = require('./consumer/project');
const startRegistry = require('./consumer/registry');
const { prepare } = require('./release/prepare');
const { addonName } = require('./addon');
const { ROOT } = require('./toolchain');

const manifest = require('../package.json');

/** The platform of this machine, and its package. */
const PLATFORM = addonName().split('.')[1];
const PACKAGE = `ferrows-${PLATFORM}`;

/** Another processor, of which there is a package too. */
const OTHER_CPU = process.arch === 'x64' ? 'arm64' : 'x64';

/** The range that programs ask for. */
const RANGE = `^${manifest.version}`;
const ALIAS = `npm:ferrows@${RANGE}`;

/** How long all may take, in milliseconds. */
const TIMEOUT = 600e3;

/** Old versions of Node.js, by their names in `consumer/package.json`. */
const OLD = Object.keys(
  require('./consumer/package.json').optionalDependencies
);

/** Where the tools are installed. */
const TOOLS = path.join(__dirname, 'consumer');

/**
 * Installs the package managers and the registry, at the versions of their
 * lockfile, unless they are there.
 */
function installTools() {
  const lockfile = path.join(TOOLS, 'package-lock.json');
  const stamp = path.join(TOOLS, 'node_modules', '.installed-from.json');
  const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file) : null);

  if (read(stamp)?.equals(read(lockfile))) return;

  const { status } = spawnSync(
    process.execPath,
    [managers.findNpm(), 'ci', '--ignore-scripts', '--no-fund', '--no-audit'],
    { cwd: TOOLS, stdio: ['ignore', 2, 2] }
  );

  if (status !== 0) throw new Error(`npm ci in ${TOOLS} failed`);
  fs.copyFileSync(lockfile, stamp);
}

/**
 * Asks npm for the registry that this machine uses.
 *
 * @return {string} its address
 */
function upstream() {
  const { stdout } = spawnSync(
    process.execPath,
    [managers.findNpm(), 'config', 'get', 'registry'],
    { cwd: ROOT, encoding: 'utf8' }
  );

  return stdout.trim();
}

describe('a consumer', { concurrency: 2, timeout: TIMEOUT }, () => {
  let home;
  let registry;

  before(async () => {
    installTools();
    home = new Home();
    registry = await startRegistry(home, upstream());
    await publish();
  });

  after(() => home?.remove());

  /** Publishes the packages as a release does, and one that uses `ws`. */
  async function publish() {
    const artifacts = home.path('artifacts');

    fs.mkdirSync(artifacts);
    for (const platform of fs.readdirSync(path.join(ROOT, 'npm'))) {
      fs.writeFileSync(
        path.join(artifacts, `ferrows.${platform}.node`),
        fakeAddon(platform)
      );
    }
    fs.copyFileSync(
      path.join(ROOT, addonName()),
      path.join(artifacts, addonName())
    );

    const directories = prepare({ artifacts, out: home.path('release') });

    directories.push(
      home.write('uses-ws', {
        'package.json': {
          name: 'uses-ws',
          version: '1.0.0',
          exports: { import: './index.mjs', require: './index.js' },
          dependencies: { ws: '^8.0.0' }
        },
        'index.js': "module.exports = require('ws');\n",
        'index.mjs': "export { WebSocket, WebSocketServer } from 'ws';\n"
      })
    );
    home.write('.', managers.npmrc(registry));
    // One after the other, as in a release.
    for (const cwd of directories) {
      await home.succeed(
        [managers.findNpm(), 'publish', '--access=public', '--ignore-scripts'],
        { cwd }
      );
    }
  }

  /**
   * Makes a project.
   *
   * @param {Manager} manager its package manager
   * @param {string} name its name
   * @param {Object} parts parts of its package.json
   * @param {Object} [files] more files
   * @return {Project} the project
   */
  function project(manager, name, parts, files) {
    const made = new Project(home, registry, manager, name);

    made.write(parts, files);
    return made;
  }

  /**
   * Checks what a program printed that held the conversation.
   *
   * @param {Object} ended how it ended
   */
  function conversed({ status, stdout, stderr }) {
    assert.strictEqual(stderr, '');
    assert.strictEqual(status, 0);

    const { echo, files, transport } = JSON.parse(stdout);

    assert.strictEqual(echo, 'hello');
    assert.strictEqual(typeof transport, 'string');
    // of the platform's package, and no other
    assert.strictEqual(files.length, 1);
    assert.ok(
      files[0].endsWith(path.join(PACKAGE, addonName())),
      `it loaded ${files[0]}`
    );
  }

  /**
   * Runs the conversation by `require` and by `import`.
   *
   * @param {Project} made the project
   * @param {string} name what the package is called there
   */
  async function converse(made, name) {
    conversed(
      await made.run(
        'program.cjs',
        `require('./conversation')(require('${name}'));`
      )
    );
    conversed(
      await made.run(
        'program.mjs',
        `import converse from './conversation.js';
        import { WebSocket, WebSocketServer } from '${name}';
        converse({ WebSocket, WebSocketServer });`
      )
    );
  }

  /**
   * Lists the platforms' packages that a package manager installs.
   *
   * @param {Manager} manager the package manager
   * @return {string[]} their names
   */
  function expected(manager) {
    // Yarn 1 knows nothing of C libraries.
    return manager === managers.yarn1 && PLATFORM.startsWith('linux')
      ? ['gnu', 'musl'].map((libc) => `ferrows-linux-${process.arch}-${libc}`)
      : [PACKAGE];
  }

  /**
   * Checks that loading the package fails in a project.
   *
   * @param {Project} made the project
   * @param {RegExp} message what it says
   * @param {Object} [options] for `Home#run()`
   */
  async function fails(made, message, options) {
    for (const [file, source] of [
      ['fails.cjs', "require('ferrows');"],
      ['fails.mjs', "import 'ferrows';"]
    ]) {
      const { status, stderr } = await made.run(file, source, options);

      assert.strictEqual(status, 1);
      assert.match(stderr, message);
      assert.match(stderr, /FERROWS_ERR_NO_ADDON/);
      assert.doesNotMatch(stderr, /SyntaxError/);
    }
  }

  for (const manager of [
    managers.npm,
    managers.pnpm,
    managers.yarn1,
    managers.yarn,
    managers.pnp
  ]) {
    describe(`with ${manager.name}`, () => {
      it('has the package, and that of its platform alone', async () => {
        const made = project(manager, 'plain', {});

        await made.install(['ferrows']);
        await converse(made, 'ferrows');
        if (manager !== managers.pnp) {
          assert.deepStrictEqual(made.platforms(), expected(manager));
        }
      });

      it('has it under the name of ws', async () => {
        const made = project(manager, 'alias', {});

        await made.install([`ws@${ALIAS}`]);
        await converse(made, 'ws');
      });

      it('has it in the place of the ws of a dependency', async () => {
        const { manifest: parts, files } = manager.override({ ws: ALIAS });
        const made = project(
          manager,
          'override',
          { dependencies: { 'uses-ws': '1.0.0' }, ...parts },
          files
        );

        await made.install();
        await converse(made, 'uses-ws');
      });

      const skip = !manager.platforms && 'it has no way to';

      it('has several platforms if it asks for them', { skip }, async () => {
        const made = project(
          manager,
          'several',
          { dependencies: { ferrows: RANGE } },
          manager.platforms(
            {
              os: ['current', 'darwin'],
              cpu: ['current', OTHER_CPU],
              libc: ['current', 'musl']
            },
            registry
          )
        );

        await made.install();
        await converse(made, 'ferrows');
        assert.ok(made.platforms().includes(PACKAGE));
        assert.ok(made.platforms().includes(`ferrows-darwin-${OTHER_CPU}`));
        assert.ok(!made.platforms().some((name) => name.includes('win32')));
      });
    });
  }

  // One for each way in which packages are placed.
  for (const manager of [managers.npm, managers.pnpm, managers.pnp]) {
    describe(`with TypeScript, and ${manager.name}`, () => {
      it('has its types, also under the name of ws', async () => {
        const made = project(manager, 'types', {
          dependencies: { ferrows: RANGE, ws: ALIAS },
          devDependencies: Object.fromEntries(
            COMPILERS.map((name) => [name, manifest.devDependencies[name]])
          )
        });

        await made.install();
        await made.compile(['ferrows', 'ws']);
      });
    });
  }

  describe('with npm', () => {
    it('has that of another platform if it asks for it', async () => {
      const [os] = PLATFORM.split('-');
      const made = project(managers.npm, 'cross', {
        dependencies: { ferrows: RANGE }
      });

      await made.install(
        [],
        [`--os=${os}`, `--cpu=${OTHER_CPU}`, '--libc=musl']
      );
      assert.deepStrictEqual(
        made.platforms(),
        [
          os === 'linux'
            ? `ferrows-linux-${OTHER_CPU}-musl`
            : `ferrows-${PLATFORM.replace(process.arch, OTHER_CPU)}`
        ],
        'for another platform'
      );
      await fails(made, /is installed, but not ferrows-/);
    });

    it('is told what is missing without optional packages', async () => {
      const made = project(managers.npm, 'omit', {
        dependencies: { ferrows: RANGE }
      });

      await made.install([], ['--omit=optional']);
      assert.deepStrictEqual(made.platforms(), []);
      await fails(
        made,
        new RegExp(`the package ${PACKAGE} is not installed, and there is no`)
      );
    });

    it('has it without optional packages if it names that one', async () => {
      const made = project(managers.npm, 'named', {});

      await made.install(['ferrows', PACKAGE], ['--omit=optional']);
      await converse(made, 'ferrows');
    });

    it('has it again without a network, from its lockfile', async () => {
      const made = project(managers.npm, 'offline', {
        dependencies: { ferrows: RANGE }
      });

      await made.install();
      fs.rmSync(path.join(made.directory, 'node_modules'), { recursive: true });
      await home.succeed(
        [
          ...[managers.findNpm(), 'ci', '--offline', '--ignore-scripts'],
          '--registry=http://127.0.0.1:9/'
        ],
        { cwd: made.directory }
      );
      await converse(made, 'ferrows');
    });

    it('has it from two files, without any registry', async () => {
      const files = [];

      for (const name of ['ferrows', PLATFORM]) {
        const packed = await home.succeed(
          [managers.findNpm(), 'pack', '--json', '--ignore-scripts'],
          { cwd: home.path('release', name) }
        );
        const [{ filename }] = Object.values(JSON.parse(packed));

        files.push(home.path('release', name, filename));
      }

      const made = project(managers.npm, 'files', {});

      await made.install(files, [
        '--offline',
        `--cache=${home.path('empty-cache')}`,
        '--registry=http://127.0.0.1:9/'
      ]);
      await converse(made, 'ferrows');
    });
  });

  describe('with an old Node.js', { concurrency: 1 }, () => {
    let made;

    before(async () => {
      made = project(managers.npm, 'old', { dependencies: { ferrows: RANGE } });
      await made.install();
    });

    for (const name of OLD) {
      const node = path.join(TOOLS, 'node_modules', name, 'bin', 'node');

      it(`is told so (${name})`, async (t) => {
        if (PLATFORM !== 'linux-x64-gnu' || !fs.existsSync(node)) {
          t.skip('it is only there for Linux on x64, with glibc');
          return;
        }
        await fails(
          made,
          /ferrows needs Node\.js 18 or newer, and this is Node\.js 1\d\./,
          { node }
        );
      });
    }
  });
});
