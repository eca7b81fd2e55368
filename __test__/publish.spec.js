'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const { scratch, script } = require('./support/repository');

/** A program in the place of npm; it writes down how it was called. */
const NPM = `#!${process.execPath}
const fs = require('fs');
const path = require('path');
const args = process.argv.slice(2);
const config = process.env.npm_config_userconfig;
const log = (entry) =>
  fs.appendFileSync(path.join(__dirname, 'log'), JSON.stringify(entry) + '\\n');

if (args[0] === 'config') {
  console.log('https://registry.example/npm/');
} else if (args[0] === 'view' && args[2] === 'dist-tags.latest') {
  const { LATEST } = process.env;
  const isVersion = /^[0-9]/.test(LATEST);

  if (isVersion) console.log(JSON.stringify(LATEST));
  else console.log(JSON.stringify({ error: { code: LATEST } }, null, 2));
  process.exit(isVersion ? 0 : 1);
} else if (args[0] === 'view') {
  if (args[1] !== process.env.PUBLISHED) process.exit(1);
  console.log(args[1].split('@')[1]);
} else {
  log({
    args: args.map((arg) => path.basename(arg)),
    config: config && fs.existsSync(config)
      ? fs.readFileSync(config, 'utf8')
      : null
  });
  process.exit(args[1].endsWith(process.env.FAILING) ? 1 : 0);
}
`;

/** What npm is told for a release. */
const RELEASE = ['--access', 'public', '--tag', 'latest'];

/**
 * Runs the script over some packages, with a stand-in for npm.
 *
 * @param {Object} t the test
 * @param {Object} packages the version of each package, or what else its
 *     manifest has
 * @param {Object} [env] environment variables
 * @param {string[]} [flags] options of the script
 * @return {Object} what the script and npm did, and where the packages are
 */
function publish(t, packages, env, flags = []) {
  const root = scratch(t);
  const log = path.join(root, 'log');

  fs.writeFileSync(path.join(root, 'npm'), NPM, { mode: 0o755 });
  for (const [name, more] of Object.entries(packages)) {
    const manifest = typeof more === 'string' ? { version: more } : more;

    fs.mkdirSync(path.join(root, name, '.cargo/deep'), { recursive: true });
    fs.writeFileSync(path.join(root, name, '.cargo/deep/config.toml'), '');
    fs.writeFileSync(
      path.join(root, name, 'package.json'),
      JSON.stringify({ name, ...manifest })
    );
  }

  const args = Object.keys(packages).map((name) => path.join(root, name));
  const result = script('publish.js', [...flags, ...args], {
    env: { PATH: root, TMPDIR: root, FAILING: 'none', LATEST: 'E404', ...env }
  });

  return {
    ...result,
    root,
    calls: fs.existsSync(log)
      ? fs.readFileSync(log, 'utf8').trim().split('\n').map(JSON.parse)
      : []
  };
}

const skip =
  process.platform === 'win32' && 'the stand-in for npm is a Unix program';

describe('publish.js', { skip }, () => {
  it('publishes in the given order', (t) => {
    const { status, lines, calls } = publish(t, { b: '1.2.3', a: '1.2.3' });

    assert.strictEqual(status, 0);
    assert.deepStrictEqual(lines, ['b@1.2.3: published', 'a@1.2.3: published']);
    assert.deepStrictEqual(calls, [
      { args: ['publish', 'b', ...RELEASE], config: null },
      { args: ['publish', 'a', ...RELEASE], config: null }
    ]);
  });

  it('passes over what the registry has', (t) => {
    const { status, lines, calls } = publish(
      t,
      { b: '1.2.3', a: '1.2.3' },
      { PUBLISHED: 'b@1.2.3' }
    );

    assert.strictEqual(status, 0);
    assert.deepStrictEqual(lines, [
      'b@1.2.3: is published already',
      'a@1.2.3: published'
    ]);
    assert.strictEqual(calls.length, 1);
  });

  it('stops at the first package that is refused', (t) => {
    const { status, lines, calls } = publish(
      t,
      { c: '1.2.3', b: '1.2.3', a: '1.2.3' },
      { FAILING: 'b' }
    );

    assert.strictEqual(status, 1);
    assert.deepStrictEqual(lines, [
      'c@1.2.3: published',
      'b@1.2.3: NOT published'
    ]);
    assert.strictEqual(calls.length, 2);
  });

  it('keeps what comes before a release from those who do not ask', (t) => {
    const { calls } = publish(t, { a: '1.2.3-beta.1' });

    assert.deepStrictEqual(calls[0].args.slice(-2), ['--tag', 'next']);
  });

  for (const [version, latest, tag] of [
    ['1.2.3', '1.2.3', 'latest'],
    ['1.2.10', '1.2.9', 'latest'],
    ['1.10.0', '1.9.9', 'latest'],
    ['2.0.0', '1.99.99', 'latest'],
    ['1.2.3', '1.2.3-beta.1', 'latest'],
    ['1.2.9', '1.2.10', 'latest-1.2'],
    ['1.9.9', '1.10.0', 'latest-1.9'],
    ['1.99.99', '2.0.0', 'latest-1.99'],
    ['0.1.1', '0.2.0', 'latest-0.1'],
    ['1.2.3-beta.1', '2.0.0', 'next']
  ]) {
    it(`tags ${version} as ${tag} beside ${latest}`, (t) => {
      const { calls } = publish(t, { a: version }, { LATEST: latest });

      assert.deepStrictEqual(calls[0].args.slice(-2), ['--tag', tag]);
    });
  }

  it('publishes nothing if npm does not say what the latest is', (t) => {
    const { status, errors, calls } = publish(
      t,
      { a: '1.2.3' },
      { LATEST: 'ECONNREFUSED' }
    );

    assert.strictEqual(status, 1);
    assert.match(errors.join('\n'), /which version of a is the latest/);
    assert.deepStrictEqual(calls, []);
  });

  it('gives npm the name of the token, and leaves nothing behind', (t) => {
    const token = 'npm_secret';
    const { root, calls } = publish(t, { a: '1.2.3' }, { NPM_TOKEN: token });

    assert.strictEqual(
      calls[0].config,
      '//registry.example/npm/:_authToken=${NPM_TOKEN}\n'
    );
    assert.deepStrictEqual(fs.readdirSync(root).sort(), ['a', 'log', 'npm']);
  });

  it('does without a token that is empty', (t) => {
    const { calls } = publish(t, { a: '1.2.3' }, { NPM_TOKEN: '' });

    assert.strictEqual(calls[0].config, null);
  });

  it('states the provenance in a workflow', (t) => {
    const { root, calls } = publish(
      t,
      { a: '1.2.3' },
      { GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'owner/name' }
    );
    const { repository } = JSON.parse(
      fs.readFileSync(path.join(root, 'a/package.json'), 'utf8')
    );

    assert.deepStrictEqual(calls[0].args.slice(-1), ['--provenance']);
    assert.deepStrictEqual(repository, {
      type: 'git',
      url: 'git+https://github.com/owner/name.git'
    });
  });

  it('stops short of publishing if told so', (t) => {
    const { status, lines, calls } = publish(
      t,
      { a: '1.2.3' },
      {
        GITHUB_ACTIONS: 'true',
        GITHUB_REPOSITORY: 'owner/name',
        PUBLISHED: 'a@1.2.3'
      },
      ['--dry-run']
    );

    assert.strictEqual(status, 0);
    assert.deepStrictEqual(lines, ['a@1.2.3: can be published']);
    assert.deepStrictEqual(calls[0].args, [
      'publish',
      'a',
      ...RELEASE,
      '--dry-run'
    ]);
  });

  for (const entry of [
    '.cargo',
    '.cargo/deep/config.toml',
    '.cargo/*/config.toml',
    '.c*/**',
    '!nowhere'
  ]) {
    it(`finds what a manifest lists as ${entry}`, (t) => {
      const { status, calls } = publish(t, {
        a: { version: '1.2.3', files: ['package.json', entry] }
      });

      assert.strictEqual(status, 0);
      assert.strictEqual(calls.length, 1);
    });
  }

  for (const entry of [
    'cargo',
    '.carg',
    'xcargo',
    '.cargo/config.toml',
    '.cargo/*.toml',
    '.cargo/deep/config.toml/**'
  ]) {
    it(`publishes nothing if one has nothing for ${entry}`, (t) => {
      const { status, lines, errors, calls, root } = publish(t, {
        b: '1.2.3',
        a: { version: '1.2.3', files: [entry, 'package.json'] }
      });

      assert.strictEqual(status, 1);
      assert.deepStrictEqual(lines, []);
      assert.deepStrictEqual(errors, [
        `${path.join(root, 'a')} has no ${entry}`
      ]);
      assert.deepStrictEqual(calls, []);
    });
  }

  it('explains itself without directories', (t) => {
    const { status, errors } = publish(t, {});

    assert.strictEqual(status, 2);
    assert.match(errors.join('\n'), /^usage: /);
  });
});
