'use strict';

// What a process has because of connections that the addon reads and writes:
// how long it lives, which descriptors and threads it has.

const assert = require('node:assert');
const { describe, it } = require('node:test');

const run = require('./support/child');

const linux = { skip: process.platform !== 'linux' && 'there is no /proc' };

/** Milliseconds after which a process is alive for good. */
const ALIVE = 400;

/**
 * Opens a connection within this process, and calls a function when it is
 * adopted. Prints when the process exits by itself.
 */
const opened = ({ WebSocket, WebSocketServer }, source, alive) => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const timer = setTimeout(() => {
    console.log('still alive');
    process.exit();
  }, alive);
  timer.unref();
  process.on('exit', () => console.log('exit'));
  wss.on('listening', () => {
    const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
    wss.on('connection', (far) => {
      ws.on('open', () => {
        setTimeout(() => (0, eval)(source)({ far, ws, wss }), 20);
      });
    });
  });
};

/**
 * @param {Function} act gets both ends of a connection, and the server
 * @return {Promise<string[]>} what the process printed
 */
async function afterwards(act) {
  const { code, errors, lines } = await run(opened, {
    args: [`${act}`, ALIVE]
  });
  assert.strictEqual(errors, '');
  assert.strictEqual(code, 0);
  return lines;
}

/** Name, what is done, whether the process ends then. */
const ROWS = [
  ['nothing is done', () => {}, false],
  ['only the server is closed', ({ wss }) => wss.close(), false],
  [
    'all is unreferenced',
    ({ far, ws, wss }) => {
      wss._server.unref();
      for (const { _socket } of [far, ws]) _socket.unref();
    },
    true
  ],
  [
    'one end is unreferenced',
    ({ ws, wss }) => {
      wss._server.unref();
      ws._socket.unref();
    },
    false
  ],
  [
    'an end is referenced again',
    ({ far, ws, wss }) => {
      wss._server.unref();
      for (const { _socket } of [far, ws]) _socket.unref();
      far._socket.ref();
    },
    false
  ],
  [
    'unreferenced ends are paused',
    ({ far, ws, wss }) => {
      wss._server.unref();
      for (const end of [far, ws]) {
        end._socket.unref();
        end.pause();
      }
    },
    true
  ],
  [
    'unreferenced ends were paused, and resumed',
    ({ far, ws, wss }) => {
      wss._server.unref();
      for (const end of [far, ws]) {
        end.pause();
        end._socket.unref();
        end.resume();
      }
    },
    true
  ],
  [
    'unreferenced ends are referenced while they are paused',
    ({ far, ws, wss }) => {
      wss._server.unref();
      for (const end of [far, ws]) {
        end._socket.unref();
        end.pause();
        end._socket.ref();
        end.resume();
      }
    },
    false
  ],
  [
    'the connection is closed, and the server',
    ({ ws, wss }) => {
      wss.close();
      ws.close();
    },
    true
  ],
  [
    'the connection is terminated, and the server closed',
    ({ ws, wss }) => {
      wss.close();
      ws.terminate();
    },
    true
  ],
  [
    'the socket is destroyed, and the server closed',
    ({ ws, wss }) => {
      wss.close();
      ws._socket.destroy();
    },
    true
  ]
];

describe('A process', { timeout: 60000 }, () => {
  for (const [name, act, ends] of ROWS) {
    it(`${ends ? 'ends' : 'lives on'} if ${name}`, async () => {
      const expected = ends ? ['exit'] : ['still alive', 'exit'];
      assert.deepStrictEqual(await afterwards(act), expected);
    });
  }

  it('has nothing of a package that it only loads', linux, async () => {
    // What Node opens for modules of its own does not count.
    const program = `(() => {
      const fs = require('node:fs');
      for (const name of ['http', 'https', 'net', 'test', 'tls', 'zlib']) {
        require('node:' + name);
      }
      // Node's own threads take a while to begin.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      const count = () =>
        ['fd', 'task'].map((name) => fs.readdirSync('/proc/self/' + name));
      const before = count();
      return () => {
        const after = count();
        for (const list of [before, after]) {
          console.log(list.map(({ length }) => length).join());
        }
      };
    })()`;
    const { code, errors, lines } = await run(program);
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
    assert.strictEqual(lines[0], lines[1]);
  });

  it('has no thread for each connection', linux, async () => {
    const { lines } = await run(({ WebSocket, WebSocketServer }) => {
      const fs = require('node:fs');
      const threads = () => fs.readdirSync('/proc/self/task').length;
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const url = `ws://127.0.0.1:${wss.address().port}`;
        const before = threads();
        let open = 0;
        for (let i = 0; i < 100; i++) {
          new WebSocket(url).on('open', function () {
            this.send('x');
            this.send('x');
            if (++open < 100) return;
            setTimeout(() => {
              console.log(threads() - before);
              process.exit();
            }, 50);
          });
        }
      });
    });
    // Those of the system calls that Node makes elsewhere, and I/O threads.
    assert.ok(Number(lines[0]) <= 10, `${lines[0]} threads`);
  });

  it('has its descriptors back after connections', linux, async () => {
    const { errors, lines } = await run(({ WebSocket, WebSocketServer }) => {
      const fs = require('node:fs');
      const count = () => fs.readdirSync('/proc/self/fd').length;
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      wss.on('connection', (ws) => {
        ws.on('message', (data) => ws.send(data));
        ws.on('error', () => {});
      });
      const ways = [
        (ws) => ws.close(),
        (ws) => ws.terminate(),
        (ws) => ws._socket.destroy(),
        (ws) => ws._socket.end(),
        (ws) => ws._socket.resetAndDestroy(),
        (ws) => {
          ws.pause();
          ws.terminate();
        },
        (ws) => ws._receiver && ws.terminate(),
        (ws) => ws._socket.write(Buffer.from([0xf3, 0x80]))
      ];
      const round = async (size) => {
        const url = `ws://127.0.0.1:${wss.address().port}`;
        const list = Array.from({ length: size }, () => new WebSocket(url));
        await Promise.all(
          list.map((ws, i) => {
            ws.on('error', () => {});
            ws.on('open', () => ws.send('x'));
            ws.on('message', () => ways[i % ways.length](ws));
            return new Promise((resolve) => ws.on('close', resolve));
          })
        );
        while (wss.clients.size > 0) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      };
      wss.on('listening', async () => {
        await round(8);
        const before = count();
        for (let i = 0; i < 5; i++) await round(40);
        console.log(count() - before);
        process.exit();
      });
    });
    assert.strictEqual(errors, '');
    assert.deepStrictEqual(lines, ['0']);
  });

  it('keeps no descriptor of what programs it starts', linux, async () => {
    const { errors, lines } = await run(({ WebSocket, WebSocketServer }) => {
      const { execFileSync } = require('node:child_process');
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('open', () => {
          setTimeout(() => {
            const text = execFileSync('ls', ['-l', '/proc/self/fd'], {
              encoding: 'utf8'
            });
            const sockets = text.match(/socket:|eventpoll/g) ?? [];
            // The pipes of a child are sockets: 0, 1 and 2.
            console.log(sockets.length <= 3);
            process.exit();
          }, 20);
        });
      });
    });
    assert.strictEqual(errors, '');
    assert.deepStrictEqual(lines, ['true']);
  });
});
