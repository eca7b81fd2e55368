'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const yaml = require('js-yaml');

const manifest = require('../package.json');

const ROOT = path.join(__dirname, '..');
const WORKFLOWS = path.join(ROOT, '.github/workflows');
const SETUP = '.github/actions/setup/action.yml';

/** Targets that nobody lends a machine for. */
const UNTESTED = new Set(['x86_64-unknown-freebsd']);

/** The keys that GitHub knows, as far as they are used: others are misspelt. */
const KEYS = {
  workflow: 'name on permissions concurrency env defaults jobs',
  job:
    'name if needs uses runs-on timeout-minutes environment permissions ' +
    'strategy env steps',
  step: 'name id if env uses with run shell'
};

/**
 * Reads a file of the repository.
 *
 * @param {string} name its path
 * @return {string} its text
 */
function read(name) {
  return fs.readFileSync(path.join(ROOT, name), 'utf8');
}

const names = fs
  .readdirSync(WORKFLOWS)
  .map((name) => `.github/workflows/${name}`);
const workflows = Object.fromEntries(
  names.map((name) => [path.basename(name, '.yml'), yaml.load(read(name))])
);
const action = yaml.load(read(SETUP));
const { ci, release } = workflows;

/** All jobs, with the names of their workflows. */
const jobs = Object.entries(workflows).flatMap(([workflow, content]) =>
  Object.entries(content.jobs).map(([name, job]) => [
    `${workflow}/${name}`,
    job
  ])
);

/** All steps, with the names of their jobs. */
const steps = [
  ...jobs.flatMap(([name, job]) =>
    (job.steps || []).map((step) => [name, step])
  ),
  ...action.runs.steps.map((step) => [SETUP, step])
];

/** All scripts that steps run, as texts. */
const scripts = steps
  .filter(([, step]) => step.run)
  .map(([name, step]) => [`${name}: ${step.name}`, step.run]);

/**
 * Lists what a matrix consists of.
 *
 * @param {Object} matrix a matrix with `include` alone
 * @param {string} key the value that counts
 * @return {string[]} its values, each once, in order
 */
function included({ include }, key) {
  return [...new Set(include.map((entry) => entry[key]))].sort();
}

describe('a release', () => {
  const targets = [...manifest.napi.targets].sort();

  it('builds each target of the package, and no other', () => {
    assert.deepStrictEqual(
      included(release.jobs.build.strategy.matrix, 'target'),
      targets
    );
  });

  it('tests each target that there is a machine for', () => {
    const tested = [
      ...included(release.jobs.test.strategy.matrix, 'target'),
      ...included(release.jobs['test-linux'].strategy.matrix, 'target')
    ];

    assert.deepStrictEqual(
      tested.sort(),
      targets.filter((target) => !UNTESTED.has(target))
    );
  });

  it('tests each target with two versions of Node.js', () => {
    for (const [job, key] of [
      ['test', 'node'],
      ['test-linux', 'image']
    ]) {
      const { include } = release.jobs[job].strategy.matrix;

      for (const target of included({ include }, 'target')) {
        const found = include.filter((entry) => entry.target === target);

        assert.ok(included({ include: found }, key).length >= 2, target);
      }
    }
  });

  it('publishes only what has passed everything', () => {
    const before = new Set();
    const collect = (name) => {
      if (before.has(name)) return;
      before.add(name);
      [release.jobs[name].needs || []].flat().forEach(collect);
    };

    collect('publish');
    assert.deepStrictEqual(
      [...before].sort(),
      Object.keys(release.jobs)
        .filter((name) => name !== 'announce')
        .sort()
    );
    assert.deepStrictEqual(release.jobs.announce.needs, 'publish');
    assert.strictEqual(release.jobs.ci.uses, './.github/workflows/ci.yml');
  });

  it('hands over all files of the packages, also those with a dot', () => {
    const uploads = release.jobs.pack.steps.filter(({ uses }) =>
      /^actions\/upload-artifact@/.test(uses)
    );

    assert.ok(manifest.files.some((name) => /(^|\/)\./.test(name)));
    assert.deepStrictEqual(
      uploads.map((step) => step.with['include-hidden-files']),
      [true]
    );
  });

  it('publishes nothing in a rehearsal', () => {
    const { on, jobs: all } = release;

    assert.deepStrictEqual(on, {
      push: { tags: ['v*'] },
      workflow_dispatch: null
    });
    assert.strictEqual(all.publish.if, "github.event_name == 'push'");
  });

  it('uses no cache', () => {
    for (const [name, { uses, with: inputs }] of steps) {
      if (!name.startsWith('release/')) continue;
      if (uses === './.github/actions/setup') {
        assert.strictEqual(inputs.cache, false, name);
      }
      assert.ok(!/^actions\/cache@/.test(uses), name);
    }
  });
});

describe('continuous integration', () => {
  const { os, node, include } = ci.jobs.test.strategy.matrix;

  it('tests from the oldest Node.js to the latest, on each system', () => {
    const [, oldest] = /^>=(\d+)$/.exec(manifest.engines.node);

    assert.deepStrictEqual(node, ['18', '20', '22', '24', 'latest']);
    assert.strictEqual(node[0], oldest);
    assert.deepStrictEqual(
      os.map((name) => name.split('-')[0]),
      ['ubuntu', 'macos', 'windows']
    );
  });

  it('has machines of both architectures for each system', () => {
    assert.deepStrictEqual(
      included({ include: include.filter((entry) => !entry.rust) }, 'os'),
      ['macos-15-intel', 'ubuntu-24.04-arm', 'windows-11-arm']
    );
  });

  it('tests with the oldest Rust, too', () => {
    const [, oldest] = /^rust-version = "([\d.]+)"$/m.exec(read('Cargo.toml'));

    assert.deepStrictEqual(
      include.filter((entry) => entry.rust),
      [{ os: os[0], node: node[0], rust: oldest }]
    );
  });

  it('has the Rust that a release is built with', () => {
    assert.strictEqual(ci.env.RUST, release.env.RUST);
    assert.match(ci.env.RUST, /^\d+\.\d+\.\d+$/);
  });
});

describe('workflows', () => {
  it('have only keys that mean something', () => {
    const entries = [
      ...Object.entries(workflows).map((entry) => ['workflow', ...entry]),
      ...jobs.map((entry) => ['job', ...entry]),
      ...steps.map((entry) => ['step', ...entry])
    ];

    for (const [kind, name, content] of entries) {
      const known = KEYS[kind].split(' ');

      for (const key of Object.keys(content)) {
        assert.ok(known.includes(key), `${name}: ${key}`);
      }
    }
  });

  it('name only scripts of package.json', () => {
    for (const [name, run] of [...scripts, ['.ci/run', read('.ci/run')]]) {
      for (const [, script] of run.matchAll(/npm run ([\w:-]+)/g)) {
        assert.ok(Object.hasOwn(manifest.scripts, script), `${name} ${script}`);
      }
    }
  });

  it('name only files that are there', () => {
    const found = new Set();

    for (const [name, run] of scripts) {
      const used = run.match(/(?<=^|\s)(scripts\/[\w./-]+|\.ci\/\w+)/gm) || [];

      for (const file of used) {
        assert.ok(fs.existsSync(path.join(ROOT, file)), `${name}: ${file}`);
        found.add(file);
      }
    }
    assert.ok(found.has('.ci/run'));
    assert.ok(found.has('scripts/release/publish.js'));
  });

  it('may read the repository, and only for a reason more', () => {
    for (const [name, { permissions }] of Object.entries(workflows)) {
      assert.deepStrictEqual(permissions, { contents: 'read' }, name);
    }
    assert.deepStrictEqual(
      jobs
        .filter(([, { permissions }]) => permissions)
        .map(([name, { permissions }]) => [name, permissions]),
      [
        ['release/publish', { contents: 'read', 'id-token': 'write' }],
        ['release/announce', { contents: 'write' }]
      ]
    );
  });

  it('end by themselves, and not one beside another of its kind', () => {
    for (const [name, job] of jobs) {
      if (!job.uses) assert.ok(job['timeout-minutes'] <= 90, name);
    }
    for (const [name, { concurrency }] of Object.entries(workflows)) {
      assert.ok(concurrency.group.startsWith(`${name}-`), name);
      assert.strictEqual(concurrency['cancel-in-progress'], name !== 'release');
    }
  });

  it('pin each action of others to one commit', () => {
    const commits = new Map();

    for (const name of [...names, SETUP]) {
      for (const [line, used] of read(name).matchAll(/uses: (\S+).*/g)) {
        if (used.startsWith('./')) continue;
        assert.match(line, /^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);

        const [id, commit] = used.split('@');

        assert.strictEqual(commits.get(id) || commit, commit, line);
        commits.set(id, commit);
      }
    }
    assert.ok(commits.size > 0);
  });

  it('leave no credentials in the checkout', () => {
    for (const [name, { uses, with: inputs }] of steps) {
      if (!/^actions\/checkout@/.test(uses)) continue;
      assert.strictEqual(inputs['persist-credentials'], false, name);
    }
  });

  it('give their own action inputs that it has', () => {
    for (const [name, { uses, with: inputs }] of steps) {
      if (uses !== './.github/actions/setup') continue;
      for (const input of Object.keys(inputs)) {
        assert.ok(Object.hasOwn(action.inputs, input), `${name}: ${input}`);
      }
      assert.ok(inputs.node, name);
    }
  });

  it('put nothing from outside into the text of a script', () => {
    for (const [name, run] of scripts) assert.ok(!run.includes('${{'), name);
  });

  const noBash =
    spawnSync('bash', ['--version']).status !== 0 && 'bash is not installed';

  it('have scripts that bash can read', { skip: noBash }, () => {
    for (const [name, run] of scripts) {
      const { stderr } = spawnSync('bash', ['-n'], {
        encoding: 'utf8',
        input: run
      });

      assert.strictEqual(stderr, '', name);
    }
  });
});
