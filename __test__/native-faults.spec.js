'use strict';

// What programs do wrong, or nearly so, with native sockets: nobody else, and
// nothing later, may suffer from it.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { pair, roles } = require('./support/connections');
const { itDiffers } = require('./support/ferrows');
const { adopted, chunkOf, collect, numbered } = require('./support/native');
const { onlyNative } = require('./support/native');

/** Runs in a child: a listener throws at the last message before the end. */
const throwsAtLast = ({ WebSocket, WebSocketServer }) => {
  process.on('uncaughtException', (err) => console.log(err.message));
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    const client = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
    wss.on('connection', (ws) => {
      ws._transport?.used();
      ws.on('message', () => {
        throw new Error('thrown');
      });
      ws.on('close', (code) => {
        console.log(code);
        process.exit();
      });
    });
    client.on('open', () => {
      client.send('last');
      setTimeout(() => client._socket.destroy(), 50);
    });
  });
  setTimeout(() => process.exit(1), 10000).unref();
};

/** Runs in a child: a setter on all arrays sends. */
const sendsInSetter = ({ WebSocket, WebSocketServer }) => {
  const large = Buffer.alloc(100000);
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    const options = { perMessageDeflate: false };
    const client = new WebSocket(
      `ws://127.0.0.1:${wss.address().port}`,
      options
    );
    wss.on('connection', (ws) => {
      Object.defineProperty(Array.prototype, '0', {
        configurable: true,
        set(value) {
          Object.defineProperty(this, '0', {
            configurable: true,
            enumerable: true,
            value,
            writable: true
          });
          if (ws.readyState === 1 && value === large) return;
          if (Buffer.isBuffer(value) && value.length > 5000) ws.send('set');
        }
      });
      let count = 0;
      ws.on('message', () => {
        if (++count < 5) return;
        delete Array.prototype[0];
        console.log('alive');
        process.exit();
      });
    });
    client.on('open', () => {
      for (let i = 0; i < 5; i++) client.send(large);
    });
    client.on('message', () => {});
  });
  setTimeout(() => process.exit(1), 10000).unref();
};

/** Runs in a child: a reader is slow, and the amount is asked for each time. */
const asksForAmount = ({ WebSocket, WebSocketServer }) => {
  const data = Buffer.alloc(65536);
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    new WebSocket(`ws://127.0.0.1:${wss.address().port}`, {
      perMessageDeflate: false
    });
    wss.on('connection', (ws) => {
      const before = process.memoryUsage().rss;
      let sent = 0;
      const go = () => {
        while (ws.bufferedAmount < 4e6 && sent < 2e8) {
          ws.send(data);
          sent += data.length;
        }
        if (sent < 2e8) return setImmediate(go);
        console.log(process.memoryUsage().rss - before);
        process.exit();
      };
      setTimeout(go, 50);
    });
  });
};

describe('A listener that throws', { timeout: 20000 }, () => {
  itDiffers('at the last message does not keep `close` away', async () => {
    const { code, lines } = await run(throwsAtLast);
    assert.deepStrictEqual(lines, ['thrown', '1006']);
    assert.strictEqual(code, 0);
  });
});

describe('A setter on `Array.prototype`', { timeout: 20000 }, () => {
  it('may send', async () => {
    const { code, errors, lines } = await run(sendsInSetter);
    assert.deepStrictEqual([errors, lines, code], ['', ['alive'], 0]);
  });
});

describe('Asking for `bufferedAmount`', { timeout: 60000 }, () => {
  it('holds on to nothing that was written', async () => {
    const { lines } = await run(asksForAmount, { timeout: 50000 });
    assert.ok(Number(lines[0]) < 1.2e8, lines[0]);
  });
});

for (const role of Object.keys(roles)) {
  describe(`The messages of a ${role}`, { timeout: 20000 }, () => {
    it('come although the memory of one is taken away', async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const { texts, came } = collect(ws);
      ws.once('message', (data) => {
        try {
          data.buffer.transfer?.();
        } catch (err) {
          // From Node 24 on it cannot be taken.
          assert.strictEqual(err.name, 'TypeError');
        }
      });
      for (const text of numbered('m', 20)) {
        peer.socket.write(chunkOf([text], role));
        await sleep(2);
      }
      await came(20);
      assert.strictEqual(texts.length, 20);
      assert.strictEqual(texts[19], 'm19');
    });

    it('come, empty, if they are in that memory', onlyNative, async (t) => {
      const { ws, peer } = await roles[role](t);
      await adopted(ws);
      const { texts, came } = collect(ws);
      let isGone = false;
      ws.once('message', (data) => {
        try {
          isGone = data.buffer.transfer !== undefined;
          data.buffer.transfer?.();
        } catch {
          isGone = false;
        }
      });
      const sent = numbered('m', 20);
      peer.socket.write(chunkOf(sent, role));
      await came(20);
      assert.strictEqual(texts.length, 20);
      // Another slice has memory of its own.
      const isRight = (text, i) => text === sent[i] || (isGone && text === '');
      assert.ok(texts.every(isRight), `${texts}`);
    });
  });
}

describe('Compressed messages', { timeout: 20000 }, () => {
  it('wait for each other behind a pause by another listener', async (t) => {
    const given = { perMessageDeflate: { threshold: 0 } };
    const [a, b] = [await pair(t, given), await pair(t, given)];
    await adopted(a.server, b.server);
    const got = new Map([a, b].map(({ server }) => [server, []]));
    let paused = null;
    for (const [{ server }, other] of [
      [a, b.server],
      [b, a.server]
    ]) {
      server.on('message', (data) => {
        got.get(server).push(data.toString());
        if (paused !== null) return;
        paused = other;
        other.pause();
        setTimeout(() => other.resume(), 30);
      });
    }
    for (const { client } of [a, b]) {
      for (const text of ['one', 'two', 'three']) client.send(text);
    }
    for (const list of got.values()) while (list.length < 3) await sleep(1);
    for (const list of got.values()) {
      assert.deepStrictEqual(list, ['one', 'two', 'three']);
    }
    const ends = [a, b].map(({ server }) => once(server, 'close'));
    for (const { client } of [a, b]) client.close();
    await Promise.all(ends);
  });
});
