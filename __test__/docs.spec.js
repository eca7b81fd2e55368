'use strict';

// Runs the examples of the documents. A block of code marked `js` or `mjs` is a
// program that has to end by itself; a block marked `text` right after it is
// what the program prints. `<!-- not run -->` before a block leaves it out.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const path = require('node:path');
const { promisify } = require('node:util');

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
