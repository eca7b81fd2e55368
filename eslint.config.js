'use strict';

const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  // `binding.js` is written by `napi build`.
  { ignores: ['binding.js', 'target/', 'fuzz/'] },
  {
    ...js.configs.recommended,
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'commonjs',
      globals: globals.node
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...js.configs.recommended.rules,
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      strict: ['error', 'global']
    }
  },
  {
    // An old Node.js has to understand them, to be told that it is too old.
    files: ['index.js', 'lib/node-version.js'],
    languageOptions: { ecmaVersion: 2015 }
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { sourceType: 'module' }
  },
  {
    files: ['demo/public/**/*.js'],
    languageOptions: { sourceType: 'module', globals: globals.browser }
  },
  {
    // The functions given to `page.evaluate` and its like run in the browser.
    files: ['__test__/demo.spec.js'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } }
  }
];
