'use strict';

// When what was sent in a turn goes out, and in which order things happen.

const assert = require('node:assert');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { Duplex } = require('node:stream');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const run = require('./support/child');
const { roles, server: connect } = require('./support/connections');
const { itDiffers, WebSocket, WebSocketServer } = require('./support/ferrows');
const { frame, OP } = require('./support/frames');

const texts = (frames) => frames.map(({ payload }) => payload.toString());
const toServer = (text) => frame(OP.TEXT, text, { mask: true });

/** Keeps the thread busy. */
function work(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** A socket that counts its writes. */
class CountingDuplex extends Duplex {
  constructor() {
    super();
    this.counts = [];
  }

  _read() {}

  _write(chunk, encoding, callback) {
    this.counts.push(chunk.length);
    callback();
  }

  _writev(chunks, callback) {
    const length = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0);
    this.counts.push(length);
    callback();
  }
}

/** A server's WebSocket over such a socket. */
function counted() {
  const socket = new CountingDuplex();
  const ws = new WebSocket(null, undefined, { autoPong: true });
  ws.setSocket(socket, Buffer.alloc(0), {});
  return { ws, socket };
}

describe('The sends of a turn', { timeout: 60000 }, () => {
  describe('outside of handlers', () => {
    it('go out: the first at once, the others together', async () => {
      const { ws, socket } = counted();
      const log = [];
      for (const text of 'abcd') ws.send(text, () => log.push(text));
      assert.deepStrictEqual(socket.counts[0], 3);
      await new Promise((resolve) => process.nextTick(resolve));
      const sum = socket.counts.reduce((a, b) => a + b);
      assert.strictEqual(sum, 12);
      await sleep(1);
      assert.deepStrictEqual(log, [...'abcd']);
      ws.terminate();
    });

    itDiffers('are two writes, however many they are', async () => {
      const { ws, socket } = counted();
      for (let i = 0; i < 100; i++) ws.send('a');
      assert.deepStrictEqual(socket.counts, [3]);
      await new Promise((resolve) => process.nextTick(resolve));
      assert.deepStrictEqual(socket.counts, [3, 297]);
      ws.send('b');
      assert.deepStrictEqual(socket.counts, [3, 297, 3]);
      ws.terminate();
    });

    itDiffers('are not kept beyond 64 KiB', async () => {
      const { ws, socket } = counted();
      for (let i = 0; i < 100; i++) ws.send(Buffer.alloc(1000));
      const written = socket.counts.reduce((a, b) => a + b);
      assert.ok(written > 100 * 1004 - 66000, `${written} bytes`);
      ws.terminate();
    });

    it('come in order, whatever their size', async (t) => {
      const { ws, peer } = await connect(t);
      const sizes = [1, 5000, 3, 70000, 2, 200000, 4, 65536, 5, 30000, 30000];
      const data = sizes.map((size, i) => Buffer.alloc(size, 65 + i));
      const done = [];
      data.forEach((payload, i) => {
        ws.send(i % 2 ? payload : payload.toString(), () => done.push(i));
      });
      const frames = await peer.framesCame(sizes.length);
      frames.forEach(({ payload }, i) => assert.ok(payload.equals(data[i])));
      while (done.length < sizes.length) await sleep(1);
      assert.deepStrictEqual(done, [...sizes.keys()]);
    });

    it('call back in the asynchronous context of each', async (t) => {
      const { ws } = await connect(t);
      const storage = new AsyncLocalStorage();
      const seen = [];
      for (let i = 0; i < 4; i++) {
        storage.run(i, () => {
          ws.send('a', () => seen.push([i, storage.getStore()]));
        });
      }
      while (seen.length < 4) await sleep(1);
      assert.deepStrictEqual(
        seen,
        [0, 1, 2, 3].map((i) => [i, i])
      );
    });

    itDiffers('may have callbacks that are none', async (t) => {
      const { ws, peer } = await connect(t);
      for (const cb of [null, false, 'utf8', {}, 5]) {
        ws.send('a', {}, cb);
        ws.ping('b', false, cb);
      }
      assert.strictEqual((await peer.framesCame(10)).length, 10);
    });

    it('in microtasks and ticks are in order too', async (t) => {
      const { ws, peer } = await connect(t);
      ws.send('1');
      process.nextTick(() => {
        ws.send('3');
        ws.send('4');
        Promise.resolve().then(() => {
          ws.send('5');
          ws.send('6');
        });
      });
      ws.send('2');
      setImmediate(() => ws.send('7'));
      assert.deepStrictEqual(texts(await peer.framesCame(7)), [...'1234567']);
    });
  });

  describe('while the thread is busy', () => {
    /** A client in another thread tells when each message came. */
    async function spectator(t, wss) {
      const source = `
        const { parentPort, workerData } = require('node:worker_threads');
        const WebSocket = require('ws');
        const ws = new WebSocket(workerData.url);
        const now = () => performance.timeOrigin + performance.now();
        ws.on('message', (data) => parentPort.postMessage([String(data), now()]));
        parentPort.on('message', (data) => ws.send(data));`;
      const url = `ws://127.0.0.1:${wss.address().port}`;
      const worker = new Worker(source, { eval: true, workerData: { url } });
      t.after(() => worker.terminate());
      const [ws] = await once(wss, 'connection');
      return { ws, worker };
    }

    const clock = () => performance.timeOrigin + performance.now();

    it('reach the peer: the first one, at once', async (t) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      await once(wss, 'listening');
      t.after(() => wss.close());
      const { ws, worker } = await spectator(t, wss);

      for (const where of ['outside', 'in a handler']) {
        let end;
        const send = () => {
          ws.send(where);
          work(150);
          end = clock();
          ws.send('later');
        };
        const came = once(worker, 'message');
        if (where === 'outside') send();
        else {
          ws.once('message', send);
          worker.postMessage('go');
        }
        const [[text, time]] = await came;
        assert.strictEqual(text, where);
        assert.ok(time < end - 20, `${where}: ${end - time} ms early`);
        await once(worker, 'message');
      }
    });

    itDiffers('in the handlers of one chunk soon follow', async (t) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      await once(wss, 'listening');
      t.after(() => wss.close());
      const { ws, worker } = await spectator(t, wss);
      const times = [];
      worker.on('message', ([text, time]) => times.push([text, time]));
      const ends = [];
      ws.on('message', (data) => {
        ws.send(`re ${data}`);
        work(60);
        ends.push(clock());
      });
      // One chunk with three messages.
      ws._socket.emit(
        'data',
        Buffer.concat([toServer('a'), toServer('b'), toServer('c')])
      );
      while (times.length < 3) await sleep(1);
      assert.deepStrictEqual(
        times.map(([text]) => text),
        ['re a', 're b', 're c']
      );
      // The reply to the first message is not held until the last is handled.
      assert.ok(times[0][1] < ends[1], 'the first reply came late');
      assert.ok(times[2][1] < ends[2], 'the last reply came late');
    });
  });

  for (const [role, open] of Object.entries(roles)) {
    describe(`in handlers of a ${role}`, () => {
      const toIt = (text) => frame(OP.TEXT, text, { mask: role === 'server' });

      it('are in order across the messages of a chunk', async (t) => {
        const { ws, peer } = await open(t);
        const done = [];
        ws.on('message', (data) => {
          for (let i = 0; i < 3; i++) {
            const text = `${data}${i}`;
            ws.send(text, () => done.push(text));
          }
        });
        const count = 600;
        const list = Array.from({ length: count }, (_, i) => toIt(`${i}.`));
        await peer.send(Buffer.concat(list));
        const expected = [];
        for (let i = 0; i < count; i++) {
          for (let j = 0; j < 3; j++) expected.push(`${i}.${j}`);
        }
        assert.deepStrictEqual(
          texts(await peer.framesCame(3 * count)),
          expected
        );
        while (done.length < expected.length) await sleep(1);
        assert.deepStrictEqual(done, expected);
      });

      it('go out although the handler closes', async (t) => {
        const { ws, peer } = await open(t);
        ws.on('message', (data) => {
          ws.send(`1 ${data}`);
          ws.send(`2 ${data}`);
          if (data.toString() === 'b') ws.close(1000);
        });
        await peer.send(Buffer.concat([toIt('a'), toIt('b'), toIt('c')]));
        const frames = await peer.framesCame(5);
        assert.deepStrictEqual(texts(frames.slice(0, 4)), [
          '1 a',
          '2 a',
          '1 b',
          '2 b'
        ]);
        assert.strictEqual(frames[4].opcode, OP.CLOSE);
      });
    });
  }

  it('to many are in order, each of them', async (t) => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    t.after(() => {
      for (const ws of wss.clients) ws.terminate();
      wss.close();
    });
    wss.on('connection', (ws) => {
      ws.on('message', (data) => {
        for (const client of wss.clients) client.send(data);
      });
    });
    const url = `ws://127.0.0.1:${wss.address().port}`;
    const clients = Array.from({ length: 50 }, () => new WebSocket(url));
    const logs = clients.map((client) => {
      const log = [];
      client.on('message', (data) => log.push(data.toString()));
      return log;
    });
    await Promise.all(clients.map((client) => once(client, 'open')));
    const expected = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    for (const text of expected) clients[0].send(text);
    while (logs.some((log) => log.length < 100)) await sleep(1);
    for (const log of logs) assert.deepStrictEqual(log, expected);
  });

  it('may be nested: two ends in one process, without a kernel', async () => {
    const ends = [new Duplex({ read() {} }), new Duplex({ read() {} })];
    ends.forEach((end, i) => {
      end._write = (chunk, encoding, callback) => {
        ends[1 - i].push(chunk);
        callback();
      };
    });
    const sockets = ends.map((end, i) => {
      const ws = new WebSocket(null, undefined, { autoPong: true });
      ws._isServer = i === 0;
      ws.setSocket(end, Buffer.alloc(0), {});
      return ws;
    });
    const logs = [[], []];
    sockets.forEach((ws, i) => {
      ws.on('message', (data) => {
        const number = Number(data);
        logs[i].push(number);
        if (number < 400) {
          ws.send(`${number + 1}`);
          if (number % 50 === 0) ws.send(`${1000 + number}`);
        }
      });
    });
    sockets[0].send('0');
    while (!logs.flat().includes(400)) await sleep(1);
    await sleep(5);
    const numbers = logs.map((log) => log.filter((number) => number < 1000));
    numbers.forEach((list, i) => {
      assert.deepStrictEqual(
        list,
        Array.from({ length: 401 }, (_, n) => n).filter((n) => n % 2 !== i)
      );
    });
    assert.strictEqual(logs.flat().length, 401 + 8);
    for (const ws of sockets) ws.terminate();
  });

  it('survive the end of the process right after them', async (t) => {
    const received = [];
    const target = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(target, 'listening');
    t.after(() => target.close());
    target.on('connection', (ws) => {
      ws.on('message', (data) => received.push(data.toString()));
    });
    const { code } = await run(
      ({ WebSocket: Client }, url) => {
        const ws = new Client(url);
        ws.on('open', () => {
          for (let i = 0; i < 20; i++) ws.send(`message ${i}`);
          process.exit(7);
        });
      },
      { args: [`ws://127.0.0.1:${target.address().port}`] }
    );
    assert.strictEqual(code, 7);
    while (received.length < 20) await sleep(1);
    assert.deepStrictEqual(
      received,
      Array.from({ length: 20 }, (_, i) => `message ${i}`)
    );
  });
});

describe('What is kept', { timeout: 30000 }, () => {
  it('goes out although writing it sends more elsewhere', async () => {
    const { lines } = await run(
      ({ WebSocket }) => {
        const { Duplex } = require('node:stream');
        const over = (write, isServer = true) => {
          const socket = new Duplex({ read() {}, write });
          const ws = new WebSocket(null, undefined, { autoPong: true });
          ws._isServer = isServer;
          ws.setSocket(socket, Buffer.alloc(0), {});
          return ws;
        };
        const collect = (list) => (chunk, encoding, callback) => {
          list.push(chunk);
          callback();
        };
        const [first, second] = [[], []];
        const others = [over(collect(first)), over(collect(second))];
        const far = over((chunk, encoding, callback) => callback(), false);
        const near = over((chunk, encoding, callback) => {
          // A delivery within the write, and then sends.
          far._socket.push(chunk);
          for (const text of 'ab') others[1].send(text);
          callback();
        });
        for (const text of 'abc') near.send(text);
        for (const text of 'ab') others[0].send(text);
        setImmediate(() => {
          console.log(Buffer.concat(first).toString('hex'));
          console.log(Buffer.concat(second).toString('hex'));
          process.exit();
        });
      },
      { timeout: 5000 }
    );
    const expected = '810161810162';
    assert.strictEqual(lines[0], expected);
    assert.ok(lines[1].startsWith(expected), lines[1]);
  });

  it('goes out although a callback of a Receiver threw', async () => {
    const { lines } = await run(({ Receiver, WebSocket }) => {
      const { Duplex } = require('node:stream');
      const written = [];
      const socket = new Duplex({
        read() {},
        write(chunk, encoding, callback) {
          written.push(chunk);
          callback();
        }
      });
      const ws = new WebSocket(null, undefined, { autoPong: true });
      ws.setSocket(socket, Buffer.alloc(0), {});

      process.on('uncaughtException', ({ message }) => {
        console.log(message);
        for (const text of 'abc') ws.send(text);
        setTimeout(() => {
          console.log(Buffer.concat(written).toString('hex'));
          process.exit();
        }, 10);
      });
      const receiver = new Receiver({ allowSynchronousEvents: false });
      receiver.write(Buffer.from([0x81, 0, 0x88, 0]), () => {
        throw new Error('thrown');
      });
    });
    assert.deepStrictEqual(lines, ['thrown', '810161810162810163']);
  });

  it('leaves nothing behind if it goes out early', async () => {
    const { lines } = await run(
      ({ WebSocket }) => {
        const { Duplex } = require('node:stream');
        const references = [];
        const one = () => {
          const socket = new Duplex({
            read() {},
            write: (chunk, encoding, callback) => callback()
          });
          const ws = new WebSocket(null, undefined, { autoPong: true });
          ws.setSocket(socket, Buffer.alloc(0), {});
          for (const text of 'abc') ws.send(text);
          if (ws.bufferedAmount >= 0) ws.terminate();
          references.push(new WeakRef(ws));
        };
        let left = 100;
        const turn = () => {
          one();
          if (--left > 0) {
            setImmediate(turn);
            return;
          }
          setTimeout(() => {
            global.gc();
            console.log(references.filter((ref) => ref.deref()).length);
          }, 20);
        };
        turn();
      },
      { flags: ['--expose-gc'] }
    );
    assert.ok(Number(lines[0]) < 5, `${lines[0]} of 100 are still there`);
  });
});

describe('A callback that throws', { timeout: 30000 }, () => {
  it('does not keep the others from being called', async () => {
    const { lines, code } = await run(({ WebSocket, WebSocketServer }) => {
      process.on('uncaughtException', (err) => console.log(err.message));
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('open', () => {
          for (const text of 'abcd') {
            ws.send(text, () => {
              console.log(`called ${text}`);
              if (text !== 'a') throw new Error(`thrown ${text}`);
            });
          }
          setTimeout(() => process.exit(), 50);
        });
      });
    });
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(lines, [
      'called a',
      ...['called b', 'thrown b', 'called c', 'thrown c'],
      ...['called d', 'thrown d']
    ]);
  });
});
