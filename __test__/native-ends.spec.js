'use strict';

// How connections end whose sockets the addon reads and writes: what was
// received before is delivered, what was sent before goes out, and programs
// see the events that they would see of any socket.

const assert = require('node:assert');
const { once } = require('node:events');
const os = require('node:os');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { endOf, roles } = require('./support/connections');
const { closeBody, frame, OP } = require('./support/frames');
const {
  adopted,
  assertStream,
  chunkOf,
  collect,
  numbered,
  textsOf
} = require('./support/native');

/** Messages in one chunk, which are several slices. */
const MANY = 700;

/** What `'error'` says of a reset connection. */
const RESET = {
  code: 'ECONNRESET',
  errno: -os.constants.errno.ECONNRESET,
  message: 'read ECONNRESET',
  name: 'Error',
  syscall: 'read'
};

/** An end without a close frame. */
const LOST = { code: 1006, reason: '', errors: [] };

for (const role of Object.keys(roles)) {
  const mask = role === 'server';

  /**
   * Opens a connection that is adopted, and writes down what happens to its
   * socket.
   *
   * @param {TestContext} t the test
   * @return {Promise<Object>}
   */
  const open = async (t) => {
    const { ws, peer } = await roles[role](t);
    await adopted(ws);
    const socket = ws._socket;
    const log = [];
    for (const name of ['end', 'error', 'close']) {
      socket.on(name, () => log.push(name));
    }
    return { end: endOf(ws), inbox: collect(ws), log, peer, socket, ws };
  };

  const closeFrame = frame(OP.CLOSE, closeBody(1000, 'done'), { mask });

  describe(`A connection of a ${role} ends`, { timeout: 20000 }, () => {
    it('with the FIN of its peer', async (t) => {
      const { end, log, peer } = await open(t);
      peer.socket.end();
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(log, ['end', 'close']);
    });

    it('with a FIN behind messages', async (t) => {
      const { end, inbox, log, peer } = await open(t);
      peer.socket.end(chunkOf(numbered('m', MANY), role));
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
      assert.deepStrictEqual(log, ['end', 'close']);
    });

    it('with a FIN behind messages that it answers', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      ws.on('message', (data) => ws.send(`re ${data}`));
      peer.socket.end(chunkOf(numbered('m', MANY), role));
      assert.deepStrictEqual(await end, LOST);
      assert.strictEqual(inbox.texts.length, MANY);
      await peer.until(({ ended }) => ended);
      assert.deepStrictEqual(textsOf(peer.frames), numbered('re m', MANY));
    });

    it('with a FIN in the middle of a frame', async (t) => {
      const { end, inbox, peer } = await open(t);
      peer.socket.end(chunkOf(['whole', 'part'], role).subarray(0, -2));
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, ['whole']);
    });

    it('with a FIN while it is paused', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      ws.pause();
      peer.socket.end(chunkOf(numbered('m', 3), role));
      await sleep(10);
      assert.deepStrictEqual(inbox.texts, []);
      ws.resume();
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, numbered('m', 3));
    });

    it('with a FIN behind a message whose handler pauses it', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      ws.once('message', () => {
        ws.pause();
        setTimeout(() => ws.resume(), 10);
      });
      peer.socket.end(chunkOf(numbered('m', MANY), role));
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
    });

    it('with a reset by its peer', async (t) => {
      const { end, log, peer, socket } = await open(t);
      const failed = once(socket, 'error');
      peer.socket.resetAndDestroy();
      const [err] = await failed;
      const { code, errno, message, name, syscall } = err;
      assert.deepStrictEqual({ code, errno, message, name, syscall }, RESET);
      assert.deepStrictEqual(Object.keys(err), ['errno', 'code', 'syscall']);
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(log, ['error', 'close']);
      assert.strictEqual(socket.errored, err);
    });

    it('with a reset behind messages', async (t) => {
      const { end, inbox, log, peer } = await open(t);
      peer.socket.write(chunkOf(numbered('m', MANY), role));
      peer.socket.resetAndDestroy();
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
      // libuv takes a reset that it learns of with the bytes for an end.
      assert.match(log.join(), /^(end|error),close$/);
    });

    it('with a reset while it sends', async (t) => {
      const { end, peer, ws } = await open(t);
      peer.socket.pause();
      const count = 100;
      let called = 0;
      const all = new Promise((resolve) => {
        for (let i = 0; i < count; i++) {
          ws.send(Buffer.alloc(100000), () => ++called === count && resolve());
        }
      });
      assert.ok(ws.bufferedAmount > 0);
      peer.socket.resetAndDestroy();
      assert.deepStrictEqual(await end, LOST);
      await all;
      await sleep(5);
      assert.strictEqual(called, count);
    });

    it('with the close frame of its peer', async (t) => {
      const { end, inbox, log, peer } = await open(t);
      const behind = chunkOf(['behind'], role);
      const list = chunkOf(numbered('m', MANY), role);
      peer.socket.write(Buffer.concat([list, closeFrame, behind]));
      const [answer] = await peer.framesCame(1);
      assert.strictEqual(answer.opcode, OP.CLOSE);
      assert.deepStrictEqual(answer.payload, closeBody(1000, 'done'));
      peer.socket.end();
      assert.deepStrictEqual(await end, {
        code: 1000,
        reason: 'done',
        errors: []
      });
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
      assert.deepStrictEqual(log, ['end', 'close']);
    });

    it('with its own close frame, behind what it sent', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      for (const text of numbered('s', 5)) ws.send(text);
      ws.close(1000, 'done');
      assert.throws(() => ws._sender.close(1), TypeError);
      const frames = await peer.framesCame(6);
      assert.deepStrictEqual(textsOf(frames.slice(0, 5)), numbered('s', 5));
      assert.strictEqual(frames[5].opcode, OP.CLOSE);
      peer.socket.write(chunkOf(numbered('m', MANY), role));
      peer.socket.end(closeFrame);
      assert.deepStrictEqual(await end, {
        code: 1000,
        reason: 'done',
        errors: []
      });
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
    });

    it('with a close in the handler of a message', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      ws.on('message', (data) => {
        ws.send(`re ${data}`);
        if (data.toString() === 'm3') ws.close(4000, 'enough');
      });
      peer.socket.write(chunkOf(numbered('m', MANY), role));
      await inbox.came(MANY);
      const frames = await peer.framesCame(5);
      assert.deepStrictEqual(textsOf(frames.slice(0, 4)), numbered('re m', 4));
      assert.deepStrictEqual(frames[4].payload, closeBody(4000, 'enough'));
      peer.socket.end(closeFrame);
      assert.strictEqual((await end).code, 1000);
      assert.strictEqual(peer.frames.length, 5);
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
    });

    it('with broken input behind messages', async (t) => {
      const { end, inbox, peer } = await open(t);
      const broken = frame(3, '', { mask });
      const list = chunkOf(numbered('m', MANY), role);
      peer.socket.write(Buffer.concat([list, broken, list]));
      const [{ payload }] = await peer.framesCame(1);
      assert.deepStrictEqual(payload, closeBody(1002));
      peer.socket.end();
      const { code, errors } = await end;
      assert.strictEqual(code, 1006);
      assert.strictEqual(errors.length, 1);
      assert.strictEqual(errors[0].code, 'WS_ERR_INVALID_OPCODE');
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
    });

    it('with `terminate()`, at once, and what was sent', async (t) => {
      const { end, inbox, log, peer, ws } = await open(t);
      const called = [];
      for (const text of numbered('s', 5)) {
        ws.send(text, (err) => called.push(err ? `${err}` : text));
      }
      peer.socket.write(chunkOf(['unread'], role));
      ws.terminate();
      assertStream(ws);
      ws.send('late', (err) => called.push(err.message));
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(inbox.texts, []);
      assert.deepStrictEqual(log, ['close']);
      await peer.framesCame(5);
      await sleep(1);
      assert.deepStrictEqual(textsOf(peer.frames), numbered('s', 5));
      assert.deepStrictEqual(called.sort(), [
        'WebSocket is not open: readyState 2 (CLOSING)',
        ...numbered('s', 5)
      ]);
    });

    it('with `terminate()` in the middle of a chunk', async (t) => {
      const { end, inbox, peer, ws } = await open(t);
      ws.on('message', (data) => {
        if (data.toString() === 'm3') ws.terminate();
      });
      peer.socket.write(chunkOf(numbered('m', MANY), role));
      assert.deepStrictEqual(await end, LOST);
      // As ever, what was read already is delivered.
      assert.deepStrictEqual(inbox.texts, numbered('m', MANY));
    });

    for (const method of ['destroy', 'resetAndDestroy', 'end']) {
      it(`with \`_socket.${method}()\`, behind what it sent`, async (t) => {
        const { end, peer, socket, ws } = await open(t);
        for (const text of numbered('s', 5)) ws.send(text);
        socket[method]();
        await peer.framesCame(5);
        peer.socket.end();
        assert.deepStrictEqual(await end, LOST);
        assert.deepStrictEqual(textsOf(peer.frames), numbered('s', 5));
        assert.strictEqual(socket.destroyed, true);
      });
    }

    it('with an `end()` that a program has wrapped', async (t) => {
      const { end, peer, socket, ws } = await open(t);
      const original = socket.end;
      let calls = 0;
      socket.end = function (...args) {
        calls++;
        return original.apply(this, args);
      };
      ws.close(1000);
      await peer.framesCame(1);
      peer.socket.write(closeFrame);
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      assert.strictEqual((await end).code, 1000);
      // Once for the close frame, and once for the peer's FIN.
      assert.strictEqual(calls, 2);
    });

    it('with an error of the program', async (t) => {
      const { end, log, socket } = await open(t);
      const failed = once(socket, 'error');
      const error = new Error('of the program');
      socket.destroy(error);
      assert.strictEqual((await failed)[0], error);
      assert.deepStrictEqual(await end, LOST);
      assert.deepStrictEqual(log, ['error', 'close']);
    });
  });
}
