'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { addonName } = require('../scripts/addon');

const ROOT = path.join(__dirname, '..');

/** Bytes that the package may take as it is downloaded: it has no binaries. */
const MAX_SIZE = 240e3;

/** How long cargo may take for everything, in milliseconds. */
const BUILD_TIMEOUT = 20 * 60e3;

/** Where the package is in a project; with the separator that all tars know. */
const STORE = 'node_modules/.store/node_modules';

/** A user who may write nothing here. */
const NOBODY = 65534;

/** An echo that prints what came back. */
const ECHO = `
  const { WebSocket, WebSocketServer } = require(process.argv[1]);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
    client.on('open', () => client.send('hello'));
    client.on('message', (data) => {
      console.log(String(data));
      client.close();
      server.close();
    });
  });
  server.on('connection', (peer) => {
    peer.on('message', (data) => peer.send(data));
  });`;

/**
 * Runs Node.js.
 *
 * @param {string[]} args its arguments
 * @param {Object} options options of `spawnSync`
 * @return {Object} `status`, `stdout` and `stderr`
 */
function node(args, options) {
  return spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 60e3,
    ...options
  });
}

/**
 * Lays the package out as pnpm does, in a project that has nothing else: it is
 * in a store, under links of its own name and of that of `ws`.
 *
 * @param {string} project an empty directory
 * @return {Object} the `directory` of the package; what npm says of the archive
 *     as `pack`
 */
function install(project) {
  const store = path.join(project, STORE);
  const directory = path.join(store, 'ferrows');
  const { status, stderr, stdout } = spawnSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', `--pack-destination=${project}`],
    { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' }
  );

  assert.strictEqual(status, 0, stderr);

  const [pack] = JSON.parse(stdout);

  fs.mkdirSync(store, { recursive: true });
  // Names without a drive: Git's tar on Windows takes what is before a colon for
  // another machine.
  const untar = spawnSync('tar', ['-xf', pack.filename, '-C', STORE], {
    cwd: project,
    encoding: 'utf8'
  });

  assert.strictEqual(untar.status, 0, untar.stderr);
  fs.renameSync(path.join(store, 'package'), directory);
  for (const name of ['ferrows', 'ws']) {
    fs.symlinkSync(directory, path.join(project, 'node_modules', name), 'dir');
  }
  return { directory, pack };
}

/**
 * Lists what building leaves in a package.
 *
 * @param {string} directory the package's directory
 * @return {string[]} names of addons, and of what cargo uses
 */
function leftIn(directory) {
  return fs
    .readdirSync(directory)
    .filter((name) => /\.node$|target/.test(name));
}

describe('the package', () => {
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-source-'));
  const script = path.join(project, 'node_modules/ws/scripts/build.js');
  const env = { ...process.env };
  let directory;
  let pack;

  // The addon is to be built here and found here.
  delete env.CARGO_TARGET_DIR;
  delete env.NODE_PATH;

  before(() => {
    ({ directory, pack } = install(project));
  });
  after(() => fs.rmSync(project, { recursive: true }));

  it('has what the addon is built from, and neither tests nor benches', () => {
    const files = pack.files.map((file) => file.path);

    for (const file of [
      '.cargo/config.toml',
      'Cargo.lock',
      'Cargo.toml',
      'bench/Cargo.toml',
      'build.rs',
      'crates/engine/src/lib.rs',
      'crates/protocol/src/lib.rs',
      'scripts/build.js',
      'src/lib.rs'
    ]) {
      assert.ok(files.includes(file), file);
    }
    assert.deepStrictEqual(
      files.filter((file) => /test|benches|fuzz|\.node$|setup/.test(file)),
      []
    );
  });

  it('is small', () => {
    assert.ok(pack.size < MAX_SIZE, `${pack.size} bytes`);
  });

  // The tests of a binary run where there is no compiler.
  const noCargo =
    spawnSync('cargo', ['--version']).status !== 0 && 'cargo is not installed';

  it('is a workspace that cargo can read', { skip: noCargo }, () => {
    const { status, stderr, stdout } = spawnSync(
      'cargo',
      ['metadata', '--no-deps', '--offline', '--format-version=1'],
      { cwd: directory, encoding: 'utf8' }
    );

    assert.strictEqual(status, 0, stderr);
    assert.deepStrictEqual(
      JSON.parse(stdout)
        .packages.map(({ name }) => name)
        .sort(),
      ['ferrows', 'ferrows-bench', 'ferrows-engine', 'ferrows-protocol']
    );
  });

  it('says what to install where there is no Rust', () => {
    const { status, stderr } = node([script], { env: { ...env, PATH: '' } });

    assert.strictEqual(status, 1);
    assert.match(
      stderr,
      /^setup: Rust [\d.]+ .* cargo was not found: .*https:\/\/rustup\.rs\n$/
    );
  });

  it('says on which platforms there is no addon', () => {
    const { status, stderr } = node(
      [
        '--eval',
        `Object.defineProperty(process, 'platform', { value: 'aix' });
        Object.defineProperty(process, 'arch', { value: 'ppc64' });
        require(${JSON.stringify(script)});`
      ],
      { env }
    );

    assert.strictEqual(status, 1);
    assert.strictEqual(stderr, 'setup: there is no addon for aix-ppc64\n');
  });

  it(
    'says where it cannot be written to',
    { skip: process.platform === 'win32' && 'modes do not count there' },
    (t) => {
      // Modes say nothing to root.
      const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

      if (node(['--version'], { ...user, cwd: '/' }).status !== 0) {
        t.skip('another user cannot run this Node.js');
        return;
      }
      fs.chmodSync(project, 0o755);
      fs.chmodSync(directory, 0o555);
      t.after(() => fs.chmodSync(directory, 0o755));

      const { status, stderr } = node([script], { ...user, cwd: '/', env });

      assert.strictEqual(status, 1);
      assert.match(stderr, /^setup: cannot write to .*ferrows \(EACCES\), /);
    }
  );

  it(
    'keeps what it has if what was built cannot be loaded',
    { skip: process.platform === 'win32' && 'needs a shell' },
    (t) => {
      const tools = path.join(project, 'tools');
      const scratch = path.join(directory, 'build-target');
      const addon = path.join(directory, addonName());
      const library = path.join(tools, 'libferrows.so');
      const message = { target: { name: 'ferrows' }, filenames: [library] };

      fs.mkdirSync(tools);
      fs.mkdirSync(scratch);
      fs.writeFileSync(library, 'no library');
      fs.writeFileSync(
        path.join(tools, 'cargo'),
        `#!/bin/sh
        case "$1" in
          --version) echo cargo 99.0.0 ;;
          *) echo "$*" >&2; echo '${JSON.stringify(message)}' ;;
        esac`,
        { mode: 0o755 }
      );
      fs.writeFileSync(addon, 'what was there');
      t.after(() => fs.rmSync(addon));

      const { status, stderr } = node([script], {
        env: { ...env, PATH: tools }
      });

      assert.strictEqual(status, 1);
      assert.match(stderr, /^build --release --package=ferrows .*--locked/m);
      assert.match(stderr, /what was built cannot be used: Error: .+\n$/);
      assert.strictEqual(fs.readFileSync(addon, 'utf8'), 'what was there');
      assert.deepStrictEqual(leftIn(directory), [addonName()]);
    }
  );

  it(
    'is built by one command, and works then under both names',
    {
      skip:
        process.env.FERROWS_TEST_SOURCE === undefined &&
        'takes minutes: npm run test:source'
    },
    () => {
      const options = { cwd: project, env };
      const [first, second] = ['ferrows', 'ws'].map((name) =>
        node(['--print', `try { require('${name}') } catch (e) { e.code }`], {
          ...options
        })
      );

      assert.strictEqual(first.stdout, 'FERROWS_ERR_NO_ADDON\n');
      assert.strictEqual(second.stdout, 'FERROWS_ERR_NO_ADDON\n');

      const { status, stderr } = node(['node_modules/ws/scripts/build.js'], {
        ...options,
        timeout: BUILD_TIMEOUT
      });

      assert.strictEqual(status, 0, stderr);
      assert.deepStrictEqual(leftIn(directory), [addonName()]);
      for (const name of ['ferrows', 'ws']) {
        const echo = node(['--eval', ECHO, name], options);

        assert.strictEqual(echo.stdout, 'hello\n', echo.stderr);
      }
    }
  );
});
