'use strict';

// The recipes of docs/bundlers.md, as they stand there: what they make runs
// away from where it was made, on the addon that was shipped with it.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { install } = require('../support/installation');
const browsers = require('./browsers');
const { ADDON, Workshop } = require('./project');
const { forRspack, readRecipes, underNameOfWs } = require('./recipes');

/** What of `node_modules` is shipped, by the beginning of a recipe's title. */
const SHIPPED = [
  ['With node_modules', ['ferrows', ADDON]],
  ['With the platform package in node_modules', [ADDON]],
  ['In one bundle', []],
  ['A copy of what', []]
];

/** How many recipes are tried at a time. */
const CONCURRENCY = 2;

/** Bun is no package to install, but may be there. */
const hasBun = spawnSync('bun', ['--version']).status === 0;

const skip =
  (process.platform === 'win32' && 'the recipes are for a shell') ||
  install(__dirname, '20.19');

describe('bundlers', { skip, concurrency: CONCURRENCY }, () => {
  const recipes = readRecipes();
  let workshop;

  before(async () => {
    workshop = await Workshop.open();
  });

  after(() => workshop.close());

  it('have recipes, each with commands', () => {
    assert.deepStrictEqual(
      [...new Set(recipes.map(({ bundler }) => bundler))],
      ['esbuild', 'webpack and Rspack', 'Rollup', 'Vite', '@vercel/nft', 'Bun']
    );
    assert.ok(recipes.every(({ commands }) => commands !== ''));
  });

  for (const recipe of recipes) {
    const { bundler, title } = recipe;
    const noBun = bundler === 'Bun' && !hasBun && 'there is no bun';

    it(`run a program: ${bundler}, ${title}`, { skip: noBun }, () =>
      follow(recipe)
    );

    // It is faster than webpack, and stands for it where the package is `ws`.
    const twin = bundler === 'webpack and Rspack' ? forRspack(recipe) : recipe;

    if (twin !== recipe) {
      it(`run a program: ${twin.bundler}, ${title}`, () => follow(twin));
    }
    if (bundler !== 'Bun' && !isAlias(recipe)) {
      it(`run a program: ${twin.bundler}, ${title}, with ferrows as ws`, () =>
        follow(underNameOfWs(twin), 'ws'));
    }
  }

  for (const { bundler, files, commands } of browsers.RECIPES) {
    it(`get a function that throws for the browser: ${bundler}`, async () => {
      const project = workshop.createProject();

      project.write({ 'client.js': browsers.PROGRAM, ...files });
      await project.bundle(commands);
      assert.strictEqual(
        await project.ship([]).run('client.js'),
        browsers.OUTPUT
      );
    });
  }

  /**
   * Follows a recipe, and runs what comes of it where nothing else is.
   *
   * @param {Object} recipe the recipe
   * @param {string} [name='ferrows'] the name that the package is installed by
   */
  async function follow(recipe, name = 'ferrows') {
    const project = workshop.createProject(name);
    const [, shipped] = SHIPPED.find(([start]) =>
      recipe.title.startsWith(start)
    );

    // An alias for ws is for packages in the bundle too.
    if (!isAlias(recipe)) project.writeProgram(name);
    else if (shipped.length > 0) project.writeProgram('ws');
    else project.writePackage('ws');
    project.write(recipe.files);
    await project.bundle(recipe.commands);
    await check(
      project.ship(shipped.map((item) => (item === 'ferrows' ? name : item)))
    );
  }
});

/**
 * Tells whether a recipe is for sources that say `ws`.
 *
 * @param {Object} recipe the recipe
 * @return {boolean} true if it is
 */
function isAlias({ title }) {
  return title.includes('alias');
}

/**
 * Runs bundles of the program, which have to use the addon that is there.
 *
 * @param {Shipment} shipment where they are
 */
async function check(shipment) {
  assert.notDeepStrictEqual(shipment.servers, []);
  for (const server of shipment.servers) {
    const { addons, ...rest } = JSON.parse(await shipment.run(server));

    assert.deepStrictEqual(rest, { text: '..........', transport: 'loop' });
    assert.strictEqual(addons.length, 1);
    assert.ok(addons[0].startsWith(shipment.directory + path.sep), addons[0]);
  }
}
