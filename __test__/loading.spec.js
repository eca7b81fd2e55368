'use strict';

const assert = require('node:assert');
const { execFile, execFileSync } = require('node:child_process');
const { describe, it } = require('node:test');
const path = require('node:path');
const { promisify } = require('node:util');

const { oracle } = require('./support/ferrows');
const { addonError } = require('../lib/addon-error');

const name = oracle ? 'ws' : 'ferrows';

/** Only Linux lists them where a program can look. */
const skip = process.platform !== 'linux' && 'needs /proc';

/**
 * In a program: what `seen()` gives is the descriptors and the threads that
 * stay. It looks several times, since the C library's allocator opens a file
 * for a moment (overcommit_memory) when another thread frees memory.
 */
const LOOK = `
  const fs = require('node:fs');
  const { setTimeout: wait } = require('node:timers/promises');
  const links = () => fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    // The one that lists them is closed by now.
    try { return fd + ' ' + fs.readlinkSync('/proc/self/fd/' + fd); }
    catch { return []; }
  });
  const look = () => [links(), fs.readdirSync('/proc/self/task')];
  const both = (some, others) =>
    some.map((list, i) => list.filter((entry) => others[i].includes(entry)));
  const seen = async () => {
    let stays = look();
    for (let i = 0; i < 3; i++) {
      await wait(10);
      stays = both(stays, look());
    }
    return stays;
  };`;

/**
 * Runs a program in a process of its own, below the package.
 *
 * @param {string} program what it does; it calls `print()` with a value
 * @return {Promise<*>} the value
 */
async function run(program) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--eval',
      `const print = (value) => console.log(JSON.stringify(value));
       (async () => {${program}})();`
    ],
    { cwd: path.join(__dirname, '..'), timeout: 60e3 }
  );

  return JSON.parse(stdout);
}

describe('loading the package', () => {
  it('opens no descriptor and starts no thread', { skip }, async () => {
    const [before, after] = await run(`${LOOK}
      const before = await seen();
      require('${name}');
      print([before, await seen()]);`);

    assert.deepStrictEqual(after, before);
  });

  it('leaves that to the first socket', { skip }, async () => {
    const [before, after] = await run(`${LOOK}
      const { WebSocketServer } = require('${name}');
      const before = await seen();
      const server = new WebSocketServer({ noServer: true });
      await wait(20);
      server.close();
      print([before, await seen()]);`);

    assert.deepStrictEqual(after, before);
  });

  it(
    'notices both',
    { skip: skip || (oracle && 'it is ws that is loaded') },
    async () => {
      const [before, after] = await run(`${LOOK}
        const { WebSocket, WebSocketServer } = require('${name}');
        const before = await seen();
        const server = new WebSocketServer(
          { port: 0, host: '127.0.0.1', transport: 'tokio' },
          () => {
            const url = 'ws://127.0.0.1:' + server.address().port;
            const client = new WebSocket(url, { transport: 'tokio' });
            client.once('message', () => client.send('again'));
            client.on('message', async (data) => {
              if (String(data) !== 'again') return;
              print([before, await seen()]);
              client.terminate();
              server.close();
            });
          });
        server.on('connection', (peer) => {
          peer.on('message', (data) => peer.send(data));
          peer.send('hello');
        });`);
      const counts = ([links, threads]) => [links.length, threads.length];

      assert.ok(counts(after)[0] > counts(before)[0]);
      if (process.env.FERROWS_TRANSPORT === undefined) {
        assert.ok(counts(after)[1] > counts(before)[1]);
      }
    }
  );

  it(
    'loads no large module of Node before it is used',
    { skip: oracle && 'ws does' },
    async () => {
      const loaded = await run(`
        const list = () => process.moduleLoadList;
        const before = new Set(list());
        require('${name}');
        print(list().filter((entry) => !before.has(entry)));`);

      for (const large of [
        'crypto',
        'https',
        'tls',
        'worker_threads',
        'zlib'
      ]) {
        assert.ok(!loaded.includes(`NativeModule ${large}`), large);
      }
      assert.ok(loaded.includes('NativeModule http'), 'the list tells');
    }
  );
});

describe('loading the addon', { skip: oracle && 'ws has none' }, () => {
  it('leaves a function that took the place of process.dlopen', () => {
    const program = `
      const Module = require('node:module');
      const load = Module._load;
      Module._load = function (id, ...rest) {
        if (id.endsWith('binding.js')) {
          const { dlopen } = process;
          process.dlopen = function theirs(...args) {
            return dlopen.apply(this, args);
          };
        }
        return load.call(this, id, ...rest);
      };
      require('ferrows');
      console.log(process.dlopen.name);`;
    const args = ['--eval', program];

    assert.strictEqual(
      execFileSync(process.execPath, args, {
        cwd: path.join(__dirname, '..'),
        encoding: 'utf8'
      }),
      'theirs\n'
    );
  });

  it('leaves reports as the application wants them', () => {
    const before = process.report.excludeNetwork;

    process.report.excludeNetwork = false;
    addonError({ tried: [], cause: new Error('none'), mismatch: '' });
    assert.strictEqual(process.report.excludeNetwork, false);
    process.report.excludeNetwork = before;
  });
});
