'use strict';

// What connections keep for the end of a turn, and the ends that come before.

const assert = require('node:assert');
const { Duplex } = require('node:stream');
const { describe, it } = require('node:test');

const run = require('./support/child');
const { itDiffers, WebSocket } = require('./support/ferrows');

/**
 * A server's WebSocket over a stream that writes down what it is given.
 *
 * @param {string[]} log where to
 * @param {string} name put in front of each payload
 * @return {WebSocket}
 */
function logged(log, name) {
  let bytes = '';
  const socket = new Duplex({
    read() {},
    write(chunk, encoding, done) {
      bytes += chunk.toString('latin1');
      // Frames of one byte each: `81 01`, payload.
      for (; bytes.length >= 3; bytes = bytes.slice(3)) {
        log.push(`${name}${bytes[2]}`);
      }
      done();
    }
  });
  const ws = new WebSocket(null, undefined, { autoPong: true });
  ws.setSocket(socket, Buffer.alloc(0), {});
  return ws;
}

/** @return {Promise} the next tick */
function tick() {
  return new Promise((resolve) => process.nextTick(resolve));
}

describe('What is kept for the end of a turn', () => {
  it('goes out in the order of connections, turn after turn', async () => {
    const log = [];
    const all = [...'abcd'].map((name) => logged(log, name));
    for (let i = 0; i < 3; i++) {
      for (const ws of all) ws.send('0');
      for (const ws of all) ws.send('1');
      await tick();
      await tick();
    }
    const one = ['a0', 'b0', 'c0', 'd0', 'a1', 'b1', 'c1', 'd1'];
    assert.deepStrictEqual(log, [...one, ...one, ...one]);
    for (const ws of all) ws.terminate();
  });

  it('goes out with callbacks that are none', async () => {
    const log = [];
    const ws = logged(log, 'x');
    const done = new Promise((resolve) => {
      ws.send('1', {}, null);
      ws.send('2', {}, null);
      ws.send('3', {}, undefined);
      ws.send('4', {}, resolve);
    });
    assert.ok(!(await done));
    assert.deepStrictEqual(log, ['x1', 'x2', 'x3', 'x4']);
    ws.terminate();
  });

  /**
   * Sends, and leaves with `process.exit()`, a peer that counts.
   *
   * @param {Function} leave called with the WebSocket
   * @return {Promise<string[]>} what the peer got
   */
  async function afterExit(leave) {
    const program = ({ WebSocket }, source) => {
      const { Duplex } = require('node:stream');
      const fs = require('node:fs');
      const socket = new Duplex({
        read() {},
        write(chunk, encoding, done) {
          fs.writeSync(
            1,
            `${chunk.toString('latin1').replace(/[^a-z]/g, '')}\n`
          );
          done();
        }
      });
      const ws = new WebSocket(null, undefined, { autoPong: true });
      ws.setSocket(socket, Buffer.alloc(0), {});
      (0, eval)(source)(ws, socket);
    };
    const { code, errors, lines } = await run(program, { args: [`${leave}`] });
    assert.strictEqual(errors, '');
    assert.strictEqual(code, 0);
    return lines.join('');
  }

  it('goes out before the process exits', async () => {
    const got = await afterExit((ws) => {
      for (const text of 'abc') ws.send(text);
      process.exit();
    });
    assert.strictEqual(got, 'abc');
  });

  it('goes out from listeners of the exit, wherever they are', async () => {
    const got = await afterExit((ws) => {
      for (const text of 'ab') ws.send(text);
      process.prependListener('exit', () => {
        for (const text of 'cd') ws.send(text);
      });
      process.on('exit', () => {
        for (const text of 'efg') ws.send(text);
      });
      process.exit();
    });
    assert.strictEqual(got, 'abcdefg');
  });

  it('goes out when a handler exits in the middle of a chunk', async () => {
    const got = await afterExit((ws, socket) => {
      ws.on('message', () => {
        for (const text of 'ab') ws.send(text);
        process.on('exit', () => {
          for (const text of 'cd') ws.send(text);
        });
        process.exit();
      });
      const message = [0x81, 0x81, 0, 0, 0, 0, 0x61];
      socket.push(Buffer.from([...message, ...message]));
    });
    assert.strictEqual(got, 'abcd');
  });

  describe('on a socket of Node', () => {
    const program = ({ WebSocket, WebSocketServer, lib, oracle }, source) => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
        ws.on('message', (data) => data.length === 4 && process.exit());
      });
      wss.on('connection', (ws) => {
        const slab = oracle ? undefined : lib('transport/slab');
        (0, eval)(source)(ws, slab);
      });
    };

    itDiffers('is written from the same memory again and again', async () => {
      const { lines } = await run(program, {
        args: [
          `${(ws, slab) => {
            const memory = () => {
              const header = slab.header(0x82, 1, 0);
              slab.recycle(header);
              return header.buffer;
            };
            const before = memory();
            const turn = (left) => {
              for (let i = 0; i < 10; i++) ws.send('x'.repeat(99));
              if (left > 0) return setImmediate(turn, left - 1);
              // 101 turns of a thousand bytes: several slabs.
              console.log(before === memory());
              ws.send('last');
            };
            turn(100);
          }}`
        ]
      });
      assert.deepStrictEqual(lines, ['true']);
    });

    it('is left alone if somebody has replaced its methods', async () => {
      const { lines } = await run(program, {
        args: [
          `${(ws) => {
            const { prototype } = require('node:net').Socket;
            const { write } = prototype;
            const chunks = [];
            ws.send('a');
            ws.send('b');
            setImmediate(() => {
              prototype.write = function (chunk, ...rest) {
                chunks.push(chunk);
                return write.call(this, chunk, ...rest);
              };
              const turn = (left) => {
                ws.send(`${left}`);
                ws.send('-');
                if (left > 0) return setImmediate(turn, left - 1);
                ws.send('last');
                process.on('exit', () => {
                  const text = Buffer.concat(chunks.map(Buffer.from));
                  console.log(
                    text
                      .toString('latin1')
                      .match(/[0-9a-z]/g)
                      .join('')
                  );
                });
              };
              turn(9);
            });
          }}`
        ]
      });
      assert.deepStrictEqual(lines, ['9876543210last']);
    });
  });
});
