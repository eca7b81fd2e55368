'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const { ROOT, scratch, script } = require('./support/repository');

describe('test-binary.js', () => {
  it('explains itself without a directory', () => {
    const { status, errors } = script('test-binary.js', []);

    assert.strictEqual(status, 2);
    assert.match(errors.join('\n'), /^usage: /);
  });

  for (const names of [
    [],
    ['ferrows.so', 'README.md'],
    ['ferrows.aix-x64.node', 'ferrows.aix-ppc64.node']
  ]) {
    it(`refuses a directory with ${names.join(', ') || 'nothing'}`, (t) => {
      const directory = scratch(t);
      const addons = names.filter((name) => name.endsWith('.node'));

      for (const name of names)
        fs.writeFileSync(path.join(directory, name), '');
      assert.deepStrictEqual(script('test-binary.js', [directory]), {
        status: 1,
        lines: [],
        errors: [`${directory} holds ${addons.length} addons`]
      });
    });
  }

  it('tests nothing with an addon that is not for this platform', (t) => {
    const directory = scratch(t);
    const name = 'ferrows.aix-ppc64.node';

    fs.writeFileSync(path.join(directory, name), '');

    const { status, lines, errors } = script('test-binary.js', [directory]);

    assert.strictEqual(status, 1);
    assert.deepStrictEqual(lines, []);
    assert.deepStrictEqual(errors, [
      `this platform does not load ${path.join(ROOT, name)}`
    ]);
    assert.ok(!fs.existsSync(path.join(ROOT, name)));
  });
});
