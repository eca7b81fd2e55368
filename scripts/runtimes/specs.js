'use strict';

// Counts which tests of `__test__` pass in a runtime whose `node:test` is not
// that of Node.js.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { ROOT } = require('../toolchain');
const { run } = require('./suite');

/** Milliseconds that a file may take. */
const TIMEOUT = 120e3;

/** @return {string[]} all test files, in a fixed order */
function specFiles() {
  const tests = path.join(ROOT, '__test__');
  return fs
    .readdirSync(tests, { recursive: true })
    .filter((name) => name.endsWith('.spec.js'))
    .filter((name) => !name.includes('node_modules'))
    .map((name) => `./__test__/${name}`)
    .sort();
}

/**
 * Counts the tests of a report in the format of JUnit.
 *
 * @param {string} text the report
 * @return {{passed: number, failed: number, skipped: number}} how many
 */
function count(text) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const cases = [
    ...text.matchAll(
      /<testcase name="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs
    )
  ];
  for (const [, name, body = ''] of cases) {
    // Deno reports what groups tests as one more of them.
    if (cases.some(([, other]) => other.startsWith(`${name} &gt; `))) continue;
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}

/**
 * Runs all test files, and prints the counts of those in which something fails,
 * and of all together.
 *
 * @param {string} name what to call the runtime
 * @param {Object} runtime
 * @param {string} runtime.program its program
 * @param {function(string, string): string[]} runtime.specs arguments that run a
 *     file and write a report
 */
async function countSpecs(name, { program, specs }) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-'));
  const total = { passed: 0, failed: 0, skipped: 0, broken: 0 };
  try {
    for (const file of specFiles()) {
      const report = path.join(home, 'report.xml');
      fs.rmSync(report, { force: true });
      const { code, signal } = await run(program, specs(file, report), {
        // There is no other, which tests of others would take for an error.
        env: { FERROWS_TRANSPORT: 'stream' },
        timeout: TIMEOUT
      });
      const counts = fs.existsSync(report)
        ? count(fs.readFileSync(report, 'utf8'))
        : { passed: 0, failed: 0, skipped: 0 };
      for (const key of Object.keys(counts)) total[key] += counts[key];
      if (code === 0) continue;
      const { passed, failed } = counts;
      // A file that cannot be run says nothing of its tests.
      if (passed + failed === 0) total.broken++;
      console.log(
        `  ${file}: ${passed} passed, ${failed} failed` +
          (passed + failed === 0 ? `, not run (${signal ?? code})` : '')
      );
    }
  } finally {
    fs.rmSync(home, { recursive: true });
  }
  console.log(
    `${name}: ${total.passed} passed, ${total.failed} failed, ` +
      `${total.skipped} skipped, ${total.broken} files not run`
  );
}

module.exports = { countSpecs };
