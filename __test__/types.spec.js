'use strict';

// Compiles the programs in `types/`. Those named `compat` use only what
// @types/ws declares, and have to compile with both.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { describe, it } = require('node:test');
const path = require('node:path');
const { promisify } = require('node:util');

/** How long a compilation may take, in milliseconds. */
const TIMEOUT = 120e3;

/**
 * Compiles the programs of a project.
 *
 * @param {string} name the name of a configuration in `types/`
 */
async function compile(name) {
  const { message = '', stdout } = await promisify(execFile)(
    process.execPath,
    [
      require.resolve('typescript/bin/tsc'),
      '--project',
      path.join(__dirname, 'types', name)
    ],
    { timeout: TIMEOUT }
  ).catch((err) => err);

  assert.strictEqual(stdout + message, '');
}

describe('types', () => {
  it('are found and right as Node resolves packages', () =>
    compile('tsconfig.json'));

  it('are found and right as bundlers resolve packages', () =>
    compile('tsconfig.bundler.json'));

  it('are right where the types of the browser are known too', () =>
    compile('tsconfig.dom.json'));

  it('accept programs that @types/ws accepts', () =>
    compile('tsconfig.oracle.json'));
});
