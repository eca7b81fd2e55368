'use strict';

// How connections end, in both roles.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { endOf, pair, roles } = require('./support/connections');
const { lib, WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

const { EMPTY_BUFFER } = lib('constants');

/**
 * Writes down what happens to a WebSocket.
 *
 * @param {WebSocket} ws the WebSocket
 * @return {string[]} the log
 */
function record(ws) {
  const log = [];
  for (const name of ['message', 'ping', 'pong']) {
    ws.on(name, (data) => log.push(`${name} ${data}`));
  }
  ws.on('error', (err) => log.push(`error ${err.message}`));
  ws.on('close', (code, reason) => log.push(`close ${code} ${reason}`.trim()));
  return log;
}

for (const [role, connect] of Object.entries(roles)) {
  const toIt = (opcode, data) =>
    frame(opcode, data, { mask: role === 'server' });
  const bye = toIt(OP.CLOSE, closeBody(3000, 'bye'));

  describe(`The end of a ${role}'s WebSocket`, { timeout: 20000 }, () => {
    describe('#close', () => {
      it('waits for the answer, then ends the socket', async (t) => {
        const { ws, peer } = await connect(t);
        const end = endOf(ws);
        ws.close(1001, 'why');
        assert.strictEqual(ws.readyState, WebSocket.CLOSING);

        const [{ payload }] = await peer.framesCame(1);
        assert.deepStrictEqual(payload, closeBody(1001, 'why'));
        await sleep(20);
        assert.strictEqual(peer.ended, false);
        await peer.send(bye);
        await peer.until(({ ended }) => ended);
        assert.strictEqual(ws.readyState, WebSocket.CLOSING);

        peer.socket.end();
        const expected = { code: 3000, reason: 'bye', errors: [] };
        assert.deepStrictEqual(await end, expected);
        assert.strictEqual(ws.readyState, WebSocket.CLOSED);
      });

      it('delivers what comes before the answer', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.close();
        await peer.send(toIt(OP.TEXT, 'a'), toIt(OP.PING, 'b'), bye);
        peer.socket.end();
        await Promise.all([once(ws, 'close'), peer.framesCame(1)]);
        assert.deepStrictEqual(log, ['message a', 'ping b', 'close 3000 bye']);
        assert.deepStrictEqual(
          peer.frames.map(({ opcode }) => opcode),
          [OP.CLOSE]
        );
      });

      it('sends only one close frame', async (t) => {
        const { ws, peer } = await connect(t);
        ws.close(1000);
        ws.close(1001);
        ws.close(5);
        await peer.framesCame(1);
        const end = endOf(ws);
        peer.socket.end();
        assert.strictEqual((await end).code, 1006);
        assert.strictEqual(peer.frames.length, 1);
        assert.deepStrictEqual(peer.frames[0].payload, closeBody(1000));
        ws.close();
      });

      it('sends what was sent before it', async (t) => {
        const { ws, peer } = await connect(t);
        const called = [];
        for (const text of 'abc') ws.send(text, () => called.push(text));
        ws.close();
        const frames = await peer.framesCame(4);
        assert.deepStrictEqual(
          frames.map(({ payload }) => payload.toString()),
          ['a', 'b', 'c', '']
        );
        // Over threads they are called a moment after the bytes are out.
        while (called.length < 3) await sleep(1);
        assert.deepStrictEqual(called, ['a', 'b', 'c']);
      });

      it('changes nothing if its arguments are wrong', async (t) => {
        const { ws, peer } = await connect(t);
        assert.throws(() => ws.close(5), TypeError);
        assert.throws(() => ws.close(1000, 'x'.repeat(124)), RangeError);
        assert.strictEqual(ws.readyState, WebSocket.OPEN);
        assert.strictEqual(ws._closeTimer, null);
        ws.send('a');
        assert.strictEqual((await peer.framesCame(1))[0].opcode, OP.TEXT);
      });

      it('gives up after `closeTimeout`', async (t) => {
        const { ws, peer } = await connect(t, { closeTimeout: 60 });
        const start = Date.now();
        const end = endOf(ws);
        ws.close(1000);
        assert.strictEqual((await end).code, 1006);
        const time = Date.now() - start;
        assert.ok(time >= 55 && time < 2000, `${time} ms`);
        await peer.until(({ closed, ended }) => closed || ended);
      });

      it('gives up after `closeTimeout` if the peer stays half-open', async (t) => {
        const { ws, peer } = await connect(t, { closeTimeout: 60 });
        const end = endOf(ws);
        ws.close(1000);
        await peer.send(toIt(OP.CLOSE, closeBody(1000)));
        await peer.until(({ ended }) => ended);
        assert.strictEqual((await end).code, 1000);
      });

      it('may be called in a handler; what came is delivered', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.once('message', () => ws.close(1000));
        await peer.send(
          Buffer.concat([toIt(OP.TEXT, 'a'), toIt(OP.TEXT, 'b'), bye])
        );
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        await once(ws, 'close');
        assert.deepStrictEqual(log, [
          'message a',
          'message b',
          'close 3000 bye'
        ]);
        assert.strictEqual(peer.frames.length, 1);
        assert.deepStrictEqual(peer.frames[0].payload, closeBody(1000));
      });
    });

    describe('a close frame', () => {
      it('is answered with its code and reason, and a FIN', async (t) => {
        const { ws, peer } = await connect(t);
        const end = endOf(ws);
        await peer.send(bye);
        await peer.until(({ ended }) => ended);
        assert.deepStrictEqual(peer.frames[0].payload, closeBody(3000, 'bye'));
        assert.strictEqual(ws.readyState, WebSocket.CLOSING);
        peer.socket.end();
        assert.deepStrictEqual(await end, {
          code: 3000,
          reason: 'bye',
          errors: []
        });
      });

      it('without a code is answered with one without, and is 1005', async (t) => {
        const { ws, peer } = await connect(t);
        const closed = once(ws, 'close');
        await peer.send(toIt(OP.CLOSE));
        await peer.until(({ ended }) => ended);
        assert.strictEqual(peer.frames[0].payload.length, 0);
        peer.socket.end();
        const [code, reason] = await closed;
        assert.strictEqual(code, 1005);
        assert.strictEqual(reason, EMPTY_BUFFER);
      });

      it('without a reason has the shared empty Buffer for one', async (t) => {
        const { ws, peer } = await connect(t);
        const closed = once(ws, 'close');
        await peer.send(toIt(OP.CLOSE, closeBody(1000)));
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        const [code, reason] = await closed;
        assert.strictEqual(code, 1000);
        assert.strictEqual(reason, EMPTY_BUFFER);
      });

      it('makes everything after it ignored', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        await peer.send(Buffer.concat([bye, toIt(OP.TEXT, 'a'), toIt(3)]));
        await peer.send(toIt(OP.TEXT, 'b'));
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        await once(ws, 'close');
        assert.deepStrictEqual(log, ['close 3000 bye']);
      });
    });

    describe('#terminate', () => {
      it('closes at once', async (t) => {
        const { ws, peer } = await connect(t);
        const end = endOf(ws);
        ws.terminate();
        assert.strictEqual(ws.readyState, WebSocket.CLOSING);
        assert.strictEqual(ws._socket.destroyed, true);
        assert.strictEqual((await end).code, 1006);
        await peer.until(({ closed, ended }) => closed || ended);
        assert.deepStrictEqual(peer.frames, []);
      });

      it('loses nothing that was sent before', async (t) => {
        const { ws, peer } = await connect(t);
        const called = [];
        for (const text of 'abc') {
          ws.send(text, (err) => called.push(text, err ?? null));
        }
        ws.terminate();
        await once(ws, 'close');
        await peer.framesCame(3);
        assert.deepStrictEqual(called, ['a', null, 'b', null, 'c', null]);
      });

      it('may be called in a handler; what came is delivered', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.once('message', () => ws.terminate());
        await peer.send(
          Buffer.concat([toIt(OP.TEXT, 'a'), toIt(OP.TEXT, 'b'), bye])
        );
        await once(ws, 'close');
        assert.deepStrictEqual(log, [
          'message a',
          'message b',
          'close 3000 bye'
        ]);
        assert.deepStrictEqual(peer.frames, []);
      });

      it('delivers what a paused connection holds', async (t) => {
        const { ws, peer } = await connect(t);
        const log = record(ws);
        ws.pause();
        await peer.send(toIt(OP.TEXT, 'a'), toIt(OP.TEXT, 'b'));
        while (ws._socket.readableLength < toIt(OP.TEXT, 'a').length * 2) {
          await sleep(1);
        }
        ws.terminate();
        await once(ws, 'close');
        assert.deepStrictEqual(log, ['message a', 'message b', 'close 1006']);
      });
    });

    it("comes after the socket's, also where it was paused", async (t) => {
      const { ws, peer } = await connect(t, { closeTimeout: 30 });
      const log = record(ws);
      ws._socket.on('close', () => log.push('socket'));
      ws.pause();
      await peer.send(toIt(OP.TEXT, 'a'), bye);
      while (ws._socket.readableLength < bye.length) await sleep(1);
      ws.close(1000);
      await once(ws, 'close');
      assert.deepStrictEqual(log, ['message a', 'socket', 'close 3000 bye']);
    });

    it('does nothing more in any method', async (t) => {
      const { ws } = await connect(t);
      ws.terminate();
      await once(ws, 'close');
      const log = record(ws);
      ws.close(5);
      ws.terminate();
      ws.pause();
      assert.strictEqual(ws.isPaused, false);
      ws.resume();
      await sleep(10);
      assert.deepStrictEqual(log, []);
      assert.strictEqual(ws.readyState, WebSocket.CLOSED);
    });

    for (const [how, act] of [
      ['is destroyed', (socket) => socket.destroy()],
      ['is destroyed with an error', (socket) => socket.destroy(new Error())],
      ['says that it failed', (socket) => socket.emit('error', new Error())]
    ]) {
      it(`is 1006, without an error, if the socket ${how}`, async (t) => {
        const { ws } = await connect(t);
        const end = endOf(ws);
        const order = [];
        ws.on('close', () => order.push('close'));
        ws._socket.prependListener('close', () => order.push('socket'));
        act(ws._socket);
        assert.deepStrictEqual(await end, {
          code: 1006,
          reason: '',
          errors: []
        });
        assert.deepStrictEqual(order, ['socket', 'close']);
        assert.strictEqual(ws._socket.destroyed, true);
      });
    }

    it('comes with `wasClean` after both close frames only', async (t) => {
      const clean = async (act) => {
        const { ws, peer } = await connect(t);
        const event = new Promise((resolve) => (ws.onclose = resolve));
        await act(ws, peer);
        const { wasClean } = await event;
        return wasClean;
      };
      const byPeer = async (ws, peer) => {
        await peer.send(bye);
        await peer.until(({ ended }) => ended);
        peer.socket.end();
      };
      const byUs = async (ws, peer) => {
        ws.close();
        await byPeer(ws, peer);
      };
      const unanswered = async (ws, peer) => {
        ws.close();
        await peer.framesCame(1);
        peer.socket.end();
      };
      assert.strictEqual(await clean(byPeer), true);
      assert.strictEqual(await clean(byUs), true);
      assert.strictEqual(await clean(unanswered), false);
      assert.strictEqual(await clean((ws) => ws.terminate()), false);
    });
  });
}

describe('Two WebSockets', { timeout: 10000 }, () => {
  it('close cleanly whoever begins, or both at once', async (t) => {
    for (const [first, second] of [
      ['client', null],
      ['server', null],
      ['client', 'server']
    ]) {
      const both = await pair(t);
      const ends = [endOf(both.client), endOf(both.server)];
      both[first].close(4001, 'reason');
      if (second !== null) both[second].close(4001, 'reason');
      for (const { code, reason, errors } of await Promise.all(ends)) {
        assert.strictEqual(code, 4001);
        assert.strictEqual(reason, 'reason');
        assert.deepStrictEqual(errors, []);
      }
    }
  });
});
