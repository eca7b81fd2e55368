'use strict';

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const { scratch, script } = require('./support/repository');

const noGit =
  spawnSync('git', ['--version']).status !== 0 && 'git is not installed';

describe('require-changelog.js', { skip: noGit }, () => {
  /**
   * Makes a repository with a branch.
   *
   * @param {Object} t the test, with which it goes away
   * @param {string[]} files what the branch changes
   * @param {string} [message] what its commit says
   * @param {string} [labels] the labels of its pull request
   * @return {Object} what the script says about the branch
   */
  function judge(t, files, message = 'lib: change', labels = '[]') {
    const cwd = scratch(t);
    const env = {
      ...process.env,
      LABELS: labels,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@example.com',
      GIT_COMMITTER_NAME: 'A',
      GIT_COMMITTER_EMAIL: 'a@example.com'
    };
    const git = (...args) => execFileSync('git', args, { cwd, env });
    const commit = (names, text) => {
      for (const name of names) {
        const file = path.join(cwd, name);

        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.appendFileSync(file, `${text}\n`);
      }
      git('add', '.');
      git('commit', '--quiet', '--message', text);
    };

    git('init', '--quiet', '--initial-branch', 'main');
    commit(['CHANGELOG.md', 'lib/x.js'], 'first');
    git('switch', '--quiet', '--create', 'branch');
    commit(files, message);
    // What others do meanwhile is no concern of the branch.
    git('switch', '--quiet', 'main');
    commit(['CHANGELOG.md', 'src/lib.rs'], 'second');
    git('switch', '--quiet', 'branch');

    return script('require-changelog.js', ['main'], { cwd, env });
  }

  for (const file of [
    'lib/x.js',
    'lib/handshake/y.js',
    'src/lib.rs',
    'crates/engine/src/lib.rs',
    'index.js',
    'index.d.ts',
    'wrapper.mjs'
  ]) {
    it(`demands a line for a change of ${file}`, (t) => {
      const { status, errors } = judge(t, [file, 'docs/api.md']);

      assert.strictEqual(status, 1);
      assert.deepStrictEqual(errors.slice(1), [`  ${file}`]);
    });
  }

  for (const file of [
    'docs/lib/api.md',
    'scripts/setup.js',
    '__test__/x.spec.js',
    'crates/protocol/tests/pair.rs',
    'crates/protocol/benches/mask.rs'
  ]) {
    it(`demands none for a change of ${file}`, (t) => {
      assert.strictEqual(judge(t, [file]).status, 0);
    });
  }

  it('is content with a line', (t) => {
    assert.strictEqual(judge(t, ['lib/x.js', 'CHANGELOG.md']).status, 0);
  });

  it('is content with a trailer', (t) => {
    const message = 'lib: rename\n\nNobody notices.\n\nChangelog: none';

    assert.strictEqual(judge(t, ['lib/x.js'], message).status, 0);
  });

  it('is not content with the words elsewhere in a message', (t) => {
    const message = 'lib: rename\n\nChangelog: none\n\nIt was that.';

    assert.strictEqual(judge(t, ['lib/x.js'], message).status, 1);
  });

  it('is content with a label', (t) => {
    const labels = '["bug", "no changelog"]';

    assert.strictEqual(judge(t, ['lib/x.js'], undefined, labels).status, 0);
    assert.strictEqual(judge(t, ['lib/x.js'], undefined, '["bug"]').status, 1);
  });
});
