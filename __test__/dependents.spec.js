'use strict';

// Packages that use `ws` hold small conversations over the package under test,
// which npm's `overrides` put in the place of `ws` for them.

const assert = require('node:assert');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { describe, it } = require('node:test');

const { HOME, install, load, loadModule } = require('./dependents/home');
const ferrows = require('./support/ferrows');
const root = require('../package.json');

/** The packages that load `ws` themselves. */
const LOADERS = [
  '@fastify/websocket',
  'engine.io',
  'engine.io-client',
  'graphql-ws',
  'isomorphic-ws',
  'mqtt',
  'socket.io-adapter'
];

const skip = install();

describe('dependents', { skip }, () => {
  describe('get the package under test as `ws`', () => {
    const entry = require.resolve(ferrows.oracle ? 'ws' : '..');

    for (const name of LOADERS) {
      it(`in ${name}`, () => {
        const manifest = path.join(HOME, 'node_modules', name, 'package.json');

        assert.strictEqual(createRequire(manifest).resolve('ws'), entry);
      });
    }

    it('as the only `ws` of all', () => {
      const lockfile = require('./dependents/package-lock.json');
      const found = Object.keys(lockfile.packages).filter((name) =>
        name.endsWith('node_modules/ws')
      );

      assert.deepStrictEqual(found, ['node_modules/ws']);
      assert.strictEqual(
        fs.realpathSync(path.join(HOME, ...found[0].split('/'))),
        path.dirname(entry)
      );
    });

    it('with the manifest that the lockfile has', () => {
      const lockfile = require('./dependents/package-lock.json');
      const { version, devDependencies, engines } = lockfile.packages['../..'];

      assert.deepStrictEqual(
        { version, devDependencies, engines },
        {
          version: root.version,
          devDependencies: root.devDependencies,
          engines: root.engines
        }
      );
    });

    it('by `require` and by `import`', async () => {
      const { default: WebSocket, WebSocketServer } = await loadModule('ws');

      assert.strictEqual(load('ws').WebSocketServer, ferrows.WebSocketServer);
      assert.strictEqual(WebSocketServer, ferrows.WebSocketServer);
      assert.strictEqual(WebSocket, ferrows.WebSocket);
    });
  });

  require('./dependents/engine.io');
  require('./dependents/fastify-websocket');
  require('./dependents/graphql-ws');
  require('./dependents/mqtt');
  require('./dependents/reconnecting-websocket');
  require('./dependents/socket.io');
  require('./dependents/trpc');
  require('./dependents/y-websocket');
});
