'use strict';

// Compressed messages of middle size: whether one is inflated where it is or on
// another thread depends on what else there is to do, and on the processors.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { itDiffers, lib, WebSocket } = require('./support/ferrows');
const { closed, listen } = require('./support/server');

/** Where a module of the package is. */
const libPath = (name) => path.join(__dirname, '..', 'lib', name);

const OPTIONS = { perMessageDeflate: { threshold: 0 } };

/** A text of 16 KiB that takes more than 4 KiB when it is compressed. */
function text(id, number) {
  let result = `${id} ${number} `;
  let state = id * 31 + number + 1;
  while (result.length < 16384) {
    state = (state * 48271) % 0x7fffffff;
    result += `${state.toString(36)} lorem ipsum `;
  }
  return result;
}

/**
 * Has a connection send texts to a server that sends them back.
 *
 * @param {string} url where the server is
 * @param {number} id what the texts begin with
 * @param {boolean} inTurns whether each waits for the reply before
 */
async function converse(url, id, inTurns) {
  const ws = new WebSocket(url, OPTIONS);
  await once(ws, 'open');
  const replies = [];
  const sent = [];
  ws.on('message', (data) => replies.push(data.toString()));
  for (let number = 0; number < 20; number++) {
    const message = text(id, number);
    sent.push(message);
    ws.send(message);
    ws.ping(`${number}`);
    while (inTurns && replies.length < sent.length) await sleep(1);
  }
  while (replies.length < sent.length) await sleep(1);
  assert.deepStrictEqual(replies, sent);
  ws.close();
  const [code] = await once(ws, 'close');
  assert.strictEqual(code, 1005);
}

describe('Compressed messages of middle size', { timeout: 30e3 }, () => {
  for (const inTurns of [true, false]) {
    const how = inTurns ? 'one by one' : 'all at once';
    for (const count of [1, 2, 30]) {
      it(`come in order, ${how}, on ${count} connections`, async (t) => {
        const wss = await listen(OPTIONS);
        t.after(() => closed(wss));
        const url = `ws://127.0.0.1:${wss.address().port}`;
        wss.on('connection', (ws) =>
          ws.on('message', (data, binary) => ws.send(data, { binary }))
        );
        const ids = Array.from({ length: count }, (_, id) => id);
        await Promise.all(ids.map((id) => converse(url, id, inTurns)));
      });
    }
  }

  itDiffers('are inflated elsewhere if there are many in a turn', async (t) => {
    if (process.env.FERROWS_TRANSPORT === 'tokio') {
      t.skip('a connection is inflated on its I/O thread');
      return;
    }
    const native = lib('native');
    const { startInflate } = native;
    let elsewhere = 0;
    native.startInflate = (...args) => {
      elsewhere++;
      return startInflate(...args);
    };
    t.after(() => Object.assign(native, { startInflate }));
    for (const count of [1, 30]) {
      const wss = await listen(OPTIONS);
      t.after(() => closed(wss));
      let received = 0;
      wss.on('connection', (ws) => ws.on('message', () => received++));
      const url = `ws://127.0.0.1:${wss.address().port}`;
      const all = Array.from(
        { length: count },
        () => new WebSocket(url, OPTIONS)
      );
      await Promise.all(all.map((ws) => once(ws, 'open')));
      // The first message of a connection is inflated where it is.
      for (let number = 0; number < 10; number++) {
        all.forEach((ws, id) => ws.send(text(id, number)));
        while (received < (number + 1) * count) await sleep(1);
      }
      for (const ws of all) ws.terminate();
      if (count === 1) assert.strictEqual(elsewhere, 0);
    }
    if (native.poolThreads() > 1) assert.ok(elsewhere > 0);
    else assert.strictEqual(elsewhere, 0);
  });

  itDiffers('do not wait for what becomes very long', async () => {
    const { code, lines, errors } = await run(({ WebSocketServer }) => {
      const { randomBytes } = require('node:crypto');
      const net = require('node:net');
      const { constants, deflateRawSync } = require('node:zlib');

      /** A frame with a compressed message, masked with zeros. */
      const frame = (data) => {
        const finishFlush = constants.Z_SYNC_FLUSH;
        const payload = deflateRawSync(data, { finishFlush }).subarray(0, -4);
        const header = Buffer.alloc(14);
        header.set([0xc2, 0xff]);
        header.writeBigUInt64BE(BigInt(payload.length), 2);
        return Buffer.concat([header, payload]);
      };
      const connect = async (port) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.write(
          'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n' +
            'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
            'Sec-WebSocket-Extensions: permessage-deflate\r\n' +
            'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
        );
        await new Promise((done) => socket.once('data', done));
        // The first message of a connection is inflated where it is.
        socket.write(frame('first'));
        return socket;
      };
      const lengths = [];
      const wss = new WebSocketServer({
        port: 0,
        perMessageDeflate: { concurrencyLimit: 1 },
        maxPayload: 0
      });
      wss.on('connection', (ws) =>
        ws.on('message', (data) => {
          lengths.push(data.length);
          if (lengths.length < 10 + 9 * 10 + 1) return;
          // Else the other nine would have come behind it.
          const place = lengths.indexOf(300 << 20);
          console.log(place > 25 || place);
          process.exit();
        })
      );
      wss.on('listening', async () => {
        const { port } = wss.address();
        const bomber = await connect(port);
        const others = [];
        while (others.length < 9) others.push(await connect(port));
        const bomb = frame(Buffer.alloc(300 << 20));
        const middle = frame(randomBytes(2000).toString('base64'));
        bomber.write(bomb, () => {
          const send = (left) => {
            if (left === 0) return;
            for (const socket of others) socket.write(middle);
            setTimeout(send, 5, left - 1);
          };
          // Not before a thread has begun with it.
          setTimeout(send, 20, 10);
        });
      });
    });
    assert.strictEqual(errors, '');
    assert.deepStrictEqual({ code, lines }, { code: 0, lines: ['true'] });
  });

  itDiffers('all end, though there is no room for all at a time', async () => {
    const { code, lines } = await run(
      (ferrows, nativePath, jobsPath) => {
        // The addon, played by hand: it has finished 70 jobs, and gives 64.
        const native = require(nativePath);
        const ids = [];
        let finished;
        native.watchJobs = (callback) => (finished = callback);
        native.submitJobs = () => 0;
        native.takeFinished = (words) => {
          const some = ids.splice(0, words.length / 3);
          some.forEach((id, i) => words.set([id, 0, 0xffffffff], 3 * i));
          return some.length;
        };
        const jobs = require(jobsPath);
        jobs.limit();
        process.on('uncaughtException', ({ message }) => console.log(message));
        let done = 0;
        for (let i = 0; i < 70; i++) {
          jobs.run({
            bytes: 10,
            isLight: false,
            start: (id) => ids.push(id),
            done() {
              if (++done === 64) throw new Error('thrown by the 64th');
              if (done === 70) console.log('all');
            }
          });
        }
        setTimeout(() => finished(), 20);
        setTimeout(() => process.exit(), 1000);
      },
      { args: [libPath('native'), libPath('deflate/jobs')] }
    );
    assert.deepStrictEqual(
      { code, lines },
      { code: 0, lines: ['thrown by the 64th', 'all'] }
    );
  });

  for (const count of [2, 20]) {
    itDiffers(
      `of ${count} connections survive listeners that throw`,
      async () => {
        const { code, lines, errors } = await run(
          ({ WebSocket, WebSocketServer }, text, options, count) => {
            let thrown = 0;
            process.on('uncaughtException', ({ message }) => {
              if (message !== 'mine') throw message;
              thrown++;
            });
            const wss = new WebSocketServer({ port: 0, ...options });
            const message = new Function(`return ${text}`)();
            const received = [];
            wss.on('connection', (ws) => {
              ws.on('message', (data) => {
                received.push(data.toString());
                if (received.length === 5 * count) {
                  const expected = [];
                  for (let id = 0; id < count; id++) {
                    for (let i = 0; i < 5; i++) expected.push(message(id, i));
                  }
                  const isEqual =
                    received.sort().join() === expected.sort().join();
                  setImmediate(() => {
                    console.log(isEqual, thrown === 5 * count);
                    process.exit();
                  });
                }
                throw new Error('mine');
              });
            });
            wss.on('listening', async () => {
              const url = `ws://127.0.0.1:${wss.address().port}`;
              const all = Array.from({ length: count }, () => {
                return new WebSocket(url, options);
              });
              await Promise.all(
                all.map((ws) => new Promise((done) => ws.on('open', done)))
              );
              for (let i = 0; i < 5; i++) {
                all.forEach((ws, id) => ws.send(message(id, i)));
                await new Promise((done) => setTimeout(done, 20));
              }
            });
          },
          { args: [text.toString(), OPTIONS, count] }
        );
        assert.strictEqual(errors, '');
        assert.deepStrictEqual(
          { code, lines },
          { code: 0, lines: ['true true'] }
        );
      }
    );
  }
});

// Then threads take turns, and JavaScript waits for batches.
describe('With one processor', () => {
  const skip =
    spawnSync('taskset', ['--version']).status === 0
      ? false
      : 'there is no taskset';
  const processor = () =>
    /^Cpus_allowed_list:\s*(\d+)/m.exec(
      fs.readFileSync('/proc/self/status', 'utf8')
    )[1];
  const files = ['batches', 'connection', 'limits', 'messages', 'zlib'].map(
    (name) => path.join(__dirname, `permessage-deflate-${name}.spec.js`)
  );
  // This file is one of them.
  if (process.env.FERROWS_TEST_PROCESSORS === '1') return;

  it('compressed messages are as ever', { skip }, async () => {
    const args = ['-c', processor(), process.execPath, '--test', ...files];
    const child = spawn('taskset', args, {
      env: {
        ...process.env,
        FERROWS_TEST_PROCESSORS: '1',
        NODE_TEST_CONTEXT: undefined
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 100e3
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    const [code] = await once(child, 'close');
    assert.strictEqual(code, 0, output);
    assert.match(output, /^. pass \d{2,}$/m);
  });
});
