'use strict';

// What reads and writes a connection's socket: who chooses, and which sockets
// Node keeps.

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { pair } = require('./support/connections');
const { itDiffers, oracle } = require('./support/ferrows');
const { WebSocket, WebSocketServer } = require('./support/ferrows');
const { adopted, forced, hasNative } = require('./support/native');
const { isNative, NATIVE } = require('./support/native');
const { onlyNative } = require('./support/native');
const { identity, socketPath } = require('./support/peer');
const Wire = require('./support/wire');

const NAMES = ['auto', 'loop', 'tokio', 'stream'];

const BAD_NAME = {
  name: 'TypeError',
  message: `The "transport" option must be one of ${NAMES.join(', ')}`
};
const BAD_THREADS = {
  name: 'RangeError',
  message: 'The "ioThreads" option must be an integer from 1 to 1024'
};

/** Values of `transport` that are none. */
const WRONG = ['', 'Loop', 'native', null, 0, true, {}, ['loop']];

/**
 * A program: opens a connection and prints what both of its ends say, before
 * it is open, then, and later.
 */
const tell = ({ WebSocket, WebSocketServer }, json) => {
  const { server = {}, client = {} } = JSON.parse(json);
  // Enough to be worth an adoption.
  const talk = (ws) => {
    for (let i = 0; i < 6; i++) ws.send('first');
  };
  const wss = new WebSocketServer(
    { port: 0, host: '127.0.0.1', ...server },
    () => {
      const url = `ws://127.0.0.1:${wss.address().port}`;
      const ws = new WebSocket(url, { perMessageDeflate: false, ...client });
      console.log(`${ws.transport}`);
      ws.on('open', () => {
        console.log(ws.transport);
        talk(ws);
        const look = (left) => {
          if (left > 0) return setImmediate(look, left - 1);
          const [far] = wss.clients;
          far.on('message', (data) => {
            if (data.toString() !== 'heard') return;
            console.log(`${ws.transport} ${far.transport}`);
            process.exit();
          });
          ws.send('heard');
        };
        look(30);
      });
    }
  );
  wss.on('connection', talk);
};

/**
 * Runs `tell`.
 *
 * @param {(string|undefined)} variable the value of FERROWS_TRANSPORT
 * @param {Object} options of `server` and `client`
 * @param {string[]} [flags] arguments for Node.js
 * @return {Promise<string[]>} what it printed
 */
async function told(variable, options, flags) {
  const { errors, lines } = await run(tell, {
    flags,
    args: [JSON.stringify(options)],
    env: { FERROWS_TRANSPORT: variable }
  });
  assert.strictEqual(errors, '');
  return lines;
}

/**
 * @param {string} wanted a transport
 * @return {string[]} what it may be called later
 */
function namesFor(wanted) {
  if (wanted === 'stream' || !hasNative) return ['stream'];
  return wanted === 'loop' ? ['loop'] : NATIVE;
}

/**
 * Sends something back and forth.
 *
 * @param {WebSocket} ws one end
 * @param {WebSocket} far the other
 */
async function talk(ws, far) {
  for (const text of ['a', 'b', 'c']) {
    const came = [once(ws, 'message'), once(far, 'message')];
    ws.send(text);
    far.send(text);
    for (const [data] of await Promise.all(came)) {
      assert.strictEqual(data.toString(), text);
    }
  }
}

describe('A transport', { timeout: 60000, skip: oracle && 'no option' }, () => {
  it('is null, then `stream`, and on the next tick its own', async () => {
    const [loop] = namesFor('loop');

    assert.deepStrictEqual(await told('loop', {}), [
      ...['null', 'stream', `${loop} ${loop}`]
    ]);
    assert.deepStrictEqual(await told('stream', {}), [
      ...['null', 'stream', 'stream stream']
    ]);
  });

  for (const wanted of NAMES) {
    it(`may be \`${wanted}\`, of a server and of a client`, async () => {
      const names = namesFor(wanted);
      const auto = namesFor('auto');
      const transport = wanted;
      for (const [options, near, far] of [
        [{ client: { transport } }, names, auto],
        [{ server: { transport } }, auto, names],
        [{ client: { transport }, server: { transport } }, names, names]
      ]) {
        const [, , last] = await told('', options);
        const [first, second] = last.split(' ');
        assert.ok(near.includes(first), `client: ${last}`);
        assert.ok(far.includes(second), `server: ${last}`);
      }
    });

    it(`is \`${wanted}\` if FERROWS_TRANSPORT says so`, async () => {
      const transport = wanted === 'stream' ? 'loop' : 'stream';
      const both = { client: { transport }, server: { transport } };
      for (const options of [{}, both]) {
        const [, , last] = await told(wanted, options);
        for (const name of last.split(' ')) {
          assert.ok(namesFor(wanted).includes(name), last);
        }
      }
    });
  }

  it('is `stream` on a system that the tests do not run on', async () => {
    const flags = ['--require', require.resolve('./support/freebsd')];

    for (const wanted of NAMES) {
      assert.deepStrictEqual(await told(wanted, {}, flags), [
        ...['null', 'stream', 'stream stream']
      ]);
    }
  });

  it('cannot be anything else', () => {
    for (const transport of WRONG) {
      const server = { noServer: true, transport };
      assert.throws(() => new WebSocketServer(server), BAD_NAME);
      const client = () => new WebSocket('ws://127.0.0.1', { transport });
      assert.throws(client, BAD_NAME);
    }
    new WebSocketServer({ noServer: true, transport: undefined }).close();
  });

  it('has 1 to 1024 threads', () => {
    for (const ioThreads of [0, -1, 1025, 1.5, NaN, Infinity, '2', null, {}]) {
      const server = { noServer: true, ioThreads };
      assert.throws(() => new WebSocketServer(server), BAD_THREADS);
      const client = () => new WebSocket('ws://127.0.0.1', { ioThreads });
      assert.throws(client, BAD_THREADS);
    }
    for (const ioThreads of [undefined, 1, 1024]) {
      new WebSocketServer({ noServer: true, ioThreads }).close();
    }
  });

  it('of a name that there is not keeps the package from loading', async () => {
    for (const name of ['Loop', 'native', ' ']) {
      const { code, errors } = await run(() => {}, {
        env: { FERROWS_TRANSPORT: name }
      });
      assert.strictEqual(code, 1);
      const message =
        `TypeError: The environment variable FERROWS_TRANSPORT is "${name}", ` +
        `but must be one of ${NAMES.join(', ')}\n`;
      // Windows ends lines in its own way.
      assert.ok(errors.replaceAll('\r', '').includes(message), errors);
    }
  });

  it('is no property that can be set', async (t) => {
    const { client } = await pair(t);
    assert.throws(() => (client.transport = 'stream'), TypeError);
  });

  it('is `stream` again once the connection is closed', async (t) => {
    const { client, server } = await pair(t);
    await adopted(client, server);
    const ends = [once(client, 'close'), once(server, 'close')];
    client.close();
    await Promise.all(ends);
    for (const ws of [client, server]) {
      assert.strictEqual(ws.transport, 'stream');
    }
  });
});

describe('Sockets that Node keeps', { timeout: 20000 }, () => {
  /** Asserts that neither end is adopted, and that they can talk. */
  async function isKept(ws, far) {
    await talk(ws, far);
    await sleep(5);
    await talk(ws, far);
    assert.ok(!isNative(ws));
    assert.ok(!isNative(far));
  }

  it('are those of TLS', async (t) => {
    const server = https.createServer(identity).listen(0, '127.0.0.1');
    const wss = new WebSocketServer({ server });
    t.after(() => {
      wss.close();
      server.close();
    });
    await once(server, 'listening');
    const ws = new WebSocket(`wss://127.0.0.1:${server.address().port}`, {
      ca: identity.cert
    });
    t.after(() => ws.terminate());
    const [[far]] = await Promise.all([
      once(wss, 'connection'),
      once(ws, 'open')
    ]);
    await isKept(ws, far);
  });

  it('are streams that are no sockets', async () => {
    const ends = Wire.pair().map((stream, i) => {
      const ws = new WebSocket(null, undefined, { autoPong: true });
      ws._isServer = i === 0;
      ws.setSocket(stream, Buffer.alloc(0), {});
      return ws;
    });
    await isKept(...ends);
    for (const ws of ends) ws.terminate();
  });

  it('are those that deliver each event on its own', async (t) => {
    const { client, server } = await pair(t, { allowSynchronousEvents: false });
    await isKept(client, server);
  });

  /** What a program may have done to a socket before the next tick. */
  const CHANGES = {
    'a listener of `data`': (socket) => socket.on('data', () => {}),
    'a listener of `readable`': (socket) => {
      socket.on('readable', () => {
        while (socket.read() !== null);
      });
    },
    'another `write`': (socket) => {
      const { write } = socket;
      socket.write = function (...args) {
        return write.apply(this, args);
      };
    },
    'another `on`': (socket) => {
      const { on } = socket;
      socket.on = function (...args) {
        return on.apply(this, args);
      };
    },
    'another `emit`': (socket) => {
      const { emit } = socket;
      socket.emit = function (...args) {
        return emit.apply(this, args);
      };
    },
    'another prototype': (socket) => {
      const prototype = Object.create(Object.getPrototypeOf(socket));
      Object.setPrototypeOf(socket, prototype);
    },
    'a timeout': (socket) => socket.setTimeout(20000)
  };

  for (const [name, change] of Object.entries(CHANGES)) {
    it(`are those with ${name}`, async (t) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      t.after(() => wss.close());
      await once(wss, 'listening');
      const accepted = new Promise((resolve) => {
        wss.on('connection', (ws) => {
          change(ws._socket);
          resolve(ws);
        });
      });
      const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      ws.on('open', () => change(ws._socket));
      t.after(() => ws.terminate());
      await once(ws, 'open');
      await isKept(ws, await accepted);
    });
  }
});

describe('Sockets that Node lets go', { timeout: 20000 }, () => {
  it('are Unix sockets too', async (t) => {
    const path = socketPath(t);
    const server = http.createServer().listen(path);
    const wss = new WebSocketServer({ server });
    t.after(() => {
      wss.close();
      server.close();
    });
    await once(server, 'listening');
    const ws = new WebSocket(`ws+unix:${path}:/`);
    t.after(() => ws.terminate());
    const [[far]] = await Promise.all([
      once(wss, 'connection'),
      once(ws, 'open')
    ]);
    if (process.platform !== 'win32') await adopted(ws, far);
    await talk(ws, far);
    const closed = once(far, 'close');
    ws.close(1000, 'done');
    assert.strictEqual((await closed)[0], 1000);
  });

  it('are those of compressed connections', async (t) => {
    const { client, server } = await pair(t, {
      perMessageDeflate: { threshold: 0 }
    });
    await adopted(client, server);
    await talk(client, server);
  });

  it('are those that were upgraded late', onlyNative, async (t) => {
    const wss = new WebSocketServer({ noServer: true });
    const server = http.createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    server.on('upgrade', async (req, socket, head) => {
      await sleep(5);
      wss.handleUpgrade(req, socket, head, (ws) => wss.emit('connection', ws));
    });
    await once(server, 'listening');
    const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
    t.after(() => ws.terminate());
    const [[far]] = await Promise.all([
      once(wss, 'connection'),
      once(ws, 'open')
    ]);
    await adopted(ws, far);
    await talk(ws, far);
  });

  itDiffers('say what they are read and written by', async (t) => {
    const { client, server } = await pair(t);
    await adopted(client, server);
    for (const { transport } of [client, server]) {
      assert.ok(namesFor(forced).includes(transport), transport);
    }
  });
});
