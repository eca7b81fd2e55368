'use strict';

// What hostile or broken peers send over real sockets, to either role.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const brokenInput = require('./support/broken-input');
const { endOf, roles } = require('./support/connections');
const { itDiffers, lib, WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

const { EMPTY_BUFFER, kStatusCode } = lib('constants');

/**
 * Checks what both sides see of input that is broken.
 *
 * @param {Object} connection the WebSocket and its peer
 * @param {Object} row what is to be seen, see `brokenInput()`
 */
async function fails({ ws, peer }, row) {
  const states = [];
  ws.on('message', () => assert.fail('a message came'));
  ws.on('error', () => states.push(ws.readyState));
  const { code, reason, errors } = await endOf(ws);

  assert.deepStrictEqual(states, [WebSocket.CLOSING]);
  assert.strictEqual(errors.length, 1);
  assert.strictEqual(errors[0].constructor, row.Class);
  assert.strictEqual(errors[0].code, row.code);
  assert.strictEqual(errors[0].message, row.message);
  assert.strictEqual(errors[0][kStatusCode], row.closeCode);
  assert.strictEqual(code, 1006);
  assert.strictEqual(reason, '');

  const [{ opcode, payload, mask }, ...others] = peer.frames;
  assert.strictEqual(opcode, OP.CLOSE);
  assert.deepStrictEqual(payload, closeBody(row.closeCode));
  assert.strictEqual(mask !== null, !ws._isServer);
  assert.deepStrictEqual(others, []);
}

for (const [role, connect] of Object.entries(roles)) {
  const isServer = role === 'server';
  const toIt = (opcode, data, options) =>
    frame(opcode, data, { mask: isServer, ...options });

  describe(`Broken input to a ${role}`, { timeout: 60000 }, () => {
    for (const row of brokenInput(isServer)) {
      // Fragments are messages of their own to whoever listens; none is due.
      if (row.name === 'a continuation after the end') continue;

      it(`ends the connection: ${row.name}`, async (t) => {
        const connection = await connect(t, row.options);
        const { peer } = connection;
        const failed = fails(connection, row);
        await peer.send(row.bytes);
        await peer.until(({ ended }) => ended);
        peer.socket.end();
        await failed;
      });
    }

    it('is seen byte by byte', async (t) => {
      const row = brokenInput(isServer).find(({ name }) =>
        name.includes('together over maxPayload')
      );
      const connection = await connect(t, row.options);
      const failed = fails(connection, row);
      await connection.peer.send(...[...row.bytes].map((n) => Buffer.of(n)));
      await connection.peer.until(({ ended }) => ended);
      connection.peer.socket.end();
      await failed;
    });

    it('does not take back what came before it', async (t) => {
      const { ws, peer } = await connect(t);
      const events = [];
      ws.on('message', (data) => events.push(data.toString()));
      ws.on('error', (err) => events.push(err.code));
      const end = endOf(ws);
      await peer.send(
        Buffer.concat([
          toIt(OP.TEXT, 'a'),
          toIt(OP.TEXT, 'b'),
          toIt(3),
          toIt(1)
        ])
      );
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      const { reason } = await end;
      assert.deepStrictEqual(events, ['a', 'b', 'WS_ERR_INVALID_OPCODE']);
      assert.strictEqual(reason, '');
    });

    it('gives the one empty reason to `close`', async (t) => {
      const { ws, peer } = await connect(t);
      ws.on('error', () => {});
      const closed = new Promise((resolve) => {
        ws.on('close', (code, reason) => resolve(reason));
      });
      await peer.send(toIt(3));
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      assert.strictEqual(await closed, EMPTY_BUFFER);
    });

    it('is reported before `close`, also where it is read last', async (t) => {
      const { ws, peer } = await connect(t);
      const log = [];
      ws.on('error', (err) => log.push(`${err.code} ${ws.readyState}`));
      const closed = new Promise((resolve) => {
        ws.on('close', (code) => resolve(log.push(code)));
      });
      ws.pause();
      await peer.send(toIt(3));
      while (ws._socket.readableLength === 0) await sleep(1);
      ws.terminate();
      await closed;
      await sleep(1);
      assert.deepStrictEqual(log, ['WS_ERR_INVALID_OPCODE 2', 1006]);
    });

    it('is thrown away after the error, however much comes', async (t) => {
      const { ws, peer } = await connect(t);
      const end = endOf(ws);
      await peer.send(toIt(3));
      const more = toIt(OP.BINARY, Buffer.alloc(100000));
      for (let i = 0; i < 20; i++) await peer.send(more);
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      const { errors, code } = await end;
      assert.strictEqual(errors.length, 1);
      assert.strictEqual(code, 1006);
    });

    it('closes by force if the peer does not end its side', async (t) => {
      const { ws, peer } = await connect(t, { closeTimeout: 50 });
      const end = endOf(ws);
      await peer.send(toIt(3));
      assert.strictEqual((await end).code, 1006);
    });

    it('closes by force if the peer does not read', async (t) => {
      const { ws, peer } = await connect(t, { closeTimeout: 50 });
      peer.socket.pause();
      for (let i = 0; i < 40; i++) ws.send(Buffer.alloc(1 << 20));
      const end = endOf(ws);
      await peer.send(toIt(3));
      const { code, errors } = await end;
      assert.strictEqual(code, 1006);
      assert.strictEqual(errors[0].code, 'WS_ERR_INVALID_OPCODE');
    });

    it('may be a million empty fragments', async (t) => {
      const { ws, peer } = await connect(t);
      const end = endOf(ws);
      const some = Array(10000).fill(toIt(OP.CONT, '', { fin: false }));
      await peer.send(toIt(OP.TEXT, '', { fin: false }));
      const flood = Buffer.concat(some);
      for (let i = 0; i < 100 && !peer.ended; i++) await peer.send(flood);
      await peer.until(({ ended }) => ended);
      peer.socket.end();
      const { errors } = await end;
      assert.strictEqual(errors[0].message, 'Too many message fragments');
      assert.deepStrictEqual(peer.frames[0].payload, closeBody(1008));
    });

    it('may be too many chunks for a frame', async (t) => {
      const connection = await connect(t, { maxBufferedChunks: 3 });
      const failed = fails(connection, {
        Class: RangeError,
        code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
        message: 'Too many buffered chunks',
        closeCode: 1008
      });
      for (const byte of toIt(OP.TEXT, 'abcdefghijkl')) {
        connection.ws._socket.emit('data', Buffer.of(byte));
      }
      await connection.peer.until(({ ended }) => ended);
      connection.peer.socket.end();
      await failed;
    });

    it('may be a header without the rest', async (t) => {
      const { ws, peer } = await connect(t, { closeTimeout: 50 });
      const end = endOf(ws);
      await peer.send(toIt(OP.TEXT, '', { length: 70000 }).subarray(0, 5));
      ws.send('still open');
      const [{ payload }] = await peer.framesCame(1);
      assert.strictEqual(payload.toString(), 'still open');
      assert.strictEqual(ws.readyState, WebSocket.OPEN);
      ws.close(1000);
      assert.deepStrictEqual(await end, { code: 1006, reason: '', errors: [] });
    });

    for (const [how, act] of [
      ['reset', (socket) => socket.resetAndDestroy()],
      ['closed', (socket) => socket.destroy()],
      ['ended', (socket) => socket.end()]
    ]) {
      it(`may be a socket ${how} in the middle of a frame`, async (t) => {
        const { ws, peer } = await connect(t);
        const end = endOf(ws);
        ws.on('message', () => assert.fail('a message came'));
        await peer.send(toIt(OP.TEXT, 'abc', { length: 1000 }));
        await sleep(5);
        act(peer.socket);
        assert.deepStrictEqual(await end, {
          code: 1006,
          reason: '',
          errors: []
        });
      });
    }

    it('may be a peer that ends its side without a close frame', async (t) => {
      const { ws, peer } = await connect(t);
      const end = endOf(ws);
      const states = [];
      ws._socket.on('end', () => states.push(ws.readyState));
      await peer.send(toIt(OP.TEXT, 'last'));
      peer.socket.end();
      await peer.until(({ ended }) => ended);
      assert.deepStrictEqual(peer.frames, []);
      assert.deepStrictEqual(states, [WebSocket.CLOSING]);
      assert.strictEqual((await end).code, 1006);
    });

    describe('UTF-8', () => {
      const cut = Buffer.from('61e282', 'hex');
      const utf8 = {
        Class: Error,
        code: 'WS_ERR_INVALID_UTF8',
        message: 'Invalid WebSocket frame: invalid UTF-8 sequence',
        closeCode: 1007
      };

      it('is demanded of the end of a text', async (t) => {
        const connection = await connect(t);
        const failed = fails(connection, utf8);
        await connection.peer.send(
          toIt(OP.TEXT, 'a', { fin: false }),
          toIt(OP.CONT, cut)
        );
        await connection.peer.until(({ ended }) => ended);
        connection.peer.socket.end();
        await failed;
      });

      for (const [where, bytes] of [
        ['frame', toIt(OP.TEXT, Buffer.of(0x61, 0xff), { length: 500 })],
        ['message', toIt(OP.TEXT, Buffer.of(0x61, 0xff), { fin: false })]
      ]) {
        itDiffers(`fails before the ${where} is complete`, async (t) => {
          const connection = await connect(t);
          const failed = fails(connection, utf8);
          await connection.peer.send(bytes);
          await connection.peer.until(({ ended }) => ended);
          connection.peer.socket.end();
          await failed;
        });
      }
    });
  });
}
