'use strict';

// Runs a program of this folder, as short as it is of use.

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');

const child = require('../support/child');
const { oracle } = require('../support/ferrows');
const { forced } = require('../support/native');

/** The transports to try, unless the environment names one. */
const TRANSPORTS = forced === 'auto' ? ['loop', 'tokio'] : [forced];

/** Milliseconds that a program may take. */
const TIMEOUT = 60000;

/**
 * Defines a test for each transport: a program has to succeed.
 *
 * @param {string} program its file
 * @param {Object} options its options
 * @param {string} name what it shows
 */
function succeeds(program, options, name) {
  const args = Object.entries(options).map(
    ([key, value]) => `--${key}=${value}`
  );
  const skip = oracle && 'the programs are about ferrows';

  describe('In the long run', { timeout: 2 * TIMEOUT, skip }, () => {
    for (const transport of TRANSPORTS) {
      it(`${name}, with the transport ${transport}`, async () => {
        const { code, errors, lines } = await child(
          (tested, file, ...rest) => {
            process.argv.push(...rest);
            require(file);
          },
          {
            args: [path.join(__dirname, program), ...args],
            env: { FERROWS_TRANSPORT: transport },
            timeout: TIMEOUT
          }
        );
        assert.strictEqual(errors, '');
        assert.strictEqual(code, 0, lines.join('\n'));
        assert.ok(lines.at(-1).startsWith('ok'), lines.join('\n'));
      });
    }
  });
}

module.exports = succeeds;
