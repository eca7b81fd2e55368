'use strict';

// Worker threads and other processes with connections of their own: each ends
// in its own way, at any moment.

const assert = require('node:assert');
const { once } = require('node:events');
const path = require('node:path');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const Random = require('./differential/random/prng');
const run = require('./support/child');
const { oracle, WebSocket, WebSocketServer } = require('./support/ferrows');
const { adopted, forced, NATIVE } = require('./support/native');

const FERROWS = require.resolve('./support/ferrows');
const CLUSTER = path.join(__dirname, 'support', 'cluster.js');
const CLUSTER_ENDS = path.join(__dirname, 'support', 'cluster-ends.js');
const HANDED = path.join(__dirname, 'support', 'handed-socket.js');

/**
 * The source of a thread with a server and a client, which says where it
 * listens when both are connected.
 *
 * @param {string} more what else it does with `wss`, `ws` and `far`
 * @return {string}
 */
const source = (more) => `
  const { once } = require('node:events');
  const { parentPort, workerData } = require('node:worker_threads');
  const { WebSocket, WebSocketServer } = require(workerData.package);
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  (async () => {
    await once(wss, 'listening');
    const { port } = wss.address();
    const ws = new WebSocket('ws://127.0.0.1:' + port);
    const [[far]] = await Promise.all([
      once(wss, 'connection'),
      once(ws, 'open')
    ]);
    far.on('message', (data) => far.send(data));
    for (let i = 0; i < 5; i++) await new Promise((r) => setImmediate(r));
    parentPort.postMessage(port);
    ${more}
  })();`;

/**
 * Starts such a thread.
 *
 * @param {string} more see `source()`
 * @param {Object} [data] more for its `workerData`
 * @return {Promise<{worker: Worker, port: number, ended: Promise<number>}>}
 */
async function start(more, data) {
  const worker = new Worker(source(more), {
    eval: true,
    workerData: { package: FERROWS, ...data }
  });
  const ended = new Promise((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  ended.catch(() => {});
  const [port] = await once(worker, 'message');
  return { worker, port, ended };
}

describe('A worker thread', { timeout: 60000 }, () => {
  it('ends when its connections have ended', async () => {
    const { ended } = await start(`
      ws.send('x');
      ws.on('message', () => {
        ws.close();
        wss.close();
      });`);
    assert.strictEqual(await ended, 0);
  });

  it('lives as long as it has connections', async () => {
    const { ended, worker } = await start('wss.close();');
    const first = await Promise.race([ended, sleep(100, 'alive')]);
    assert.strictEqual(first, 'alive');
    assert.strictEqual(await worker.terminate(), 1);
  });

  it('ends with connections that are unreferenced', async () => {
    const { ended } = await start(`
      wss._server.unref();
      ws._socket.unref();
      far._socket.unref();`);
    assert.strictEqual(await ended, 0);
  });

  it('may be terminated at any moment', async () => {
    const random = new Random(5);
    const talk = `
      ws.on('message', (data) => {
        ws.send(data);
        if (Math.random() < 0.1) ws.send(data);
      });
      for (let i = 0; i < 50; i++) ws.send('x'.repeat(i * 50));
      const timer = setInterval(() => ws.send('more'), 1);`;
    const one = async () => {
      const { worker, port } = await start(talk);
      const ws = new WebSocket(`ws://127.0.0.1:${port}`);
      ws.on('error', () => {});
      const closed = once(ws, 'close');
      await once(ws, 'open');
      ws.on('message', (data) => ws.send(data));
      ws.send('here');
      ws.send('and there');
      await sleep(random.below(30));
      assert.strictEqual(await worker.terminate(), 1);
      const [code] = await closed;
      assert.strictEqual(code, 1006);
    };
    for (let i = 0; i < 5; i++) {
      await Promise.all([one(), one(), one()]);
    }
  });

  it('sends what it has sent before it exits', async (t) => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    t.after(() => wss.close());
    for (const count of [1, 2, 500]) {
      const texts = [];
      const over = new Promise((resolve) => {
        wss.once('connection', (ws) => {
          ws.on('message', (data) => texts.push(data.toString()));
          ws.on('close', resolve);
        });
      });
      const { ended } = await start(
        `
        const main = new WebSocket(workerData.url);
        main.on('open', () => {
          setTimeout(() => {
            for (let i = 0; i < workerData.count; i++) main.send('' + i);
            process.exit(3);
          }, 20);
        });`,
        { count, url: `ws://127.0.0.1:${wss.address().port}` }
      );
      assert.strictEqual(await ended, 3);
      await over;
      assert.deepStrictEqual(
        texts,
        Array.from({ length: count }, (_, i) => `${i}`)
      );
    }
  });

  it('may exit, or throw, in any handler', async () => {
    for (const act of ['process.exit(3)', "throw new Error('thrown')"]) {
      for (const event of ['message', 'ping', 'pong', 'close']) {
        const { ended } = await start(`
          ws.on('${event}', () => {
            ws.send('last', () => {});
            ${act};
          });
          setTimeout(() => {
            if ('${event}' === 'close') return far.close();
            far.send('x');
            far.ping();
            // It is not answered by an end that closes.
            ws.ping();
          }, 10);`);
        if (act.startsWith('throw')) {
          await assert.rejects(ended, { message: 'thrown' });
        } else {
          assert.strictEqual(await ended, 3);
        }
      }
    }
  });

  it('does no harm to the connections of another', async (t) => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    t.after(() => wss.close());
    wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
    await once(ws, 'open');
    t.after(() => ws.terminate());
    await adopted(ws, ...wss.clients);
    let count = 0;
    ws.on('message', (data) => {
      assert.strictEqual(data.toString(), `${count}`);
      ws.send(`${++count}`);
    });
    ws.send('0');
    for (let i = 0; i < 5; i++) {
      const before = count;
      const { worker } = await start('ws.send("x");');
      await worker.terminate();
      while (count < before + 10) await sleep(1);
    }
  });
});

describe('Another process', { timeout: 60000 }, () => {
  /**
   * @param {string} file a program that prints JSON
   * @return {Promise<Object>} what it printed
   */
  const resultOf = async (file) => {
    const { code, errors, lines } = await run(
      (tested, program) => require(program),
      { args: [file] }
    );
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
    return JSON.parse(lines[0]);
  };

  it('shares its port with others: `node:cluster`', async () => {
    const { codes, echoes, workers } = await resultOf(CLUSTER);
    assert.strictEqual(echoes, 20);
    assert.strictEqual(workers, 2);
    assert.deepStrictEqual(codes, [0, 0]);
  });

  it('takes its own connections along, and leaves when all are over', async () => {
    const result = await resultOf(CLUSTER_ENDS);
    assert.ok(result.both);
    assert.strictEqual(result.signal, 'SIGKILL');
    assert.ok(result.ofKilled.every((code) => code === 1006));
    const ids = [...result.answers, ...result.afterwards, result.newcomer];
    assert.ok(ids.every((id) => id === result.leaving));
    assert.ok(result.ofLeaving.every((code) => code === 1000));
    assert.strictEqual(result.code, 0);
  });

  it('may be handed a socket before its upgrade', async () => {
    const { codes, echoes, transport } = await resultOf(HANDED);
    assert.deepStrictEqual(
      echoes,
      Array.from({ length: 12 }, (_, i) => `${i}`)
    );
    const expected = forced === 'auto' ? NATIVE : [forced];
    if (!oracle) assert.ok(expected.includes(transport), transport);
    assert.deepStrictEqual(codes, [0]);
  });
});
