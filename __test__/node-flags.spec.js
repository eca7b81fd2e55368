'use strict';

// Flags of Node.js that take something away which packages may count on.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');

const run = require('./support/child');
const { oracle } = require('./support/ferrows');

const ROOT = path.join(__dirname, '..');

/** Flags with which everything works. */
const HARMLESS = [
  '--jitless',
  '--frozen-intrinsics',
  '--disable-proto=delete',
  '--disable-proto=throw',
  '--disallow-code-generation-from-strings'
];

const major = parseInt(process.versions.node, 10);

/** The flag of the permission model, if there is one. */
const PERMISSION = major < 22 ? '--experimental-permission' : '--permission';
const permissions = { skip: major < 20 && 'Node 18 has none' };

/** What programs need besides to load the package. */
const READ = `--allow-fs-read=${path.join(ROOT, '*')}`;
const NET = major >= 26 ? ['--allow-net'] : [];

/** A program: echoes over a compressed connection. */
const echo = ({ WebSocket, WebSocketServer }) => {
  const options = { port: 0, host: '127.0.0.1', perMessageDeflate: true };
  const wss = new WebSocketServer(options, () => {
    const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
    let left = 12;
    ws.on('open', () => ws.send('hello '.repeat(400)));
    ws.on('message', (data) => {
      if (--left > 0) return ws.send(data);
      console.log(data.toString('latin1', 0, 5));
      ws.close();
    });
    ws.on('close', () => wss.close());
  });
  wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
};

/** A program: does that in a worker. */
const echoInWorker = `(tested, source, file) => {
  const { Worker } = require('node:worker_threads');
  new Worker('(' + source + ')(require(' + JSON.stringify(file) + '))', {
    eval: true
  });
}`;

/** Loads the package, and tells the chain of errors. */
const load = (file) => {
  try {
    require(file);
  } catch (err) {
    console.log(err.code);
    for (let cause = err; cause; cause = cause.cause) {
      console.log(cause.message.split('\n', 1)[0]);
    }
  }
};

/**
 * Runs a program, which has to print one word.
 *
 * @param {(string|Function)} program the program
 * @param {string[]} flags those of Node.js
 * @param {string[]} [args] arguments of the program
 */
async function greets(program, flags, args) {
  const { code, errors, lines } = await run(program, {
    flags: ['--no-warnings', ...flags],
    args
  });
  assert.deepStrictEqual([lines, code], [['hello'], 0], errors);
}

describe('With the flag', { timeout: 60000 }, () => {
  for (const flag of HARMLESS) {
    it(`\`${flag}\` everything works`, () => greets(echo, [flag]));
  }

  it(
    'of the permission model connections need `--allow-addons`',
    {
      ...permissions
    },
    async () => {
      const flags = [PERMISSION, '--allow-addons', READ, ...NET];
      await greets(echo, flags);
    }
  );

  it(
    'of the permission model workers need `--allow-worker`',
    {
      ...permissions
    },
    async () => {
      const flags = [PERMISSION, '--allow-addons', '--allow-worker', READ];
      const file = require.resolve('./support/ferrows');
      await greets(echoInWorker, [...flags, ...NET], [`${echo}`, file]);
    }
  );
});

describe('Where addons cannot be loaded', { timeout: 60000 }, () => {
  const skip = oracle && 'ws needs none';
  const rows = [['--no-addons'], [PERMISSION, READ]];

  for (const flags of rows) {
    const isLeft = skip || (flags.length > 1 && permissions.skip);
    it(`an error says so: \`${flags[0]}\``, { skip: isLeft }, async () => {
      const source = `(${load})(${JSON.stringify(ROOT)})`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--no-warnings', ...flags, '-e', source],
        { env: { ...process.env, NODE_TEST_CONTEXT: undefined } }
      );
      const lines = stdout.trim().split('\n');
      assert.strictEqual(lines[0], 'FERROWS_ERR_NO_ADDON');
      assert.match(lines.at(-1), /loading addons is disabled/);
    });
  }
});
