'use strict';

// Small frames that inflate to much, and processes that end in the middle.

const assert = require('node:assert');
const { describe, it } = require('node:test');

const run = require('./support/child');

const MIB = 1024 * 1024;

/**
 * Sends zeros to a server until it has said no, and prints by how many bytes
 * the memory of the process has grown at most.
 *
 * @param {Object} tested the package
 * @param {Object} bomb
 * @param {number} bomb.mebibytes how much each frame inflates to
 * @param {number} bomb.frames into how many frames the message is cut
 * @param {number} bomb.connections how many send it at the same time
 * @param {Object} bomb.options those of the server
 */
function explode({ WebSocketServer }, bomb) {
  const net = require('node:net');
  const zlib = require('node:zlib');

  // Each part of it stands for itself, so that the whole is never made.
  const part = zlib.deflateRawSync(Buffer.alloc(1024 * 1024), {
    finishFlush: zlib.constants.Z_FULL_FLUSH,
    level: 9
  });
  const payload = Buffer.concat(Array(bomb.mebibytes).fill(part));
  const frames = Array.from({ length: bomb.frames }, (_, i) => {
    const head = Buffer.alloc(14);
    head[0] = (i === bomb.frames - 1 ? 0x80 : 0) | (i === 0 ? 0x42 : 0);
    head[1] = 0xff;
    head.writeUInt32BE(payload.length, 6);
    // A mask of zeros changes nothing.
    return Buffer.concat([head, payload]);
  });
  const request = [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Extensions: permessage-deflate',
    '',
    ''
  ].join('\r\n');

  const wss = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: true,
    ...bomb.options
  });
  // In KiB, the most it ever was.
  const most = () => process.resourceUsage().maxRSS * 1024;
  let before;
  let left = bomb.connections;
  wss.on('connection', (ws) => {
    ws.on('message', (data) => console.log(`message ${data.length}`));
    ws.on('error', (err) => console.log(err.code));
    ws.on('close', () => {
      if (--left > 0) return;
      console.log(most() - before);
      process.exit();
    });
  });
  wss.on('listening', () => {
    before = most();
    for (let i = 0; i < bomb.connections; i++) {
      const socket = net.connect(wss.address().port, '127.0.0.1');
      socket.write(request);
      socket.once('data', () => {
        for (const frame of frames) socket.write(frame);
      });
      // The end of the close frame: it says why.
      socket.on('data', (data) => {
        if (data.at(-4) === 0x88)
          console.log(data.readUInt16BE(data.length - 2));
      });
      socket.on('error', () => {});
    }
  });
}

/**
 * Runs `explode()`.
 *
 * @param {Object} bomb see there
 * @return {Promise<{growth: number, said: string[]}>}
 */
async function exploded(bomb) {
  const { code, lines, errors } = await run(explode, { args: [bomb] });
  assert.strictEqual(errors, '');
  assert.strictEqual(code, 0);
  return { growth: Number(lines.at(-1)), said: lines.slice(0, -1).sort() };
}

const OVER = ['1009', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'];

describe('A frame that inflates to much', { timeout: 60000 }, () => {
  const options = { maxPayload: MIB };

  for (const mebibytes of [2, 10, 100]) {
    it(`of ${mebibytes} MiB takes no more than the limit`, async () => {
      const bomb = { mebibytes, frames: 1, connections: 1, options };
      const { growth, said } = await exploded(bomb);
      assert.deepStrictEqual(said, OVER);
      assert.ok(growth < 31 * MIB, `${growth}`);
    });
  }

  it('may be the first of many', async () => {
    const bomb = { mebibytes: 10, frames: 10, connections: 1, options };
    const { growth, said } = await exploded(bomb);
    assert.deepStrictEqual(said, OVER);
    assert.ok(growth < 31 * MIB, `${growth}`);
  });

  it('may come on many connections', async () => {
    const connections = 20;
    const bomb = { mebibytes: 50, frames: 1, connections, options };
    const { growth, said } = await exploded(bomb);
    assert.deepStrictEqual(said, OVER.flatMap((x) => Array(20).fill(x)).sort());
    assert.ok(growth < (connections + 30) * MIB, `${growth}`);
  });

  it('counts together with the others of its message', async () => {
    const bomb = {
      mebibytes: 1,
      frames: 10,
      connections: 1,
      options: { maxPayload: 5 * MIB }
    };
    const { growth, said } = await exploded(bomb);
    assert.deepStrictEqual(said, OVER);
    assert.ok(growth < 45 * MIB, `${growth}`);
  });

  it('is taken if it is exactly at the limit', async () => {
    const { lines } = await run(async ({ Receiver, PerMessageDeflate }) => {
      const zlib = require('node:zlib');
      const options = { maxPayload: 10 * 1024 * 1024 };
      const deflate = new PerMessageDeflate(options);
      deflate.accept([{}]);
      const receiver = new Receiver({
        ...options,
        extensions: { 'permessage-deflate': deflate }
      });
      receiver.on('message', (data) => console.log(data.length));
      receiver.on('error', (err) => console.log(err.message));
      for (const more of [0, 1]) {
        const payload = zlib
          .deflateRawSync(Buffer.alloc(options.maxPayload + more), {
            finishFlush: zlib.constants.Z_SYNC_FLUSH
          })
          .subarray(0, -4);
        const head = Buffer.from([0xc2, 126, 0, 0]);
        head.writeUInt16BE(payload.length, 2);
        receiver.write(Buffer.concat([head, payload]));
      }
    });
    assert.deepStrictEqual(lines, ['10485760', 'Max payload size exceeded']);
  });
});

describe('A process that compresses', { timeout: 60000 }, () => {
  /**
   * Sends large messages in both directions, for ever.
   *
   * @param {Object} tested the package
   */
  const busy = ({ WebSocket, WebSocketServer }) => {
    const data = require('node:crypto').randomBytes(3e6);
    const options = { port: 0, host: '127.0.0.1', perMessageDeflate: true };
    const wss = new WebSocketServer(options, () => {
      for (let i = 0; i < 3; i++) {
        const url = `ws://127.0.0.1:${wss.address().port}`;
        const ws = new WebSocket(url);
        ws.on('open', () => {
          ws.send(data);
          ws.send(data);
        });
        ws.on('message', (message) => ws.send(message));
      }
    });
    wss.on('connection', (ws) => {
      ws.on('message', (message) => ws.send(message));
    });
  };

  it('may end its worker threads at any moment', async () => {
    const ferrows = require.resolve('./support/ferrows');
    const program = `(tested) => {
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(
        `(${busy})(require(${JSON.stringify(ferrows)}))`
      )};
      const next = (left) => {
        if (left === 0) return console.log('done');
        const worker = new Worker(source, { eval: true });
        worker.on('error', (err) => console.log(err.message));
        worker.on('exit', () => next(left - 1));
        worker.on('online', () => {
          setTimeout(() => worker.terminate(), 150 + 37 * left);
        });
      };
      next(6);
    }`;
    const { code, signal, lines, errors } = await run(program);
    assert.deepStrictEqual(
      { code, signal, lines, errors },
      {
        code: 0,
        signal: null,
        lines: ['done'],
        errors: ''
      }
    );
  });

  it('may end at any moment', async () => {
    for (const delay of [150, 200, 300]) {
      const program = `(tested) => {
        (${busy})(tested);
        setTimeout(() => process.exit(7), ${delay});
      }`;
      const { code, signal, errors } = await run(program);
      assert.deepStrictEqual(
        { code, signal, errors },
        {
          code: 7,
          signal: null,
          errors: ''
        }
      );
    }
  });

  it('ends by itself when all is closed', async () => {
    const { code, lines, errors } = await run(
      ({ WebSocket, WebSocketServer }) => {
        const options = { port: 0, host: '127.0.0.1', perMessageDeflate: true };
        const wss = new WebSocketServer(options, () => {
          const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
          ws.on('open', () => {
            ws.send('x'.repeat(1e6), () => console.log('sent'));
            ws.close();
          });
          ws.on('close', () => wss.close());
        });
        wss.on('connection', (ws) =>
          ws.on('message', (data) => console.log(data.length))
        );
      }
    );
    assert.deepStrictEqual(lines.sort(), ['1000000', 'sent']);
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
  });
});
