'use strict';

// Reads docs/bundlers.md. A heading of the second level is a bundler, one of
// the third a recipe; below it, a block of code whose first line is a comment
// with a file's name is that file, and a block marked `sh` are the commands.

const fs = require('node:fs');
const path = require('node:path');

const DOCUMENT = path.join(__dirname, '..', '..', 'docs', 'bundlers.md');

/** A heading, or a block of code. */
const PIECE = /^(##+) ([^\n]+)\n|^```(\w+)\n(.*?)^```\n/gms;

/** The first line of a block that is a file. */
const FILE = /^\/\/ (\S+)\n/;

/**
 * Reads the recipes.
 *
 * @return {Object[]} each with its `bundler`, its `title`, its `files` by their
 *     names, and its `commands`
 * @throws {TypeError} if a block is neither a file nor commands
 */
function readRecipes() {
  const text = fs.readFileSync(DOCUMENT, 'utf8');
  const recipes = [];
  let bundler;

  for (const [, level, title, language, code] of text.matchAll(PIECE)) {
    const recipe = recipes.at(-1);

    if (level === '##') bundler = title;
    else if (level) recipes.push({ bundler, title, files: {}, commands: '' });
    else if (language === 'sh') recipe.commands += code;
    else recipe.files[FILE.exec(code)[1]] = code;
  }
  return recipes;
}

/**
 * Makes a recipe of another that says `ws` for ferrows, where it is installed
 * under that name. The names of the addons' packages stay.
 *
 * @param {Object} recipe the recipe
 * @return {Object} the other recipe
 */
function underNameOfWs(recipe) {
  const rename = (text) => text.replace(/\bferrows\b(?![-.])/g, 'ws');
  const files = Object.entries(recipe.files).map(([name, text]) => [
    name,
    rename(text)
  ]);

  return {
    ...recipe,
    files: Object.fromEntries(files),
    commands: rename(recipe.commands)
  };
}

/**
 * Makes a recipe for Rspack of one for webpack.
 *
 * @param {Object} recipe the recipe
 * @return {Object} the other recipe
 */
function forRspack({ title, files, commands }) {
  return {
    bundler: 'Rspack',
    title,
    files: { 'rspack.config.js': files['webpack.config.js'] },
    commands: commands.replace('webpack', 'rspack build')
  };
}

module.exports = { forRspack, readRecipes, underNameOfWs };
