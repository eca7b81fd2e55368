'use strict';

// `AsyncLocalStorage`: listeners and callbacks find what they would find with
// npm's `ws`, which the same program is run with.

const assert = require('node:assert');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const run = require('./support/child');
const { pair } = require('./support/connections');
const { assertStream, forced, isNative } = require('./support/native');
const { onlyNative } = require('./support/native');

/**
 * Programs. Each gets the package, a storage, and `log(name, event)`, which
 * prints what the storage holds, and is to call `leave()` at last.
 */
const PROGRAMS = {
  'of a server': ({ WebSocket, WebSocketServer, als, log, leave }) => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    wss.on('connection', (ws) => {
      log('server', 'connection');
      als.run('in connection', () => {
        for (const name of ['message', 'ping', 'pong', 'close']) {
          ws.on(name, () => log('server', name));
        }
      });
      ws.on('message', (data) => {
        als.enterWith(`entered for ${data}`);
        ws.send('re', () => log('server', 'sent'));
      });
    });
    wss.on('listening', () => {
      const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      let left = 3;
      ws.on('open', () => setTimeout(() => ws.send('first'), 20));
      ws.on('message', () => {
        if (--left > 0) {
          ws.ping();
          ws.send('next');
          return;
        }
        ws.close();
      });
      ws.on('close', () => setTimeout(leave, 20));
    });
  },

  'of a client': ({ WebSocket, WebSocketServer, als, log, leave }) => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    wss.on('connection', (ws) => {
      ws.on('message', (data) => {
        ws.ping();
        ws.send(data);
        ws.send(data);
      });
    });
    wss.on('listening', () => {
      const url = `ws://127.0.0.1:${wss.address().port}`;
      let open = 3;
      for (const name of ['a', 'b', 'c']) {
        const ws = als.run(name, () => new WebSocket(url));
        ws.on('open', () => {
          log(name, 'open');
          als.run(`${name} sends`, () => {
            setTimeout(() => ws.send('x', () => log(name, 'sent')), 20);
          });
        });
        ws.on('ping', () => log(name, 'ping'));
        let left = 2;
        ws.on('message', () => {
          log(name, 'message');
          if (--left === 0) als.run(`${name} closes`, () => ws.close());
        });
        ws.on('close', () => {
          log(name, 'close');
          if (--open === 0) setTimeout(leave, 20);
        });
      }
    });
  },

  'of an upgrade': ({ WebSocket, WebSocketServer, als, log, leave }) => {
    const http = require('node:http');
    const wss = new WebSocketServer({ noServer: true });
    const server = http.createServer();
    let number = 0;
    server.on('upgrade', (req, socket, head) => {
      als.run(`request ${++number}`, () => {
        setTimeout(() => {
          wss.handleUpgrade(req, socket, head, (ws) => {
            const name = als.getStore();
            ws.on('message', (data) => {
              log(name, `message ${data}`);
              process.nextTick(() => log(name, 'tick'));
              Promise.resolve().then(() => log(name, 'microtask'));
              ws.send(data, () => log(name, 'sent'));
            });
            ws.on('close', () => log(name, 'close'));
          });
        }, 5);
      });
    });
    server.listen(0, '127.0.0.1', () => {
      let open = 2;
      const connect = () => {
        const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
        ws.on('open', () => setTimeout(() => ws.send('1'), 30));
        ws.on('message', (data) => {
          if (Number(data) < 4) ws.send(`${Number(data) + 1}`);
          else ws.close();
        });
        ws.on('close', () => {
          if (--open === 0) setTimeout(leave, 20);
          else connect();
        });
      };
      connect();
    });
  },

  'of a connection that is paused': (tools) => {
    const { WebSocket, WebSocketServer, als, log, leave } = tools;
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    wss.on('connection', (ws) => {
      ws.on('message', (data) => {
        log('server', data);
        als.enterWith(`entered for ${data}`);
        if (data.toString() !== 'pause') return;
        ws.pause();
        setTimeout(() => ws.resume(), 20);
      });
      ws.on('close', () => setTimeout(leave, 20));
    });
    wss.on('listening', () => {
      const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      let at = 0;
      const timer = setInterval(() => {
        if (ws.readyState !== WebSocket.OPEN) return;
        const text = ['first', 'pause', 'a', 'b', 'pause', 'c'][at++];
        if (text !== undefined) return ws.send(text);
        clearInterval(timer);
        ws.terminate();
      }, 40);
    });
  },

  'of one that is sent to by others before it says a word': (tools) => {
    const { WebSocket, WebSocketServer, als, log, leave } = tools;
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    wss.on('connection', (ws) => {
      ws.on('message', (data) => log('server', data));
      ws.on('close', () => setTimeout(leave, 20));
      let left = 12;
      const timer = setInterval(() => {
        als.run(`somebody else ${left}`, () => ws.send(`${--left}`));
        if (left === 0) clearInterval(timer);
      }, 2);
    });
    wss.on('listening', () => {
      const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      let left = 8;
      ws.on('message', (data) => {
        if (data.toString() !== '0') return;
        const timer = setInterval(() => {
          ws.send(`${--left}`);
          if (left > 0) return;
          clearInterval(timer);
          ws.close();
        }, 2);
      });
    });
  },

  'of a client that sends from elsewhere before it gets anything': (tools) => {
    const { WebSocket, WebSocketServer, als, log, leave } = tools;
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    let ws;
    wss.on('connection', (peer) => {
      let count = 0;
      peer.on('message', () => {
        if (++count > 20) peer.send(`${count}`);
      });
    });
    const timer = setInterval(() => {
      if (ws?.readyState === WebSocket.OPEN) ws.send('x');
    }, 2);
    wss.on('listening', () => {
      setTimeout(() => {
        const url = `ws://127.0.0.1:${wss.address().port}`;
        ws = als.run('its own', () => new WebSocket(url));
        ws.on('message', (data) => {
          // Whether more come after it has closed is a matter of time.
          if (ws.readyState !== WebSocket.OPEN) return;
          log('client', 'message');
          if (data.toString() !== '40') return;
          clearInterval(timer);
          ws.close();
        });
        ws.on('close', () => setTimeout(leave, 20));
      }, 5);
    });
  },

  'of many messages at once': (tools) => {
    const { WebSocket, WebSocketServer, als, log, leave } = tools;
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    wss.on('connection', (ws) => {
      // What one handler enters reaches the next one, unless that is of another
      // chunk; where chunks end is for the kernel to say.
      let reached = 0;
      let entered;
      ws.on('message', (data) => {
        if (als.getStore() === entered) reached++;
        entered = `entered for ${data}`;
        als.enterWith(entered);
        if (data.toString() !== 'end') return;
        als.run('the end', () => log('server', `reached ${reached > 500}`));
        ws.close();
      });
    });
    wss.on('listening', () => {
      const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      ws.on('open', () => {
        setTimeout(() => {
          for (let i = 0; i < 600; i++) ws.send(`${i}`);
          ws.send('end');
        }, 20);
      });
      ws.on('close', () => setTimeout(leave, 20));
    });
  }
};

/** Runs a program around the package under test. */
const within = (tested, source) => {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const als = new AsyncLocalStorage();
  const lists = {};
  const log = (name, event) => {
    (lists[name] ??= []).push(`${event}: ${als.getStore()}`);
  };
  const leave = () => {
    console.log(JSON.stringify(lists));
    process.exit();
  };
  const { WebSocket, WebSocketServer } = tested;
  (0, eval)(source)({ WebSocket, WebSocketServer, als, log, leave });
};

/**
 * @param {Function} program one of the above
 * @param {Object} env environment variables
 * @return {Promise<Object>} what it wrote down, by name
 */
async function logOf(program, env) {
  const { errors, lines } = await run(within, { args: [`${program}`], env });
  assert.strictEqual(errors, '');
  return JSON.parse(lines[0]);
}

describe('The asynchronous context', { timeout: 60000 }, () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    it(`${name} is that of ws`, async () => {
      const [actual, expected] = await Promise.all([
        logOf(program, { FERROWS_TRANSPORT: forced }),
        logOf(program, { FERROWS_ORACLE: 'ws' })
      ]);
      assert.deepStrictEqual(comparable(actual), comparable(expected));
    });
  }
});

describe('A connection that is sent to in a context', onlyNative, () => {
  it('is adopted if a server or a client has made it', async (t) => {
    const { client, server } = await pair(t);
    for (const ws of [client, server]) {
      sendInContexts(ws);
      await becomesNative(ws);
    }
  });

  it('is adopted when something has come if others have made it', async (t) => {
    const createConnection = (options) => net.connect(options);
    const { client, server } = await pair(t, { createConnection });
    sendInContexts(client);
    await sleep(20);
    // Before that, its own context can be known only in older versions.
    if (parseInt(process.versions.node, 10) >= 24) assertStream(client);
    const came = once(client, 'message');
    server.send('y');
    await came;
    sendInContexts(client);
    await becomesNative(client);
  });
});

/**
 * @param {WebSocket} ws a connection that is sent to, by several in turn
 */
function sendInContexts(ws) {
  const als = new AsyncLocalStorage();
  for (let i = 0; i < 10; i++) als.run(i, () => ws.send('x'));
}

/**
 * @param {WebSocket} ws a connection
 * @return {Promise} resolves when the addon reads and writes it
 */
async function becomesNative(ws) {
  for (let i = 0; !isNative(ws); i++) {
    assert.ok(i < 100, 'it is not adopted');
    await sleep(1);
  }
}

/**
 * @param {Object} log what a program wrote down
 * @return {Object} the same without what another thread says the time of
 */
function comparable(log) {
  if (forced !== 'tokio') return log;
  return Object.fromEntries(
    Object.entries(log).map(([name, list]) => [
      name,
      list.filter((line) => !line.startsWith('sent'))
    ])
  );
}
