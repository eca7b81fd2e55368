'use strict';

// Runs the examples of the documents. A block of code marked `js` or `mjs` is a
// program that has to end by itself; a block marked `text` right after it is
// what the program prints. `<!-- not run -->` before a block leaves it out.
//
// The commands of the documents are not run; what they name has to be there.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const path = require('node:path');
const { promisify } = require('node:util');

const { judge } = require('./support/documents');

const ROOT = path.join(__dirname, '..');

/** How long an example may run, in milliseconds. */
const TIMEOUT = 20e3;

/** A program, what stands right before it, and what follows it. */
const BLOCK =
  /(<!-- not run -->\s*)?^```(m?js)\n(.*?)^```\n(?:\s*^```text\n(.*?)^```\n)?/gms;

/**
 * Finds the examples of a document.
 *
 * @param {string} file the document
 * @return {Array} for each the line it stands in, its language, the program,
 *     and what it prints, if that is said
 */
function examples(file) {
  const text = fs.readFileSync(file, 'utf8');

  return [...text.matchAll(BLOCK)]
    .filter(([, notRun]) => notRun === undefined)
    .map(({ index, 2: language, 3: program, 4: output }) => ({
      line: text.slice(0, index).split('\n').length,
      language,
      program,
      output
    }));
}

for (const name of ['README.md', 'docs/api.md']) {
  describe(name, () => {
    const found = examples(path.join(ROOT, name));

    it('has examples', () => {
      assert.notStrictEqual(found.length, 0);
    });

    for (const { line, language, program, output } of found) {
      it(`has an example in line ${line} that works`, async () => {
        const type = language === 'mjs' ? 'module' : 'commonjs';
        const { stdout, stderr } = await promisify(execFile)(
          process.execPath,
          [`--input-type=${type}`, '--eval', program],
          { cwd: ROOT, timeout: TIMEOUT }
        );

        assert.strictEqual(stderr, '');
        if (output !== undefined) assert.strictEqual(stdout, output);
      });
    }
  });
}

describe('blocks of code', () => {
  const documents = fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);

  for (const name of ['README.md', 'CONTRIBUTING.md', ...documents]) {
    it(`have ends, and name what there is, in ${name}`, () => {
      const text = fs.readFileSync(path.join(ROOT, name), 'utf8');

      assert.deepStrictEqual(judge(text, ROOT), []);
    });
  }

  for (const [what, lines, faults] of [
    [
      'a fence without an end',
      ['```', 'npm test', 'Text.', '', '```', 'npm test', '```', 'Text.'],
      [
        'the block in line 1 begins or ends with an empty line',
        'the block in line 7 follows a text without an empty line',
        'the block in line 7 has no end'
      ]
    ],
    [
      'a script that is not there',
      ['1. A list:', '', '   ```sh', '   A=b npm run test:no -- x', '   ```'],
      ['line 3: there is no script test:no']
    ],
    [
      'a file that is not there',
      ['```', 'ls && node **test**/stress/flood.js # a comment', '```'],
      ['line 1: there is no file **test**/stress/flood.js']
    ],
    [
      'a program that is not there',
      ['```', 'A=/b scripts/no \\', '  --out artifacts/c', '```'],
      ['line 1: there is no file scripts/no']
    ],
    [
      "nothing wrong with a reader's own files, or with other languages",
      ['```', 'node ./a/b.js', '```', '', '```js', 'a = b/c.js', '```'],
      []
    ]
  ]) {
    it(`are judged where there is ${what}`, () => {
      assert.deepStrictEqual(judge(lines.join('\n'), ROOT), faults);
    });
  }
});
