'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const { ROOT, copy, edit, script } = require('./support/repository');
const { isVersion } = require('../scripts/release/versions');

/** The version that the repository has. */
const { version: VERSION } = require('../package.json');

/** A changelog that is ready to be released as what the repository is. */
const CHANGELOG = `# Changelog

## ${VERSION} (2026-02-28)

### Fixed

- The second.

## 0.0.9 (2025-12-31)

- The first.
`;

/**
 * Runs the check of a release.
 *
 * @param {string} root the repository
 * @param {string} [tag] the tag, by default that of the repository's version
 * @return {Object} its status and what it printed
 */
function check(root, tag = `v${VERSION}`) {
  return script('check.js', [tag, root]);
}

describe('versions', () => {
  it('are those that npm and cargo both understand', () => {
    for (const version of ['0.1.0', '10.20.30', '1.0.0-beta.1', '1.0.0-rc-1']) {
      assert.ok(isVersion(version), version);
    }
    for (const version of [
      '',
      '1',
      '1.2',
      '1.2.3.4',
      '01.2.3',
      'v1.2.3',
      '1.2.3-',
      '1.2.3-a..b',
      '1.2.3+build',
      ' 1.2.3',
      '1.2.3\n'
    ]) {
      assert.ok(!isVersion(version), JSON.stringify(version));
    }
  });
});

describe('check.js', () => {
  it("prints the version's section of the changelog", (t) => {
    assert.deepStrictEqual(check(copy(t, CHANGELOG)), {
      status: 0,
      lines: ['### Fixed', '- The second.'],
      errors: []
    });
  });

  it('explains itself without a tag', () => {
    const { status, errors } = script('check.js', []);

    assert.strictEqual(status, 2);
    assert.match(errors.join('\n'), /^usage: /);
  });

  for (const tag of ['1.2.3', 'v1.2', 'vv1.2.3', 'release', 'v1.2.3+4']) {
    it(`refuses the tag ${tag}`, (t) => {
      const { status, lines, errors } = check(copy(t, CHANGELOG), tag);

      assert.strictEqual(status, 1);
      assert.deepStrictEqual(lines, []);
      assert.deepStrictEqual(errors, [
        `${tag}: "${tag}" is not v and a version`
      ]);
    });
  }

  it('names every file that is of another version', (t) => {
    const { status, lines, errors } = check(
      copy(t, CHANGELOG.replaceAll(VERSION, '9.8.7')),
      'v9.8.7'
    );
    const files = [
      'package.json',
      'package-lock.json',
      '__test__/dependents/package-lock.json',
      ...fs
        .readdirSync(path.join(ROOT, 'npm'))
        .sort()
        .map((name) => `npm/${name}/package.json`),
      'Cargo.toml',
      'Cargo.lock',
      'fuzz/Cargo.lock',
      'binding.js',
      'lib/version.js',
      'README.md',
      'docs/install.md'
    ];

    assert.strictEqual(status, 1);
    assert.deepStrictEqual(lines, []);
    assert.deepStrictEqual(
      errors,
      files.map((file) => `v9.8.7: ${file} is of version ${VERSION}`)
    );
  });

  it('notices a single place of a file that is left behind', (t) => {
    const left = [
      ['Cargo.lock', 'name = "ferrows-engine"\nversion = "'],
      ['package-lock.json', '"name": "ferrows",\n      "version": "'],
      ['binding.js', 'version mismatch, expected '],
      ['README.md', '"resolutions": { "ws": "npm:ferrows@^'],
      ['docs/install.md', 'yarn add ws@npm:ferrows@^'],
      ['docs/install.md', './ferrows-'],
      ['docs/install.md', './ferrows-linux-x64-gnu-']
    ];

    for (const [file, before] of left) {
      const root = copy(t, CHANGELOG);

      edit(root, file, `${before}${VERSION}`, `${before}0.0.1`);
      assert.deepStrictEqual(check(root).errors, [
        `v${VERSION}: ${file} is of version 0.0.1`
      ]);
    }
  });

  for (const file of ['README.md', 'docs/install.md']) {
    it(`refuses a version that ${file} calls unpublished`, (t) => {
      for (const sentence of [
        `Version ${VERSION} is not published on npm.`,
        'The package is not\npublished on npm: see below.'
      ]) {
        const root = copy(t, CHANGELOG);

        edit(root, file, '\n\n', `\n\n${sentence}\n\n`);
        assert.deepStrictEqual(check(root), {
          status: 1,
          lines: [],
          errors: [`v${VERSION}: ${file} says that it is not published on npm`]
        });
      }
    });
  }

  it('notices a file that has no version', (t) => {
    const root = copy(t, CHANGELOG);

    edit(root, 'Cargo.toml', /^version = .*\n/m, '');
    assert.deepStrictEqual(check(root).errors, [
      `v${VERSION}: Cargo.toml has no version`
    ]);
  });

  for (const [name, before, after, problem] of [
    [
      'has no section for it',
      VERSION,
      '0.0.8',
      `CHANGELOG.md has 0 sections for ${VERSION}`
    ],
    [
      'has two sections for it',
      '0.0.9',
      VERSION,
      `CHANGELOG.md has 2 sections for ${VERSION}`
    ],
    [
      'calls it unreleased',
      '2026-02-28',
      'unreleased',
      `CHANGELOG.md dates ${VERSION} as "unreleased", which is no day`
    ],
    [
      'gives a day that is not in the calendar',
      '2026-02-28',
      '2026-02-30',
      `CHANGELOG.md dates ${VERSION} as "2026-02-30", which is no day`
    ],
    [
      'has only headings for it',
      '- The second.',
      '',
      `CHANGELOG.md says nothing about ${VERSION}`
    ]
  ]) {
    it(`refuses a version if the changelog ${name}`, (t) => {
      const { status, lines, errors } = check(
        copy(t, CHANGELOG.replace(before, after))
      );

      assert.strictEqual(status, 1);
      assert.deepStrictEqual(lines, []);
      assert.deepStrictEqual(errors, [`v${VERSION}: ${problem}`]);
    });
  }
});

describe('version.js', () => {
  const open = CHANGELOG.replace('2026-02-28', 'unreleased');

  it('makes a repository that can be released', (t) => {
    const root = copy(t, open);
    const { status, lines, errors } = script('version.js', ['9.8.7', root]);
    const today = new Date().toISOString().slice(0, 10);
    const changelog = fs.readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');

    assert.deepStrictEqual(errors, []);
    assert.strictEqual(status, 0);
    assert.strictEqual(lines[0], 'CHANGELOG.md');
    assert.deepStrictEqual(check(root, 'v9.8.7'), {
      status: 0,
      lines: ['### Fixed', '- The second.'],
      errors: []
    });
    assert.match(changelog, new RegExp(`^## 9\\.8\\.7 \\(${today}\\)$`, 'm'));
  });

  it('leaves everything else as it is', (t) => {
    const original = copy(t, open);
    const root = copy(t, open);
    const files = script('version.js', ['9.8.7', root]).lines.slice(1);

    for (const file of files) {
      const read = (directory) =>
        fs.readFileSync(path.join(directory, file), 'utf8');
      const after = read(root);
      const before = read(original);

      assert.notStrictEqual(after, before, file);
      assert.strictEqual(after.replaceAll('9.8.7', VERSION), before, file);
    }
  });

  it('leaves the version behind nowhere in the package', (t) => {
    const root = copy(t, open);
    const quoted = new RegExp(`['"]${VERSION.replaceAll('.', '\\.')}['"]`);
    const list = (directory, options) =>
      fs
        .readdirSync(path.join(ROOT, directory), options)
        .map((name) => path.posix.join(directory, name));

    // What version.js does not know would stay behind.
    const sources = [...list('.'), ...list('lib', { recursive: true })]
      .filter((name) => /\.[cm]?[jt]s$/.test(name))
      .filter((name) =>
        quoted.test(fs.readFileSync(path.join(ROOT, name), 'utf8'))
      );
    const changed = script('version.js', ['9.8.7', root]).lines;

    assert.ok(sources.includes('binding.js'));
    for (const source of sources) assert.ok(changed.includes(source), source);
  });

  it('leaves the version behind in no command of the documents', (t) => {
    const root = copy(t, open);
    const before = new RegExp(
      `(?:@[\\^~]?|-)${VERSION.replaceAll('.', '\\.')}`
    );
    const documents = ['.', 'docs', 'examples']
      .flatMap((directory) =>
        fs
          .readdirSync(path.join(ROOT, directory))
          .map((name) => path.posix.join(directory, name))
      )
      .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md');
    const has = (directory, name) =>
      before.test(fs.readFileSync(path.join(directory, name), 'utf8'));
    const found = documents.filter((name) => has(ROOT, name));

    script('version.js', ['9.8.7-beta.1', root]);
    assert.deepStrictEqual(found, ['README.md', 'docs/install.md']);
    for (const name of found) assert.ok(!has(root, name), name);

    // And from that on, since what was written has to be found again.
    assert.deepStrictEqual(check(root, 'v9.8.7-beta.1').errors, []);
    assert.deepStrictEqual(check(root, 'v9.8.7').errors.slice(-2), [
      'v9.8.7: README.md is of version 9.8.7-beta.1',
      'v9.8.7: docs/install.md is of version 9.8.7-beta.1'
    ]);
  });

  it('leaves lockfiles that cargo takes as they are', (t) => {
    const root = copy(t, open);
    const cargo = () =>
      spawnSync('cargo', ['tree', '--workspace', '--locked', '--offline'], {
        cwd: root,
        encoding: 'utf8',
        timeout: 60e3
      });

    if (cargo().status !== 0) {
      t.skip('cargo is missing, or has not built the repository yet');
      return;
    }

    script('version.js', ['9.8.7', root]);
    const { status, stdout, stderr } = cargo();

    assert.strictEqual(status, 0, stderr);
    assert.match(stdout, /^ferrows v9\.8\.7 /m);
    assert.match(stdout, /ferrows-protocol v9\.8\.7 /);
  });

  it('takes versions that come before a release', (t) => {
    const root = copy(t, open);

    assert.strictEqual(script('version.js', ['1.0.0-beta.1', root]).status, 0);
    assert.strictEqual(check(root, 'v1.0.0-beta.1').status, 0);
  });

  it('changes nothing if no section of the changelog is open', (t) => {
    const root = copy(t, CHANGELOG);

    assert.deepStrictEqual(script('version.js', ['9.8.7', root]), {
      status: 1,
      lines: [],
      errors: ['version: CHANGELOG.md has 0 sections that are unreleased']
    });
    assert.strictEqual(check(root).status, 0);
  });

  for (const args of [[], ['v1.2.3'], ['patch'], ['1.2']]) {
    it(`explains itself if told ${args[0] || 'nothing'}`, () => {
      const { status, errors } = script('version.js', args);

      assert.strictEqual(status, 2);
      assert.match(errors.join('\n'), /^usage: /);
    });
  }
});
