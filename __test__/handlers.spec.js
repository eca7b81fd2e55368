'use strict';

// Handlers that throw: the exception is seen, and nothing else is lost.

const assert = require('node:assert');
const { describe, it } = require('node:test');

const run = require('./support/child');
const { itDiffers } = require('./support/ferrows');

/**
 * A server whose handler of one event throws each time, and a client that sends
 * bytes of all kinds to it; prints what happens to the server.
 */
function program({ WebSocket, WebSocketServer }, event, synchronous, last) {
  process.on('uncaughtException', (err) => console.log(err.message));
  const message = (byte) => [0x81, 0x81, 0, 0, 0, 0, byte];
  const first = [
    ...message(0x61),
    ...[0x89, 0x80, 0, 0, 0, 0],
    ...[0x8a, 0x80, 0, 0, 0, 0],
    ...message(0x62),
    ...message(0x63)
  ];
  const end = { close: 0x88, error: 0x83 }[last];
  const wss = new WebSocketServer(
    { port: 0, host: '127.0.0.1', allowSynchronousEvents: synchronous === '1' },
    () => {
      const client = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
      client.on('error', () => {});
      client.on('close', () => setTimeout(() => process.exit(), 20));
      client.on('open', async () => {
        for (const bytes of [first, message(0x64), [end, 0x80, 0, 0, 0, 0]]) {
          client._socket.write(Buffer.from(bytes));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      });
    }
  );
  wss.on('connection', (ws) => {
    for (const name of ['message', 'ping', 'pong', 'error', 'close']) {
      ws.on(name, (data) => {
        console.log(`${name} ${data}`.trim());
        if (name === event) throw new Error(`thrown in ${name}`);
      });
    }
  });
}

const ALL = [
  'message a',
  'ping',
  'pong',
  'message b',
  'message c',
  'message d'
];
const ERROR = 'error RangeError: Invalid WebSocket frame: invalid opcode 3';

/** `lines` with an exception after each one of an event. */
const withThrown = (lines, event) =>
  lines.flatMap((line) =>
    line.split(' ')[0] === event ? [line, `thrown in ${event}`] : [line]
  );

describe('A handler that throws', { timeout: 60000, concurrency: 2 }, () => {
  for (const synchronous of ['1', '0']) {
    const how = synchronous === '1' ? '' : ', one event a tick';

    for (const event of ['message', 'ping', 'pong']) {
      itDiffers(`in \`${event}\` keeps nothing back${how}`, async () => {
        const { lines } = await run(program, {
          args: [event, synchronous, 'close']
        });
        const expected = withThrown([...ALL, 'close 1005'], event);
        assert.deepStrictEqual(lines, expected);
      });
    }

    for (const [event, last, ending] of [
      ['close', 'close', ['close 1005']],
      ['error', 'error', [ERROR, 'close 1006']],
      ['close', 'error', [ERROR, 'close 1006']]
    ]) {
      it(`in \`${event}\` after ${last} is seen${how}`, async () => {
        const { lines } = await run(program, {
          args: [event, synchronous, last]
        });
        assert.deepStrictEqual(lines, withThrown([...ALL, ...ending], event));
      });
    }
  }

  itDiffers('in `message` after a pause lets the end come', async () => {
    const { lines } = await run(({ WebSocket }) => {
      const { Duplex } = require('node:stream');
      process.on('uncaughtException', (err) => console.log(err.message));
      const socket = new Duplex({ read() {} });
      const ws = new WebSocket(null, undefined, {});
      ws.setSocket(socket, Buffer.alloc(0), {});
      ws.on('message', (data) => {
        console.log(`message ${data}`);
        throw new Error('thrown');
      });
      ws.on('close', (code) => console.log(`close ${code}`));
      ws.pause();
      const frames = [
        0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x81, 0, 0, 0, 0, 0x62
      ];
      socket.push(Buffer.from(frames));
      setImmediate(() => ws.terminate());
    });
    assert.deepStrictEqual(lines, [
      'message a',
      'thrown',
      'message b',
      'thrown',
      'close 1006'
    ]);
  });

  it('in `open` leaves a client that works', async () => {
    const { lines } = await run(({ WebSocket, WebSocketServer }) => {
      process.on('uncaughtException', (err) => console.log(err.message));
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('open', () => {
          throw new Error('thrown');
        });
        ws.on('message', (data) => {
          console.log(`${data}`);
          process.exit();
        });
      });
      wss.on('connection', (ws) => setTimeout(() => ws.send('hello'), 10));
    });
    assert.deepStrictEqual(lines, ['thrown', 'hello']);
  });
});
