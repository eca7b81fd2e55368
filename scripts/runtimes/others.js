'use strict';

// What is tried in Bun and in Deno: the suite, whatever transport is asked for,
// and how a program gets the package.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { ROOT } = require('../toolchain');
const { ensure, PACKAGES } = require('./packages');
const { run, runSuite } = require('./suite');

/** Values of FERROWS_TRANSPORT; all of them come down to `stream`. */
const ASKED = ['', 'stream', 'loop', 'tokio'];

/** What is tried again for each of them. */
const AGAIN = 'transport|echoes|compresses|worker';

/** What the package consists of where it is installed, and the addon. */
const INSTALLED =
  /^(?:package\.json|index\.js|wrapper\.mjs|binding\.js|lib|ferrows\..*\.node)$/;

/** A program that imports the package under two names. */
const PROGRAM = `
  import { createRequire } from 'node:module';
  import { WebSocket, WebSocketServer } from 'ferrows';
  import * as ws from 'ws';

  const required = createRequire(import.meta.url)('ferrows');
  const one = required.WebSocketServer === WebSocketServer;
  const alias = 'transport' in ws.WebSocket.prototype;
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    const ws = new WebSocket('ws://127.0.0.1:' + wss.address().port);
    ws.on('open', () => ws.send('hello'));
    ws.on('message', (data) => {
      console.log(data + ', one package: ' + one + ', alias: ' + alias);
      ws.close();
    });
    ws.on('close', () => wss.close());
  });
  wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
`;

/** A runtime that has the API of Node.js. */
class Other {
  /**
   * @param {string} name its name, as in `PACKAGES`
   * @param {Object} options
   * @param {string[]} options.args arguments before the name of a script
   * @param {string[]} options.strict the same, with no more leave than is needed
   * @param {boolean} options.hasAlias whether the name `ws` can be had
   * @param {function(string, string): string[]} options.specs arguments that run
   *     a test file and write a report
   */
  constructor(name, { args, strict, hasAlias, specs }) {
    this.name = name;
    this.specs = specs;
    this._args = args;
    this._strict = strict;
    this._hasAlias = hasAlias;
  }

  /** Fetches it. */
  install() {
    this.program = ensure(PACKAGES[this.name]);
  }

  /** @return {Promise<string[]>} what does not work */
  async run() {
    const all = [];
    for (const asked of ASKED) {
      const { passed, failures } = await runSuite(
        [this.program, ...this._args],
        { asked, got: ['stream'], only: asked === '' ? '' : AGAIN }
      );
      console.log(
        `  ${asked || 'auto'}: ${passed} passed, ${failures.length} failed`
      );
      all.push(...failures);
    }
    return [...all, ...(await this._imports())];
  }

  /**
   * Has a program import the package from its `node_modules`.
   *
   * @return {Promise<string[]>} what does not work
   */
  async _imports() {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-'));
    try {
      for (const name of ['ferrows', 'ws']) {
        for (const file of fs.readdirSync(ROOT)) {
          if (!INSTALLED.test(file)) continue;
          fs.cpSync(
            path.join(ROOT, file),
            path.join(home, 'node_modules', name, file),
            { recursive: true }
          );
        }
      }
      fs.writeFileSync(path.join(home, 'package.json'), '{}');
      fs.writeFileSync(path.join(home, 'program.mjs'), PROGRAM);
      const { stdout, stderr } = await run(
        this.program,
        [...this._strict, 'program.mjs'],
        { cwd: home, timeout: 60e3 }
      );
      const expected = `hello, one package: true, alias: ${this._hasAlias}\n`;
      if (stdout === expected && stderr === '') return [];
      return [`a program that imports it: ${stdout}${stderr}`];
    } finally {
      fs.rmSync(home, { recursive: true });
    }
  }
}

module.exports = {
  bun: new Other('bun', {
    args: [],
    strict: [],
    // Bun has a module of its own for it.
    hasAlias: false,
    specs: (file, report) => [
      ...['test', '--timeout=60000', '--reporter=junit'],
      ...[`--reporter-outfile=${report}`, file]
    ]
  }),

  deno: new Other('deno', {
    args: ['run', '--allow-all'],
    // The loader looks at `ldd` to know the C library.
    strict: [
      ...['run', '--no-prompt', '--allow-env', '--allow-net=127.0.0.1'],
      ...['--allow-read=.,/usr/bin/ldd', '--allow-ffi=node_modules']
    ],
    hasAlias: true,
    specs: (file, report) => [
      ...['test', '--allow-all', '--no-check', `--junit-path=${report}`],
      file
    ]
  })
};
