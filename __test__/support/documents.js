'use strict';

// Reads the blocks of code of a document, and judges them and the commands in
// them.

const fs = require('node:fs');
const path = require('node:path');

/** The line that begins or ends a block, in a list too. */
const FENCE = /^( *)(`{3,}|~{3,})(.*)$/;

/** What a block of commands is marked as, if at all. */
const SHELL = ['', 'sh', 'bash', 'console'];

/** Where the files of a reader's own project are, and not those of here. */
const ELSEWHERE = /^(?:\/|\.{1,2}\/|-|node_modules\/|dist\/)/;

/**
 * Takes the blocks of code out of a document.
 *
 * @param {string} text the document
 * @return {Object[]} for each block the number of the line that begins it, its
 *     mark, its lines, what is wrong with its limits
 */
function blocks(text) {
  const lines = text.split('\n');
  const found = [];
  let open = null;

  lines.forEach((line, i) => {
    const [, indent, fence, info] = FENCE.exec(line) ?? [];

    if (open === null) {
      if (fence === undefined) return;
      open = { line: i + 1, info: info.trim(), fence, indent, lines: [] };
      open.faults = /^(?:|<!--.*-->)$/.test((lines[i - 1] ?? '').trim())
        ? []
        : ['follows a text without an empty line'];
      found.push(open);
    } else if (fence?.startsWith(open.fence) && info.trim() === '') {
      open.closed = true;
      open = null;
    } else {
      open.lines.push(
        line.replace(new RegExp(`^ {0,${open.indent.length}}`), '')
      );
    }
  });

  // A missing fence makes text a block, and blocks text, up to the next one.
  for (const block of found) {
    if (!block.closed) block.faults.push('has no end');
    if (block.lines[0] === '' || block.lines.at(-1) === '') {
      block.faults.push('begins or ends with an empty line');
    }
  }
  return found;
}

/**
 * Takes the commands out of a block.
 *
 * @param {string[]} lines its lines
 * @return {string[]} the commands, each in one line and without its comment
 */
function commands(lines) {
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/**
 * Lists what a command names that has to be in the repository.
 *
 * @param {string} command the command
 * @return {Object} the scripts of `package.json`, and the files
 */
function named(command) {
  const [, script] = /\bnpm run ([\w:-]+)/.exec(command) ?? [];
  const words = command
    .split(/\s+/)
    .filter((word) => !/^\w+=/.test(word) && !ELSEWHERE.test(word));
  const files = words.filter(
    (word, i) =>
      /\/.*\.(?:[cm]?js|sh|py)$/.test(word) || (i === 0 && word.includes('/'))
  );

  return { scripts: script === undefined ? [] : [script], files };
}

/**
 * Says what is wrong with a document's blocks and with the commands in them.
 *
 * @param {string} text the document
 * @param {string} root the repository
 * @return {string[]} the faults, each with the line of its block
 */
function judge(text, root) {
  const manifest = fs.readFileSync(path.join(root, 'package.json'), 'utf8');
  const known = Object.keys(JSON.parse(manifest).scripts);

  return blocks(text).flatMap(({ line, info, lines, faults }) => {
    const all = SHELL.includes(info) ? commands(lines).map(named) : [];
    const scripts = all.flatMap((one) => one.scripts);
    const files = all.flatMap((one) => one.files);

    return [
      ...faults.map((fault) => `the block in line ${line} ${fault}`),
      ...scripts
        .filter((name) => !known.includes(name))
        .map((name) => `line ${line}: there is no script ${name}`),
      ...files
        .filter((name) => !fs.existsSync(path.join(root, name)))
        .map((name) => `line ${line}: there is no file ${name}`)
    ];
  });
}

module.exports = { judge };
