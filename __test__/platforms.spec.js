'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const root = path.join(__dirname, '..');
const manifest = require('../package.json');
const { addonName } = require('../scripts/addon');
const { SetupError } = require('../scripts/toolchain');

/** What a Rust target is called in npm's terms. */
const TARGETS = {
  'x86_64-unknown-linux-gnu': ['linux', 'x64', 'glibc'],
  'aarch64-unknown-linux-gnu': ['linux', 'arm64', 'glibc'],
  'x86_64-unknown-linux-musl': ['linux', 'x64', 'musl'],
  'aarch64-unknown-linux-musl': ['linux', 'arm64', 'musl'],
  'x86_64-apple-darwin': ['darwin', 'x64'],
  'aarch64-apple-darwin': ['darwin', 'arm64'],
  'x86_64-pc-windows-msvc': ['win32', 'x64'],
  'aarch64-pc-windows-msvc': ['win32', 'arm64'],
  'x86_64-unknown-freebsd': ['freebsd', 'x64']
};

/** The last part of a platform's name. */
const ABIS = { glibc: '-gnu', musl: '-musl' };

/**
 * Names a platform as the generated loader does.
 *
 * @param {string} target a Rust target
 * @return {string} the name, for example `linux-x64-gnu`
 */
function platformOf(target) {
  const [os, cpu, libc] = TARGETS[target];

  return `${os}-${cpu}${os === 'win32' ? '-msvc' : ABIS[libc] || ''}`;
}

/** What the loader tries first on macOS, and is never built. */
const UNIVERSAL = 'ferrows.darwin-universal.node';

/** What Node.js says, as far as the loader reads it, on any computer. */
const PLATFORMS =
  'aix android darwin freebsd linux openbsd openharmony sunos win32'.split(' ');
const ARCHITECTURES =
  'arm arm64 ia32 loong64 mips mipsel ppc64 riscv64 s390x x64'.split(' ');

/**
 * Makes a `process` for each kind of computer, whether Node.js has it or not.
 *
 * @return {Object[]} with what the loader looks at
 */
function hosts() {
  const reports = [
    { header: { glibcVersionRuntime: '2.36' }, sharedObjects: [] },
    { header: {}, sharedObjects: ['/lib/ld-musl-any.so.1'] }
  ];
  const configs = [{}, { shlib_suffix: 'dll.a' }];

  return PLATFORMS.flatMap((platform) =>
    ARCHITECTURES.flatMap((arch) =>
      reports.flatMap((report) =>
        configs.map((variables) => ({
          arch,
          config: { variables },
          env: {},
          platform,
          report: { getReport: () => report }
        }))
      )
    )
  );
}

/**
 * Runs the loader where there is no addon.
 *
 * @param {string} loader its text
 * @param {Object} host the `process` that it sees
 * @return {string[]} the names of the files that it looked for beside itself
 */
function namesWanted(loader, host) {
  const names = [];
  const find = (id) => {
    if (id === 'fs') return { readFileSync: () => assert.fail('no ldd') };
    if (id.endsWith('.node')) names.push(path.basename(id));
    throw Object.assign(new Error(id), { code: 'MODULE_NOT_FOUND' });
  };
  const run = new Function('require', 'module', 'process', loader);

  find.resolve = find;
  assert.throws(() => run(find, { exports: {} }, host));
  return names.filter((name) => name !== UNIVERSAL);
}

describe('lib/version.js', () => {
  it('has the version of package.json', () => {
    assert.strictEqual(require('../lib/version'), manifest.version);
  });
});

describe('platform packages', () => {
  const platforms = manifest.napi.targets.map(platformOf);

  it('are there for each target, and for nothing else', () => {
    assert.deepStrictEqual(
      fs.readdirSync(path.join(root, 'npm')).sort(),
      platforms.sort()
    );
  });

  for (const target of manifest.napi.targets) {
    const platform = platformOf(target);
    const directory = path.join(root, 'npm', platform);
    const [os, cpu, libc] = TARGETS[target];

    it(`install ${platform} where it fits`, () => {
      const file = `ferrows.${platform}.node`;
      const { description, ...rest } = JSON.parse(
        fs.readFileSync(path.join(directory, 'package.json'), 'utf8')
      );

      assert.ok(description.endsWith(target));
      assert.deepStrictEqual(rest, {
        name: `${manifest.napi.packageName}-${platform}`,
        version: manifest.version,
        license: manifest.license,
        main: file,
        files: [file],
        engines: manifest.engines,
        os: [os],
        cpu: [cpu],
        ...(libc && { libc: [libc] })
      });
    });

    it(`say in ${platform}'s README what it is`, () => {
      const readme = fs.readFileSync(path.join(directory, 'README.md'), 'utf8');

      assert.ok(readme.startsWith(`# ferrows-${platform}\n`));
      assert.ok(readme.includes(`\`${target}\``));
    });
  }
});

describe('the generated loader', () => {
  const loader = fs.readFileSync(path.join(root, 'binding.js'), 'utf8');

  for (const platform of manifest.napi.targets.map(platformOf)) {
    it(`requires ${platform} by its literal names`, () => {
      const local = `require('./ferrows.${platform}.node')`;
      const installed = `require('ferrows-${platform}')`;

      assert.ok(loader.includes(local), local);
      assert.ok(loader.includes(installed), installed);
    });
  }

  it('looks for the file that is built here', () => {
    assert.ok(loader.includes(`require('./${addonName()}')`));
  });

  it('looks for the file that is built, on every platform', (t) => {
    const names = new Set();

    t.mock.method(fs, 'readFileSync', () => {
      throw new Error('there is no ldd');
    });
    for (const host of hosts()) {
      const expected = namesWanted(loader, host);
      let name;

      try {
        name = addonName(host);
      } catch (err) {
        assert.ok(err instanceof SetupError, err);
        assert.match(err.message, new RegExp(`${host.platform}-${host.arch}$`));
      }
      assert.strictEqual(name, expected[0], `${host.platform}-${host.arch}`);
      if (name !== undefined) names.add(name);
    }
    assert.deepStrictEqual(
      [...names].sort(),
      [
        ...new Set(
          [...loader.matchAll(/require\('\.\/(ferrows\..*\.node)'\)/g)]
            .map(([, name]) => name)
            .filter((name) => name !== UNIVERSAL)
        )
      ].sort()
    );
  });
});
