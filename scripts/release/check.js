'use strict';

// Says whether a tag can be released: the tag and every place that holds the
// version agree, the changelog has a dated section for it, and no document that
// comes with it says that it is not there. Prints that section, which is the text
// of the release.
//
//   node scripts/release/check.js v1.2.3 [ROOT]

const fs = require('node:fs');
const path = require('node:path');

const changelog = require('./changelog');
const { isVersion, readVersions } = require('./versions');

/** The documents that tell how to install the package. */
const DOCUMENTS = ['README.md', 'docs/install.md'];

/** What they say as long as no registry has it; lines may break anywhere. */
const UNPUBLISHED = /\bnot\s+published\s+on\s+npm\b/;

/**
 * Compares a repository with the tag that is to be released.
 *
 * @param {string} root the repository
 * @param {string} tag the tag
 * @return {Object} the changelog's section, if there is one, and the problems
 */
function check(root, tag) {
  const version = tag.replace(/^v/, '');

  if (!tag.startsWith('v') || !isVersion(version)) {
    return { section: null, problems: [`"${tag}" is not v and a version`] };
  }

  const text = fs.readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');
  const { section, problems } = changelog.judge(text, version);

  for (const [file, found] of readVersions(root)) {
    const wrong = found.filter((other) => other !== version);

    if (found.length === 0) problems.push(`${file} has no version`);
    if (wrong.length > 0) {
      problems.push(`${file} is of version ${wrong.join(', ')}`);
    }
  }
  for (const file of DOCUMENTS) {
    if (UNPUBLISHED.test(fs.readFileSync(path.join(root, file), 'utf8'))) {
      problems.push(`${file} says that it is not published on npm`);
    }
  }
  return { section, problems };
}

/**
 * Runs the command.
 *
 * @param {string[]} args the command line's arguments
 */
function main([tag, root = path.join(__dirname, '../..')]) {
  if (tag === undefined) {
    console.error('usage: node scripts/release/check.js TAG [ROOT]');
    process.exitCode = 2;
    return;
  }

  const { section, problems } = check(root, tag);

  if (problems.length > 0) {
    for (const problem of problems) console.error(`${tag}: ${problem}`);
    process.exitCode = 1;
    return;
  }
  console.log(section.text);
}

main(process.argv.slice(2));
