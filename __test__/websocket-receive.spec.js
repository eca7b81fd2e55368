'use strict';

// What comes out of a WebSocket: pauses, pongs, kinds of data, its receiver.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const {
  setImmediate: tick,
  setTimeout: sleep
} = require('node:timers/promises');

const { endOf, roles } = require('./support/connections');
const { lib, Receiver, WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

const { EMPTY_BUFFER } = lib('constants');

/**
 * Writes down what comes.
 *
 * @param {WebSocket} ws the WebSocket
 * @return {string[]} the log
 */
function record(ws) {
  const log = [];
  for (const name of ['message', 'ping', 'pong']) {
    ws.on(name, (data) => log.push(`${name} ${data}`));
  }
  ws.on('close', (code) => log.push(`close ${code}`));
  return log;
}

/** Waits until a log has so many entries. */
async function grown(log, length) {
  while (log.length < length) await sleep(1);
  return log;
}

for (const [role, connect] of Object.entries(roles)) {
  const toIt = (opcode, data, options) =>
    frame(opcode, data, { mask: role === 'server', ...options });
  const text = (data) => toIt(OP.TEXT, data);
  const bye = toIt(OP.CLOSE, closeBody(1000));

  describe(`What a ${role}'s WebSocket receives`, { timeout: 20000 }, () => {
    it('comes in order, however it is cut', async (t) => {
      const { ws, peer } = await connect(t);
      const log = record(ws);
      const bytes = Buffer.concat([
        text('a'),
        toIt(OP.TEXT, 'b', { fin: false }),
        toIt(OP.PING, 'c'),
        toIt(OP.CONT, 'd'),
        toIt(OP.PONG, 'e'),
        text('f'.repeat(300))
      ]);
      const expected = [
        'message a',
        'ping c',
        'message bd',
        'pong e',
        `message ${'f'.repeat(300)}`
      ];
      await peer.send(bytes);
      assert.deepStrictEqual(await grown(log, 5), expected);
      await peer.send(...[...bytes].map((byte) => Buffer.of(byte)));
      assert.deepStrictEqual((await grown(log, 10)).slice(5), expected);
    });

    it('may be large', async (t) => {
      const { ws, peer } = await connect(t);
      const data = Buffer.alloc(5000000, 'abcdefg');
      const received = once(ws, 'message');
      await peer.send(toIt(OP.BINARY, data));
      const [message, isBinary] = await received;
      assert.ok(message.equals(data));
      assert.strictEqual(isBinary, true);
    });

    it('stays as it was given', async (t) => {
      const { ws, peer } = await connect(t);
      const kept = [];
      ws.on('message', (data) => kept.push(data));
      for (let i = 0; i < 40; i++) {
        await peer.send(Buffer.concat([text(`a${i}`), text('b'.repeat(i))]));
      }
      await grown(kept, 80);
      await peer.send(text('c'.repeat(100000)));
      await grown(kept, 81);
      for (let i = 0; i < 40; i++) {
        assert.strictEqual(kept[2 * i].toString(), `a${i}`);
        assert.strictEqual(kept[2 * i + 1].toString(), 'b'.repeat(i));
      }
    });

    it('follows `binaryType` at once', async (t) => {
      const { ws, peer } = await connect(t);
      const kinds = [];
      const types = ['arraybuffer', 'fragments', 'blob', 'nodebuffer', 'other'];
      ws.on('message', (data, isBinary) => {
        kinds.push(`${data.constructor.name} ${isBinary}`);
        if (types.length > 0) ws.binaryType = types.shift();
      });
      const binary = toIt(OP.BINARY, 'a');
      const frames = [...Array(6).fill(binary), text('b')];
      await peer.send(Buffer.concat(frames));
      assert.deepStrictEqual(await grown(kinds, 7), [
        'Buffer true',
        'ArrayBuffer true',
        'Array true',
        'Blob true',
        'Buffer true',
        'Buffer true',
        'Buffer false'
      ]);
    });

    it('comes one a tick without `allowSynchronousEvents`', async (t) => {
      const { ws, peer } = await connect(t, { allowSynchronousEvents: false });
      const log = record(ws);
      const tasks = [];
      for (const name of ['message', 'ping']) {
        ws.on(name, () => {
          const before = log.length;
          process.nextTick(() => tasks.push(log.length - before));
        });
      }
      await peer.send(
        Buffer.concat([text('a'), toIt(OP.PING), text('b'), text('c'), bye])
      );
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      await once(ws, 'close');
      assert.deepStrictEqual(log, [
        'message a',
        'ping ',
        'message b',
        'message c',
        'close 1000'
      ]);
      assert.deepStrictEqual(tasks, [0, 0, 0, 0]);
    });

    describe('while it is paused', () => {
      it('waits', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.pause();
        assert.strictEqual(ws.isPaused, true);
        assert.strictEqual(ws._socket.isPaused(), true);
        await peer.send(text('a'), bye);
        await sleep(20);
        assert.deepStrictEqual(log, []);
        assert.strictEqual(ws.readyState, WebSocket.OPEN);

        ws.resume();
        assert.strictEqual(ws.isPaused, false);
        assert.strictEqual(ws._socket.isPaused(), false);
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        await once(ws, 'close');
        assert.deepStrictEqual(log, ['message a', 'close 1000']);
      });

      it('waits from the next chunk on if a handler pauses', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.once('message', () => ws.pause());
        await peer.send(Buffer.concat([text('a'), text('b')]));
        await grown(log, 2);
        await peer.send(text('c'));
        await sleep(20);
        const sofar = log.splice(0);
        assert.deepStrictEqual(sofar.slice(0, 2), ['message a', 'message b']);
        ws.resume();
        await grown(log, 3 - sofar.length);
        assert.deepStrictEqual([...sofar, ...log][2], 'message c');
      });

      it('holds the peer back', async (t) => {
        const { ws, peer } = await connect(t);
        let received = 0;
        ws.on('message', (data) => (received += data.length));
        ws.pause();
        const count = 40;
        const chunk = toIt(OP.BINARY, Buffer.alloc(1 << 20));
        const sent = peer.send(...Array(count).fill(chunk));
        await sleep(50);
        assert.ok(peer.socket.writableLength > 0);
        assert.strictEqual(received, 0);
        assert.ok(ws._socket.readableLength < 2 << 20);
        ws.resume();
        await sent;
        while (received < count << 20) await sleep(1);
      });
    });

    describe('is a ping', () => {
      it('that is answered before it is emitted', async (t) => {
        const { ws, peer } = await connect(t);
        ws.on('ping', (data) => ws.send(`after ${data}`));
        await peer.send(Buffer.concat([toIt(OP.PING, 'a'), toIt(OP.PING)]));
        const frames = await peer.framesCame(4);
        assert.deepStrictEqual(
          frames.map(({ opcode, payload }) => `${opcode} ${payload}`),
          ['10 a', '1 after a', '10 ', '1 after ']
        );
        for (const { mask } of frames) {
          assert.strictEqual(mask !== null, role === 'client');
        }
      });

      it('without data: the one empty Buffer', async (t) => {
        const { ws, peer } = await connect(t);
        const pinged = once(ws, 'ping');
        await peer.send(toIt(OP.PING));
        assert.strictEqual((await pinged)[0], EMPTY_BUFFER);
      });

      it('that is not answered with `autoPong: false`', async (t) => {
        const { ws, peer } = await connect(t, { autoPong: false });
        ws.on('ping', (data) => ws.send(`only ${data}`));
        await peer.send(toIt(OP.PING, 'a'));
        const [{ opcode, payload }] = await peer.framesCame(1);
        assert.strictEqual(opcode, OP.TEXT);
        assert.strictEqual(payload.toString(), 'only a');
      });

      it('that is not answered after `close()`', async (t) => {
        const { ws, peer } = await connect(t);
        ws.close();
        await peer.send(toIt(OP.PING, 'a'), bye);
        await peer.until(({ ended }) => ended);
        assert.deepStrictEqual(
          peer.frames.map(({ opcode }) => opcode),
          [OP.CLOSE]
        );
      });

      for (const [limit, kept] of [
        [3, 3],
        [undefined, 60]
      ]) {
        it(`too many: ${kept} pongs wait, and no more`, async (t) => {
          const given =
            limit === undefined ? {} : { maxPendingAutoPongs: limit };
          const { ws, peer } = await connect(t, given);
          peer.socket.pause();
          for (let i = 0; i < 40; i++) ws.send(Buffer.alloc(1 << 20));
          let pings = 0;
          const states = [];
          ws.on('ping', () => {
            pings++;
            if (pings >= kept) states.push(ws.readyState);
          });
          const end = endOf(ws);
          const list = Array(kept + 1).fill(toIt(OP.PING, 'a'));
          await peer.send(Buffer.concat(list));
          assert.deepStrictEqual(await end, {
            code: 1006,
            reason: '',
            errors: []
          });
          assert.strictEqual(pings, kept + 1);
          assert.deepStrictEqual(states, [1, 2]);
        });
      }

      it('any number of them without a limit', async (t) => {
        const { ws, peer } = await connect(t, { maxPendingAutoPongs: 0 });
        peer.socket.pause();
        for (let i = 0; i < 20; i++) ws.send(Buffer.alloc(1 << 20));
        let pings = 0;
        ws.on('ping', () => pings++);
        await peer.send(Buffer.concat(Array(500).fill(toIt(OP.PING, 'a'))));
        while (pings < 500) await sleep(1);
        peer.socket.resume();
        // Not for frames from the start, which looks at all of it each time.
        const size = (list) =>
          list.reduce((sum, { length }) => sum + length, 0);
        await peer.until(({ chunks }) => size(chunks) > 20 << 20);
        await peer.framesCame(520);
        assert.strictEqual(ws.readyState, WebSocket.OPEN);
      });
    });

    describe('through `_receiver`', () => {
      it('is a Receiver once the connection is open', async (t) => {
        const { ws } = await connect(t);
        const receiver = ws._receiver;
        assert.ok(receiver instanceof Receiver);
        assert.strictEqual(ws._receiver, receiver);
      });

      it('goes on where it was, in the middle of a frame', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        const bytes = Buffer.concat([
          toIt(OP.TEXT, 'a', { fin: false }),
          toIt(OP.CONT, 'bcdef')
        ]);
        await peer.send(bytes.subarray(0, -3));
        await sleep(10);
        const seen = [];
        ws._receiver.on('message', (data) => seen.push(data.toString()));
        await peer.send(bytes.subarray(-3), text('g'), toIt(OP.PING, 'h'));
        assert.deepStrictEqual(await grown(log, 3), [
          'message abcdef',
          'message g',
          'ping h'
        ]);
        assert.deepStrictEqual(seen, ['abcdef', 'g']);
        await peer.send(bye);
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        await once(ws, 'close');
        assert.strictEqual(log[3], 'close 1000');
        assert.strictEqual(peer.frames[1].opcode, OP.CLOSE);
      });

      it('goes on where it was, in a handler', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        const seen = [];
        ws.once('message', () => {
          ws._receiver.on('message', (data) => seen.push(data.toString()));
        });
        await peer.send(Buffer.concat([text('a'), text('b'), text('c')]));
        await peer.send(text('d'));
        assert.deepStrictEqual(await grown(log, 4), [
          'message a',
          'message b',
          'message c',
          'message d'
        ]);
        assert.deepStrictEqual(seen.slice(-3), ['b', 'c', 'd']);
      });

      it('goes on after a pause', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.pause();
        await peer.send(text('a'), text('b'));
        assert.strictEqual(ws._receiver.writableLength, 0);
        await sleep(10);
        assert.deepStrictEqual(log, []);
        ws.resume();
        assert.deepStrictEqual(await grown(log, 2), ['message a', 'message b']);
      });

      it('reports broken input', async (t) => {
        const { ws, peer } = await connect(t);
        const end = endOf(ws);
        assert.ok(ws._receiver);
        await peer.send(Buffer.concat([text('a'), toIt(3)]));
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        const { code, errors } = await end;
        assert.strictEqual(code, 1006);
        assert.strictEqual(errors[0].code, 'WS_ERR_INVALID_OPCODE');
        assert.deepStrictEqual(peer.frames[0].payload, closeBody(1002));
      });

      it('takes bytes from elsewhere', async (t) => {
        const { ws } = await connect(t);
        const log = record(ws);
        ws._receiver.write(text('a'));
        assert.deepStrictEqual(log, ['message a']);
      });

      it('follows `binaryType`, and takes its time', async (t) => {
        const options = { allowSynchronousEvents: false };
        const { ws, peer } = await connect(t, options);
        const kinds = [];
        ws.on('message', (data) => kinds.push(data.constructor.name));
        assert.ok(ws._receiver);
        ws.binaryType = 'arraybuffer';
        const data = toIt(OP.BINARY, Buffer.alloc(20000));
        await peer.send(...Array(20).fill(data));
        await grown(kinds, 20);
        await tick();
        assert.deepStrictEqual(kinds, Array(20).fill('ArrayBuffer'));
      });

      it('waits for what came before it was taken', async (t) => {
        const options = { allowSynchronousEvents: false };
        const { ws, peer } = await connect(t, options);
        const log = record(ws);
        ws.once('message', () => {
          assert.ok(ws._receiver);
          ws.terminate();
        });
        await peer.send(Buffer.concat([text('a'), text('b'), text('c')]));
        await once(ws, 'close');
        assert.deepStrictEqual(log, [
          'message a',
          'message b',
          'message c',
          'close 1006'
        ]);
      });

      it('reports what was broken when it was taken, in time', async (t) => {
        const { ws, peer } = await connect(t);
        const log = [];
        ws.on('error', () => log.push('error'));
        ws.on('message', () => {
          assert.ok(ws._receiver);
          process.nextTick(process.nextTick, () => log.push('tick'));
        });
        await peer.send(Buffer.concat([text('a'), toIt(3)]));
        await peer.until(({ ended }) => ended);
        assert.deepStrictEqual(log, ['tick', 'error']);
        peer.socket.end();
        await once(ws, 'close');
      });

      it('does not resume a socket that it did not pause', async (t) => {
        const options = { allowSynchronousEvents: false };
        const { ws, peer } = await connect(t, options);
        const log = record(ws);
        ws.once('message', () => {
          assert.ok(ws._receiver);
          ws._socket.pause();
        });
        await peer.send(Buffer.concat([text('a'), text('b')]));
        await grown(log, 2);
        await tick();
        assert.strictEqual(ws._socket.isPaused(), true);
      });

      it('ends on the same tick, if it is taken at the end', async (t) => {
        const { ws } = await connect(t);
        ws.terminate();
        ws._socket.on('close', () => assert.ok(ws._receiver));
        const log = record(ws);
        ws._socket.on('close', () => {
          process.nextTick(() => log.push('tick'));
        });
        await once(ws, 'close');
        await tick();
        assert.deepStrictEqual(log, ['close 1006', 'tick']);
      });

      it('may be taken when it is over', async (t) => {
        const { ws } = await connect(t);
        ws.terminate();
        await once(ws, 'close');
        assert.ok(ws._receiver instanceof Receiver);
      });
    });
  });
}
