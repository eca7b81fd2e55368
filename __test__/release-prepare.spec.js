'use strict';

// What keeps a release from being prepared. That one which is prepared can be
// published and installed is tested by `npm run test:consumer`.

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { afterEach, beforeEach, describe, it } = require('node:test');

const { oracle } = require('./support/ferrows');
const { copy } = require('./support/repository');
const fakeAddon = require('../scripts/consumer/fake-addon');
const { PrepareError, prepare } = require('../scripts/release/prepare');

const platforms = fs.readdirSync(path.join(__dirname, '../npm')).sort();

const skip =
  (oracle && 'ws is not released here') ||
  (parseInt(process.versions.node, 10) < 20 && 'napi needs Node.js 20');

describe('prepare', { skip }, () => {
  let home;
  let artifacts;
  let out;

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-prepare-'));
    artifacts = path.join(home, 'artifacts');
    out = path.join(home, 'out');
    for (const platform of platforms) {
      const directory = path.join(artifacts, `bindings-${platform}`);

      fs.mkdirSync(directory, { recursive: true });
      fs.writeFileSync(
        path.join(directory, `ferrows.${platform}.node`),
        fakeAddon(platform)
      );
    }
  });

  afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

  /**
   * Names a platform's file.
   *
   * @param {string} platform the platform
   * @return {string} its path
   */
  const fileOf = (platform) =>
    path.join(artifacts, `bindings-${platform}`, `ferrows.${platform}.node`);

  /**
   * Checks that nothing can be prepared, and that nothing is left of it.
   *
   * @param {(RegExp|string)} message what is said about it
   * @param {Object} [options] for `prepare()`
   */
  function refuses(message, options) {
    assert.throws(
      () => prepare({ artifacts, out, ...options }),
      (err) => {
        assert.ok(err instanceof PrepareError, err.stack);
        if (message instanceof RegExp) assert.match(err.message, message);
        else assert.strictEqual(err.message, message);
        return true;
      }
    );
    if (options?.out === undefined) assert.ok(!fs.existsSync(out));
  }

  it('refuses a release without a platform', () => {
    fs.rmSync(fileOf('darwin-x64'));
    fs.rmSync(fileOf('win32-x64-msvc'));
    refuses(
      'no ferrows.<platform>.node for darwin-x64, win32-x64-msvc ' +
        '(--only-present leaves them out)'
    );
  });

  it('refuses a release without any', () => {
    fs.rmSync(artifacts, { recursive: true });
    fs.mkdirSync(artifacts);
    refuses(`no ferrows.<platform>.node for ${platforms.join(', ')}`, {
      onlyPresent: true
    });
  });

  it('refuses a file that is for another processor', () => {
    const file = fileOf('linux-x64-gnu');

    fs.writeFileSync(file, fakeAddon('linux-arm64-gnu'));
    refuses(`${file} is not of elf and x64, but of elf and arm64`);
  });

  it('refuses a file that is for another system', () => {
    const file = fileOf('linux-x64-gnu');

    fs.writeFileSync(file, fakeAddon('darwin-x64'));
    refuses(`${file} is not of elf and x64, but of mach-o and x64`);
  });

  it('refuses an empty file', () => {
    const file = fileOf('linux-x64-musl');

    fs.writeFileSync(file, '');
    refuses(`${file} is empty or cut off`);
  });

  it('refuses a place where something is', () => {
    refuses(`${artifacts} is not empty`, { out: artifacts });
    assert.ok(fs.existsSync(fileOf('darwin-x64')));
  });

  for (const name of [
    'Cargo.toml',
    'binding.js',
    'lib/version.js',
    'npm/darwin-arm64/package.json',
    'package.json'
  ]) {
    it(`refuses a checkout with another version in ${name}`, (t) => {
      const root = copy(t, '');
      const file = path.join(root, name);
      const { version } = require('../package.json');

      fs.writeFileSync(
        file,
        fs
          .readFileSync(file, 'utf8')
          // as one that was forgotten, or the only one that was changed
          .replace(`version = "${version}"`, 'version = "9.8.7"')
          .replace(`Version !== '${version}'`, "Version !== '9.8.7'")
          .replace(`exports = '${version}'`, "exports = '9.8.7'")
          .replace(`"version": "${version}"`, '"version": "9.8.7"')
      );
      refuses(
        name === 'package.json'
          ? /^package\.json is of version 9\.8\.7, but not package-lock\.json \(/
          : new RegExp(`but not ${name} \\(.*9\\.8\\.7.*\\)$`),
        { root }
      );
    });
  }
});
