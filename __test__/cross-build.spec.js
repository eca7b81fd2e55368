'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const {
  builderOf,
  isPublishable,
  withFloor
} = require('../scripts/cross-build');
const { PLATFORMS, fileOf } = require('../scripts/targets');
const manifest = require('../package.json');

describe('Building for other platforms', () => {
  it('knows the file of every target', () => {
    assert.deepStrictEqual(
      manifest.napi.targets.map(fileOf).sort(),
      fs
        .readdirSync(path.join(__dirname, '../npm'))
        .map((platform) => `ferrows.${platform}.node`)
        .sort()
    );
    assert.ok(manifest.napi.targets.every((target) => PLATFORMS[target]));
  });

  it('takes an old glibc', () => {
    assert.strictEqual(
      withFloor('aarch64-unknown-linux-gnu'),
      'aarch64-unknown-linux-gnu.2.17'
    );
    assert.strictEqual(
      withFloor('x86_64-unknown-linux-musl'),
      'x86_64-unknown-linux-musl'
    );
  });

  it("takes a system's own linker for its own targets", () => {
    assert.strictEqual(builderOf('x86_64-apple-darwin', 'darwin'), 'build');
    assert.strictEqual(builderOf('x86_64-apple-darwin', 'linux'), 'zigbuild');
    assert.strictEqual(builderOf('aarch64-pc-windows-msvc', 'win32'), 'build');
    assert.throws(
      () => builderOf('aarch64-pc-windows-msvc', 'linux'),
      /on Windows only/
    );
    assert.strictEqual(
      builderOf('x86_64-unknown-linux-gnu', 'linux'),
      'zigbuild'
    );
  });

  it('publishes what zig links, but for macOS', () => {
    assert.ok(isPublishable('x86_64-unknown-linux-gnu', 'linux'));
    assert.ok(isPublishable('x86_64-apple-darwin', 'darwin'));
    assert.ok(!isPublishable('x86_64-apple-darwin', 'linux'));
  });

  it('names the targets to somebody who asks for another', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, '../scripts/cross-build.js'), 'i686-linux-gnu'],
      { encoding: 'utf8', timeout: 30e3 }
    );

    assert.strictEqual(status, 1);
    for (const target of manifest.napi.targets) {
      assert.ok(stderr.includes(target), target);
    }
  });
});
