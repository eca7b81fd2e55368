'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const { WebSocket } = require('./support/ferrows');
const { connect, eventsOf, startPeer } = require('./support/peer');

const NO_DEFLATE = { perMessageDeflate: false };

describe('the options of an open client', { timeout: 20000 }, () => {
  it('`maxPayload` limits a message', async (t) => {
    const websocket = await connect(
      t,
      (head) => head.switching() + '\x82\x03abc\x82\x04abcd',
      [],
      { maxPayload: 3 }
    );

    assert.deepStrictEqual(await eventsOf(websocket), [
      ['upgrade'],
      ['open'],
      ['message'],
      ['error', 'Max payload size exceeded'],
      ['close', 1006, '']
    ]);
  });

  it('`maxFragments` limits the frames of a message', async (t) => {
    const websocket = await connect(
      t,
      (head) => head.switching() + '\x02\x00\x00\x00\x00\x00',
      [],
      { maxFragments: 2 }
    );

    assert.deepStrictEqual((await eventsOf(websocket)).slice(2), [
      ['error', 'Too many message fragments'],
      ['close', 1006, '']
    ]);
  });

  it('`skipUTF8Validation` lets any bytes pass as text', async (t) => {
    const text = (head) => head.switching() + '\x81\x01\xff\x88\x00';
    const careless = eventsOf(
      await connect(t, text, [], { skipUTF8Validation: true })
    );
    const careful = eventsOf(await connect(t, text));

    assert.deepStrictEqual((await careless).slice(2), [
      ['message'],
      ['close', 1005, '']
    ]);
    assert.deepStrictEqual((await careful).slice(2), [
      ['error', 'Invalid WebSocket frame: invalid UTF-8 sequence'],
      ['close', 1006, '']
    ]);
  });

  for (const [autoPong, sent] of [
    [undefined, '8a826d61736b0508'],
    [false, '']
  ]) {
    it(`answers a ping as \`autoPong\` ${autoPong} says`, async (t) => {
      let received = '';
      const peer = await startPeer(t, (head, socket) => {
        socket.on('data', (data) => (received += data.toString('hex')));
        socket.write(head.switching() + '\x89\x02hi', 'latin1');
      });
      const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
        ...NO_DEFLATE,
        ...(autoPong === undefined ? {} : { autoPong }),
        generateMask: (mask) => mask.write('mask')
      });

      await once(websocket, 'ping');
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.strictEqual(received, sent);
      websocket.terminate();
      await once(websocket, 'close');
    });
  }

  it('`maxBufferedChunks` limits the chunks of a frame', async (t) => {
    const peer = await startPeer(t, async (head, socket) => {
      socket.setNoDelay();
      socket.write(head.switching() + '\x82\x7d', 'latin1');
      while (socket.writable) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        socket.write('x');
      }
    });
    const websocket = new WebSocket(`ws://127.0.0.1:${peer.port}`, {
      ...NO_DEFLATE,
      maxBufferedChunks: 2
    });

    assert.deepStrictEqual((await eventsOf(websocket)).slice(2), [
      ['error', 'Too many buffered chunks'],
      ['close', 1006, '']
    ]);
  });

  it('`maxPendingAutoPongs` limits pongs under way', async (t) => {
    const pings = (head) => head.switching() + '\x89\x00'.repeat(3);

    for (const [maxPendingAutoPongs, expected] of [
      [1, [WebSocket.OPEN, WebSocket.CLOSING]],
      [0, [WebSocket.OPEN, WebSocket.OPEN]]
    ]) {
      const websocket = await connect(t, pings, [], { maxPendingAutoPongs });
      const states = [];

      websocket.on('ping', () => states.push(websocket.readyState));
      setTimeout(() => websocket.terminate(), 50);
      await once(websocket, 'close');
      assert.deepStrictEqual(states.slice(0, 2), expected);
    }
  });

  it('`closeTimeout` bounds the closing handshake', async (t) => {
    const websocket = await connect(t, (head) => head.switching(), [], {
      closeTimeout: 50
    });

    await once(websocket, 'open');

    const start = Date.now();

    websocket.close(1000);

    const [code] = await once(websocket, 'close');

    assert.strictEqual(code, 1006);
    assert.ok(Date.now() - start >= 45);
  });
});
