'use strict';

// Says whether a branch owes the changelog a line: it changes what is published
// and not CHANGELOG.md. A commit with the trailer `Changelog: none`, or the label
// `no changelog` on the pull request, says that users notice nothing.
//
//   node scripts/release/require-changelog.js BASE
//
// BASE is what the branch is to be merged into. The variable LABELS holds the
// labels, as a JSON list.

const { execFileSync } = require('node:child_process');

/** What users may notice: the sources of the package, without their tests. */
const NOTICED =
  /^(src|lib)\/|^crates\/[^/]+\/src\/|^(index|binding|browser|wrapper)\./;

/** The label that says that users notice nothing. */
const LABEL = 'no changelog';

/**
 * Asks git something.
 *
 * @param {...string} args its arguments
 * @return {string[]} the lines of its answer that are not empty
 */
function git(...args) {
  const lines = execFileSync('git', args, { encoding: 'utf8' }).split('\n');

  return lines.filter((line) => line !== '');
}

/**
 * Lists the changes that the changelog should mention and does not.
 *
 * @param {string} base what the branch is to be merged into
 * @param {string[]} labels the labels of the pull request
 * @return {string[]} the changed files, none if all is well
 */
function owing(base, labels) {
  const changed = git('diff', '--name-only', `${base}...HEAD`);
  const trailers = git(
    'log',
    '--format=%(trailers:key=Changelog,valueonly)',
    `${base}..HEAD`
  );

  if (
    changed.includes('CHANGELOG.md') ||
    labels.includes(LABEL) ||
    trailers.includes('none')
  ) {
    return [];
  }
  return changed.filter((file) => NOTICED.test(file));
}

/**
 * Runs the command.
 *
 * @param {string[]} args the command line's arguments
 */
function main([base]) {
  if (base === undefined) {
    console.error('usage: node scripts/release/require-changelog.js BASE');
    process.exitCode = 2;
    return;
  }

  const files = owing(base, JSON.parse(process.env.LABELS || '[]'));

  if (files.length > 0) {
    console.error(
      'CHANGELOG.md does not mention this change. If users do not notice it, ' +
        `give the pull request the label "${LABEL}", or a commit the trailer ` +
        '"Changelog: none". Changed:'
    );
    for (const file of files) console.error(`  ${file}`);
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
