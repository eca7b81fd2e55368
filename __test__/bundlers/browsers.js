'use strict';

// What a bundle for the browser has in the place of the package.

/** Shows it. */
const PROGRAM = `
import WebSocket from 'ferrows';

try {
  WebSocket('ws://127.0.0.1');
} catch (err) {
  console.log(err.message);
}
`;

/** The error of ws. */
const OUTPUT =
  'ws does not work in the browser. Browser clients must use the native ' +
  'WebSocket object\n';

/** How the program gets from `client.js` to `dist/client.js`. */
const RECIPES = [
  {
    bundler: 'esbuild',
    files: {},
    commands: 'npx esbuild client.js --bundle --outfile=dist/client.js'
  },
  {
    bundler: 'webpack',
    files: {
      'webpack.config.js': `module.exports = {
        mode: 'production',
        entry: './client.js',
        output: { path: \`\${__dirname}/dist\`, filename: 'client.js' }
      };`
    },
    commands: 'npx webpack'
  },
  {
    bundler: 'Rollup',
    files: {
      'rollup.config.mjs': `
        import commonjs from '@rollup/plugin-commonjs';
        import { nodeResolve } from '@rollup/plugin-node-resolve';

        export default {
          input: 'client.js',
          output: { file: 'dist/client.js', format: 'iife' },
          plugins: [nodeResolve({ browser: true }), commonjs()]
        };`
    },
    commands: 'npx rollup --config'
  },
  {
    bundler: 'Vite',
    files: {
      'vite.config.mjs': `export default {
        build: {
          rollupOptions: {
            input: 'client.js',
            output: { entryFileNames: 'client.js', format: 'iife' }
          }
        }
      };`
    },
    commands: 'npx vite build'
  }
];

module.exports = { OUTPUT, PROGRAM, RECIPES };
