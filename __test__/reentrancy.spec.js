'use strict';

// Streams that answer before a call returns, and other streams that are not
// like sockets.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { Duplex } = require('node:stream');

const run = require('./support/child');
const { itDiffers, WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP, readFrames } = require('./support/frames');

const EMPTY = Buffer.alloc(0);

/** One end of a stream in memory: what is written to it is read at once. */
class Instant extends Duplex {
  constructor() {
    super();
    /** @type {Instant} */
    this.other = undefined;
    this.written = EMPTY;
  }

  _read() {}

  _write(chunk, encoding, done) {
    this.written = Buffer.concat([this.written, chunk]);
    this.other.push(chunk);
    done();
  }

  _final(done) {
    this.other.push(null);
    done();
  }

  /** The frames that were written. */
  get frames() {
    return readFrames(this.written).frames;
  }
}

/**
 * Two WebSockets on the ends of such a stream.
 *
 * @return {Promise<WebSocket[]>} that of the server, that of the client
 */
async function pair() {
  const [ours, theirs] = [new Instant(), new Instant()];
  [ours.other, theirs.other] = [theirs, ours];
  const [server, client] = [ours, theirs].map((stream, i) => {
    const ws = new WebSocket(null, undefined, {
      autoPong: true,
      closeTimeout: 1000
    });
    ws._isServer = i === 0;
    ws.setSocket(stream, EMPTY, {});
    return ws;
  });
  await new Promise(setImmediate);
  return [server, client];
}

describe('Over a stream that answers at once', { timeout: 20000 }, () => {
  itDiffers('each side sends one close frame', async () => {
    const [server, client] = await pair();
    const codes = Promise.all([once(server, 'close'), once(client, 'close')]);
    const sockets = [server._socket, client._socket];
    server.close(1000, 'x');

    for (const [code, reason] of await codes) {
      assert.strictEqual(code, 1000);
      assert.strictEqual(`${reason}`, 'x');
    }
    for (const { frames } of sockets) {
      assert.deepStrictEqual(
        frames.map(({ opcode, payload }) => [opcode, payload]),
        [[OP.CLOSE, closeBody(1000, 'x')]]
      );
    }
  });

  it('a refused close leaves it open', async () => {
    const [server] = await pair();
    assert.throws(() => server.close(1), TypeError);
    assert.strictEqual(server.readyState, WebSocket.OPEN);
    assert.throws(() => server.close(1000, 'x'.repeat(124)), RangeError);
    assert.strictEqual(server.readyState, WebSocket.OPEN);
    server.terminate();
  });

  itDiffers('messages go to and fro', async () => {
    const [server, client] = await pair();
    const log = [];
    server.on('message', (data) => {
      log.push(`server ${data}`);
      if (log.length < 20) server.send(`${Number(data) + 1}`);
    });
    client.on('message', (data) => {
      log.push(`client ${data}`);
      client.send(`${Number(data) + 1}`);
    });
    client.send('0');
    await new Promise(setImmediate);

    assert.deepStrictEqual(
      log,
      Array.from({ length: log.length }, (_, i) =>
        i % 2 === 0 ? `server ${i}` : `client ${i}`
      )
    );
    assert.ok(log.length >= 20, `${log.length} messages`);
    server.terminate();
    client.terminate();
  });
});

describe('Over a stream that', { timeout: 20000 }, () => {
  itDiffers('has an encoding, bytes are bytes', async () => {
    for (const encoding of ['latin1', 'hex', 'base64']) {
      const stream = new Duplex({ read() {}, write: (c, e, done) => done() });
      const ws = new WebSocket(null, undefined, {});
      stream.setEncoding(encoding);
      ws.setSocket(stream, EMPTY, {});
      stream.push(frame(OP.TEXT, 'h\u00e9', { mask: true }));
      const [data] = await once(ws, 'message');
      assert.strictEqual(`${data}`, 'h\u00e9');
      ws.terminate();
    }
  });

  it('gives something else than bytes, it can still be closed', async () => {
    const { lines } = await run(({ WebSocket }) => {
      const { Duplex } = require('node:stream');
      process.on('uncaughtException', ({ name }) => console.log(name));
      const stream = new Duplex({
        readableObjectMode: true,
        read() {},
        write: (chunk, encoding, done) => done()
      });
      const ws = new WebSocket(null, undefined, { closeTimeout: 1000 });
      ws.on('message', (data) => console.log(`message ${data}`));
      ws.on('close', () => console.log('close'));
      ws.setSocket(stream, Buffer.alloc(0), {});
      stream.push({});
      setImmediate(() => {
        stream.push(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]));
        setImmediate(() => ws.terminate());
      });
    });
    assert.deepStrictEqual(lines, ['TypeError', 'message a', 'close']);
  });
});
