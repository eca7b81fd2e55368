'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const root = path.join(__dirname, '..');
const manifest = require('../package.json');
const { addonName } = require('../scripts/setup');

/** What a Rust target is called in npm's terms. */
const TARGETS = {
  'x86_64-unknown-linux-gnu': ['linux', 'x64', 'glibc'],
  'aarch64-unknown-linux-gnu': ['linux', 'arm64', 'glibc'],
  'x86_64-unknown-linux-musl': ['linux', 'x64', 'musl'],
  'aarch64-unknown-linux-musl': ['linux', 'arm64', 'musl'],
  'x86_64-apple-darwin': ['darwin', 'x64'],
  'aarch64-apple-darwin': ['darwin', 'arm64'],
  'x86_64-pc-windows-msvc': ['win32', 'x64'],
  'aarch64-pc-windows-msvc': ['win32', 'arm64']
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

  it('looks for the file that the set-up script builds', () => {
    assert.ok(loader.includes(`require('./${addonName()}')`));
  });
});
