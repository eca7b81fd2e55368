'use strict';

// Connections that end at any moment, and what is left of them.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const run = require('./support/child');
const { WebSocket, WebSocketServer } = require('./support/ferrows');

const FERROWS = require.resolve('./support/ferrows');

/** Pseudo-random numbers below 1, the same for the same seed (mulberry32). */
function randomness(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Ways to end a connection, or to get in the way of its end. */
const ACTS = [
  (ws) => ws.close(),
  (ws) => ws.close(4000, 'reason'),
  (ws) => ws.terminate(),
  (ws) => {
    ws.close();
    ws.terminate();
  },
  (ws) => {
    ws.pause();
    ws.close();
    setImmediate(() => ws.resume());
  },
  (ws) => {
    ws.pause();
    ws.terminate();
  },
  (ws) => ws._socket?.end(),
  (ws) => ws._socket?.destroy(),
  (ws) => ws._socket?.resetAndDestroy?.(),
  (ws) => ws._socket?.destroy(new Error('destroyed')),
  (ws) => assert.ok(ws._receiver),
  (ws) => {
    assert.ok(ws._receiver);
    ws.terminate();
  },
  (ws) => ws._socket?.write(Buffer.from([0xf3, 0x80]))
];

/** Moments to do it: each calls its second argument once. */
const MOMENTS = [
  (ws, act) => act(),
  (ws, act) => process.nextTick(act),
  (ws, act) => queueMicrotask(act),
  (ws, act) => setImmediate(act),
  (ws, act, random) => setTimeout(act, random() * 10),
  (ws, act) => ws.once('message', act),
  (ws, act) => ws.once('ping', act),
  (ws, act) => ws._socket?.once('data', act),
  (ws, act) => ws._socket?.prependOnceListener('data', act),
  (ws, act) => ws._socket?.once('close', act),
  (ws, act) => ws.once('close', act),
  (ws, act) => ws.send('x', act),
  (ws, act) => ws.send(new Blob(['x']), act),
  (ws, act, random) => {
    let count = Math.floor(random() * 30);
    ws.on('message', () => count-- === 0 && act());
  }
];

/**
 * Sends, watches, and checks that whatever happens stays in order.
 *
 * @param {WebSocket} ws the WebSocket, open
 * @param {function(): number} random the randomness
 * @return {Promise} settles when all is over; rejects if something is wrong
 */
function exercise(ws, random) {
  const failures = [];
  let received = 0;
  let errors = 0;
  let closes = 0;
  const called = [];
  let sent = 0;

  const check = (condition, what) => condition || failures.push(what);
  ws.on('message', (data) => {
    check(closes === 0, 'a message after close');
    const text = data.toString();
    if (!text.startsWith('m')) return;
    const number = Number(text.slice(1, 8));
    check(number === received++, `${number} out of order`);
  });
  ws.on('error', () => {
    check(closes === 0 && errors++ === 0, 'another error');
  });

  const send = () => {
    const number = sent++;
    const size = random() < 0.1 ? Math.floor(random() * 80000) : 0;
    const text = `m${String(number).padStart(7, '0')}${'x'.repeat(size)}`;
    ws.send(text, () => called.push(number));
  };
  for (let i = 0; i < 20; i++) send();
  ws.ping('p');
  let ticks = 0;
  const interval = setInterval(() => {
    for (let i = random() * 6; i > 0; i--) send();
    if (random() < 0.3) ws.ping();
    if (++ticks === 6) {
      clearInterval(interval);
      ws.close();
      setTimeout(() => ws.terminate(), 300);
    }
  }, 2);

  const ended = new Promise((resolve) => {
    ws.on('close', () => {
      check(closes++ === 0, 'close twice');
      check(ws.readyState === WebSocket.CLOSED, 'not CLOSED in close');
      resolve();
    });
  });
  return ended.then(async () => {
    while (called.length < sent || ticks < 6) await sleep(1);
    await sleep(1);
    assert.deepStrictEqual(failures, []);
    const counts = new Set(called);
    assert.strictEqual(counts.size, sent, 'a callback was called twice');
  });
}

describe('Connections that end', { timeout: 110000 }, () => {
  it('at any moment, in any way, end well', async (t) => {
    const wss = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      closeTimeout: 100
    });
    await once(wss, 'listening');
    t.after(() => wss.close());
    const url = `ws://127.0.0.1:${wss.address().port}`;

    const one = async (seed) => {
      const random = randomness(seed);
      const pick = (list) => list[Math.floor(random() * list.length)];
      const act = pick(ACTS);
      const moment = pick(MOMENTS);
      const client = new WebSocket(`${url}/${seed}`, {
        perMessageDeflate: false,
        closeTimeout: 100,
        allowSynchronousEvents: random() < 0.8
      });
      // Both are watched from the very moment that they are open.
      let near;
      client.on('open', () => (near = exercise(client, random)));
      const { server, far } = await new Promise((resolve) => {
        wss.on('connection', function onConnection(ws, { url: path }) {
          if (path !== `/${seed}`) return;
          wss.off('connection', onConnection);
          resolve({ server: ws, far: exercise(ws, random) });
        });
      });
      if (near === undefined) await once(client, 'open');
      const victim = random() < 0.5 ? client : server;
      moment(victim, () => act(victim), random);
      await Promise.all([near, far]).catch((err) => {
        err.message += ` (seed ${seed}: ${moment} ${act})`;
        throw err;
      });
    };

    for (let seed = 0; seed < 500; seed += 25) {
      await Promise.all(Array.from({ length: 25 }, (_, i) => one(seed + i)));
    }
    assert.strictEqual(wss.clients.size, 0);
  });

  it('leave nothing in memory, nor open', async () => {
    const { lines, errors } = await run(
      ({ WebSocket, WebSocketServer }) => {
        const fs = require('node:fs');
        const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        wss.on('connection', (ws) => {
          ws.on('message', (data) => {
            for (let i = 0; i < 3; i++) ws.send(data);
          });
        });

        const talk = (how) =>
          new Promise((resolve) => {
            const { port } = wss.address();
            const ws = new WebSocket(`ws://127.0.0.1:${port}`);
            ws.binaryType = how % 2 ? 'nodebuffer' : 'fragments';
            let count = 0;
            ws.on('open', () => {
              if (how % 7 === 0) ws.send(Buffer.alloc(100000), { fin: false });
              else ws.send('hello');
              ws.send(Buffer.alloc(50000));
              if (how % 5 === 0) ws._receiver.on('message', () => {});
              if (how % 7 === 0) ws.terminate();
            });
            ws.on('message', () => {
              if (++count === 6) how % 3 ? ws.close() : ws.terminate();
            });
            ws.on('close', resolve);
          });
        const round = async (count) => {
          for (let i = 0; i < count; i += 50) {
            await Promise.all(Array.from({ length: 50 }, (_, n) => talk(n)));
          }
        };
        const usage = async () => {
          for (let i = 0; i < 6; i++) {
            global.gc();
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          const { heapUsed, external, arrayBuffers } = process.memoryUsage();
          const fds =
            process.platform === 'linux'
              ? fs.readdirSync('/proc/self/fd').length
              : 0;
          return { heapUsed, external, arrayBuffers, fds };
        };
        wss.on('listening', async () => {
          await round(400);
          const before = await usage();
          await round(2000);
          const after = await usage();
          console.log(JSON.stringify({ before, after }));
          process.exit();
        });
      },
      { flags: ['--expose-gc'], timeout: 60000 }
    );
    assert.strictEqual(errors, '');
    const { before, after } = JSON.parse(lines[0]);
    const grown = Object.fromEntries(
      Object.keys(after).map((key) => [key, after[key] - before[key]])
    );
    const told = JSON.stringify(grown);
    assert.ok(grown.heapUsed < 1.5e6, told);
    assert.ok(grown.external < 1e6, told);
    assert.ok(grown.arrayBuffers < 1e6, told);
    assert.ok(grown.fds <= 2, told);
  });

  it('with the thread they live in do no harm', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { WebSocket, WebSocketServer } = require(workerData);
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const { port } = wss.address();
        const ws = new WebSocket('ws://127.0.0.1:' + port);
        ws.on('open', () => {
          for (let i = 0; i < 50; i++) ws.send(Buffer.alloc(i * 1000));
        });
        ws.on('message', (data) => ws.send(data));
        parentPort.postMessage(port);
      });
      wss.on('connection', (ws) => {
        ws.on('message', (data) => {
          ws.send(data);
          ws.send('more');
        });
      });`;
    const random = randomness(1);
    for (let i = 0; i < 20; i++) {
      const worker = new Worker(source, { eval: true, workerData: FERROWS });
      const failed = [];
      worker.on('error', (err) => failed.push(err));
      const [port] = await once(worker, 'message');
      const ws = new WebSocket(`ws://127.0.0.1:${port}`);
      let messages = 0;
      ws.on('message', () => messages++);
      ws.on('error', () => {});
      const closed = new Promise((resolve) => ws.on('close', resolve));
      const sending = setInterval(() => ws.readyState === 1 && ws.send('a'), 1);
      await sleep(random() * 40);
      await worker.terminate();
      await closed;
      clearInterval(sending);
      assert.deepStrictEqual(failed, []);
      assert.ok(messages >= 0);
    }
  });

  it('keep the process alive no longer than they last', async () => {
    const { code, lines } = await run(({ WebSocket, WebSocketServer }) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('open', () => ws.close());
        ws.on('close', () => wss.close());
      });
      process.on('exit', () => console.log('over'));
    });
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(lines, ['over']);
  });
});
