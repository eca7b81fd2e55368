'use strict';

// Compressed messages of middle size: whether one is inflated where it is or on
// another thread depends on what else there is to do, and on the processors.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { itDiffers, lib, WebSocket } = require('./support/ferrows');
const { closed, listen } = require('./support/server');

/** What programs of their own may use. */
const SUPPORT = path.join(__dirname, 'support');

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
    const { code, lines, errors } = await run(
      ({ WebSocketServer }, support) => {
        const { randomBytes } = require('node:crypto');
        const net = require('node:net');
        const { Deflater, RSV1 } = require(`${support}/deflate`);
        const { frame, OP } = require(`${support}/frames`);
        const { requestText } = require(`${support}/upgrade`);

        /** A frame with a message that refers to nothing before it. */
        const compressed = (...parts) => {
          const deflater = new Deflater();
          const last = parts.pop();
          const payloads = parts.map((part) => deflater.part(part));
          payloads.push(deflater.message(last));
          const options = { mask: true, rsv: RSV1 };
          return frame(OP.BINARY, Buffer.concat(payloads), options);
        };
        const connect = async (port) => {
          const socket = net.connect(port, '127.0.0.1');
          socket.write(
            requestText({ 'Sec-WebSocket-Extensions': 'permessage-deflate' })
          );
          await new Promise((done) => socket.once('data', done));
          // The first message of a connection is inflated where it is.
          socket.write(compressed('first'));
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
          const bomb = compressed(...Array(30).fill(Buffer.alloc(10 << 20)));
          const middle = compressed(randomBytes(2000).toString('base64'));
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
      },
      { args: [SUPPORT] }
    );
    assert.strictEqual(errors, '');
    assert.deepStrictEqual({ code, lines }, { code: 0, lines: ['true'] });
  });

  itDiffers('all end, though there is no room for all at a time', async () => {
    const { code, lines } = await run(
      (ferrows, support) => {
        // The addon, played by hand: it has finished 70 jobs, and gives 64.
        const { lib } = require(`${support}/ferrows`);
        const native = lib('native');
        const ids = [];
        let finished;
        native.watchJobs = (callback) => (finished = callback);
        native.submitJobs = () => 0;
        native.takeFinished = (words) => {
          const some = ids.splice(0, words.length / 3);
          some.forEach((id, i) => words.set([id, 0, 0xffffffff], 3 * i));
          return some.length;
        };
        const jobs = lib('deflate/jobs');
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
      { args: [SUPPORT] }
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

  it('compressed messages are as ever', { skip }, () => {
    const args = ['-c', processor(), process.execPath, '--test', ...files];
    const { status, stdout, stderr } = spawnSync('taskset', args, {
      encoding: 'utf8',
      env: {
        ...process.env,
        FERROWS_TEST_PROCESSORS: '1',
        NODE_TEST_CONTEXT: undefined
      },
      timeout: 100e3
    });
    assert.strictEqual(status, 0, stdout + stderr);
    assert.match(stdout, /^. pass \d{2,}$/m);
  });
});
