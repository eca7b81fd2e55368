'use strict';

// Gives the repository the version of the next release: in the manifests of npm
// and cargo, in their lockfiles and in what is generated from them, in the
// documents' commands, and in the changelog, whose open section gets today's date.
//
//   node scripts/release/version.js 1.2.3 [ROOT]

const fs = require('node:fs');
const path = require('node:path');

const changelog = require('./changelog');
const { isVersion, writeVersion } = require('./versions');

/**
 * Runs the command.
 *
 * @param {string[]} args the command line's arguments
 */
function main([version, root = path.join(__dirname, '../..')]) {
  if (version === undefined || !isVersion(version)) {
    console.error('usage: node scripts/release/version.js X.Y.Z [ROOT]');
    process.exitCode = 2;
    return;
  }

  const file = path.join(root, 'CHANGELOG.md');
  const today = new Date().toISOString().slice(0, 10);
  let text;

  try {
    text = changelog.close(fs.readFileSync(file, 'utf8'), version, today);
  } catch (err) {
    console.error(`version: ${err.message}`);
    process.exitCode = 1;
    return;
  }

  // Only now, so that a changelog which is not ready leaves everything as it is.
  fs.writeFileSync(file, text);
  for (const name of ['CHANGELOG.md', ...writeVersion(root, version)]) {
    console.log(name);
  }
}

main(process.argv.slice(2));
