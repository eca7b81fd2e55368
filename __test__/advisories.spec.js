'use strict';

// A test for each vulnerability that `ws` is known to have had, and for those of
// others that it might have; SECURITY.md lists them.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const zlib = require('node:zlib');

const { bytesOf } = require('./support/conversation');
const { Deflater, RSV1 } = require('./support/deflate');
const {
  itDiffers,
  lib,
  PerMessageDeflate,
  Receiver,
  subprotocol,
  WebSocket,
  WebSocketServer
} = require('./support/ferrows');
const { closeBody, frame, OP, readFrames } = require('./support/frames');
const { connect, failureOf, startPeer } = require('./support/peer');
const { listen, closed } = require('./support/server');
const {
  ACCEPTED,
  BareDuplex,
  exchange,
  fakeRequest,
  NO_BYTES,
  requestText
} = require('./support/upgrade');
const { kStatusCode } = lib('constants');

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc');

/**
 * A WebSocket over a stream that keeps what is written.
 *
 * @param {boolean} isServer the side to be on
 * @return {{ws: WebSocket, sent: function(): Promise<Object[]>}} the WebSocket
 *     and a function that gives the frames sent so far
 */
function connected(isServer) {
  const chunks = [];
  const socket = new BareDuplex();
  socket._write = (chunk, encoding, done) => {
    chunks.push(chunk);
    done();
  };

  const ws = new WebSocket(null, undefined, {});
  ws._isServer = isServer;
  ws.setSocket(socket, NO_BYTES, {});
  const sent = async () => {
    await new Promise(setImmediate);
    return readFrames(Buffer.concat(chunks)).frames;
  };
  return { ws, sent };
}

/**
 * Feeds a receiver until it fails.
 *
 * @param {Object} options the receiver's options
 * @param {Buffer[]} chunks what to write
 * @return {Promise<Error>} its error
 */
function failure(options, chunks) {
  return new Promise((resolve) => {
    const receiver = new Receiver(options);
    receiver.on('error', resolve);
    for (const chunk of chunks) receiver.write(chunk);
  });
}

/**
 * A receiver's options for compressed messages.
 *
 * @param {number} maxPayload the limit
 * @return {Object}
 */
function compressed(maxPayload) {
  const deflate = new PerMessageDeflate({ maxPayload });
  deflate.accept([{}]);
  return {
    maxPayload,
    extensions: { [PerMessageDeflate.extensionName]: deflate }
  };
}

/**
 * Bytes of memory in use, without garbage.
 *
 * @return {number}
 */
function memoryInUse() {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('A number as data (ws before 1.0.1)', () => {
  for (const method of ['send', 'ping', 'pong']) {
    it(`is sent as its digits by ${method}(), not as memory`, async () => {
      const { ws, sent } = connected(true);
      ws[method](64);
      const [{ payload }] = await sent();
      assert.strictEqual(payload.toString(), '64');
      ws.terminate();
    });
  }
});

describe('A message without end (CVE-2016-10542)', () => {
  it('is refused from its header on, by default at 100 MiB', async (t) => {
    const wss = await listen();
    t.after(() => closed(wss));
    const refused = new Promise((resolve) => {
      wss.on('connection', (ws) => ws.on('error', resolve));
    });
    const length = 100 * 1024 * 1024 + 1;
    const header = frame(OP.BINARY, '', { mask: true, length });

    const answer = await exchange(
      wss.address().port,
      Buffer.concat([Buffer.from(requestText()), header])
    );
    assert.strictEqual(answer.slice(0, ACCEPTED.length), ACCEPTED);
    const { code } = await refused;
    assert.strictEqual(code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  it('takes no memory for bytes that are only announced', () => {
    const before = memoryInUse();
    const receivers = Array.from({ length: 20 }, () => new Receiver());
    for (const receiver of receivers) {
      receiver.write(frame(OP.BINARY, 'a', { length: 2 ** 52 }));
    }
    const taken = memoryInUse() - before;
    assert.ok(taken < 2 ** 20, `${taken} bytes`);
    for (const receiver of receivers) receiver.destroy();
  });

  it('is refused if its length does not fit a number', async () => {
    const lengths = [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
    for (const length of lengths) {
      const err = await failure({}, [frame(OP.BINARY, 'a', { length })]);
      assert.strictEqual(err.code, 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH');
      assert.strictEqual(err[kStatusCode], 1009);
    }
  });
});

describe('Mask keys (npm:ws:20160920)', () => {
  it('do not come from Math.random() and do not repeat', async (t) => {
    t.mock.method(Math, 'random', () => 0.5);
    const { ws, sent } = connected(false);
    for (let i = 0; i < 5000; i++) ws.send('a');

    const frames = await sent();
    assert.strictEqual(frames.length, 5000);
    const keys = new Set(frames.map(({ mask }) => mask.toString('hex')));
    // That three pairs of 5,000 meet by chance has odds of 1 in 10^8.
    assert.ok(keys.size > 4997, `${keys.size} different keys`);
    for (let at = 0; at < 4; at++) {
      const values = new Set(frames.map(({ mask }) => mask[at]));
      assert.ok(values.size > 250, `${values.size} values of byte ${at}`);
    }
    ws.terminate();
  });
});

describe('Sec-WebSocket-Extensions (ws before 3.3.1)', () => {
  it('may have the names of properties of objects', async (t) => {
    const wss = await listen({ perMessageDeflate: true });
    t.after(() => closed(wss));
    wss.on('connection', (ws) => ws.terminate());
    const names = Object.getOwnPropertyNames(Object.prototype);
    const header = names.map((name) => `${name}; ${name}=${name}`).join(', ');
    const answer = await exchange(
      wss.address().port,
      requestText({ 'Sec-WebSocket-Extensions': header })
    );
    assert.strictEqual(answer, ACCEPTED);
  });
});

describe('Sec-WebSocket-Protocol (CVE-2021-32640)', () => {
  const MEGABYTE = 1e6;

  for (const [what, header] of [
    ['spaces', `a${' '.repeat(MEGABYTE)}b`],
    ['commas', `a${' ,'.repeat(MEGABYTE / 2)}`],
    ['names', Array.from({ length: MEGABYTE / 8 }, (_, i) => `n${i}`).join()]
  ]) {
    it(`takes linear time with a megabyte of ${what}`, () => {
      const start = process.cpuUsage();
      try {
        assert.strictEqual(subprotocol.parse(header).size, MEGABYTE / 8);
      } catch (err) {
        assert.strictEqual(err.name, 'SyntaxError');
      }
      // Quadratic time would be minutes.
      const { user } = process.cpuUsage(start);
      assert.ok(user < 2e6, `${user} µs`);
    });
  }
});

describe('A request without Upgrade (CVE-2024-37890)', () => {
  it('is refused', () => {
    const wss = new WebSocketServer({ noServer: true });
    const socket = new BareDuplex();
    const chunks = [];
    socket._write = (chunk, encoding, done) => {
      chunks.push(chunk);
      done();
    };
    const req = fakeRequest({}, { socket });
    delete req.headers.upgrade;

    wss.handleUpgrade(req, socket, NO_BYTES, assert.fail);
    assert.match(
      Buffer.concat(chunks).toString(),
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\n\r\nInvalid Upgrade header$/
    );
  });
});

describe('A close reason that is not bytes (CVE-2026-45736)', () => {
  for (const View of [Uint16Array, Int8Array, Float32Array, BigInt64Array]) {
    it(`throws if it is a ${View.name}, and sends nothing`, async () => {
      const { ws, sent } = connected(true);
      assert.throws(() => ws.close(1000, new View(4)), {
        name: 'TypeError',
        message: 'Second argument must be a string or a Uint8Array'
      });
      assert.strictEqual(ws.readyState, WebSocket.OPEN);
      assert.deepStrictEqual(await sent(), []);
      ws.terminate();
    });
  }

  it('is sent as it is if it is a Uint8Array', async () => {
    const { ws, sent } = connected(true);
    const memory = Uint8Array.from(Buffer.from('not a reason at all'));
    ws.close(1000, memory.subarray(4, 12));
    const [{ payload }] = await sent();
    assert.deepStrictEqual(payload, closeBody(1000, 'a reason'));
    ws.terminate();
  });
});

describe('Tiny pieces (CVE-2026-48779, ws#2331)', () => {
  const FIRST = frame(OP.BINARY, 'a', { fin: false });
  const NEXT = frame(OP.CONT, 'a', { fin: false });
  const EMPTY = frame(OP.CONT, '', { fin: false });

  for (const [what, piece] of [
    ['with a byte', NEXT],
    ['that are empty', EMPTY]
  ]) {
    it(`may not be more than 16,384 fragments ${what} by default`, async (t) => {
      const wss = await listen();
      t.after(() => closed(wss));
      const refused = new Promise((resolve) => {
        wss.on('connection', (ws) => ws.on('error', resolve));
      });
      const flood = Buffer.concat([
        Buffer.from(requestText()),
        frame(OP.BINARY, 'a', { fin: false, mask: true }),
        ...Array(16384).fill(
          frame(OP.CONT, piece === NEXT ? 'a' : '', { fin: false, mask: true })
        )
      ]);

      const answer = await exchange(wss.address().port, flood);
      assert.strictEqual(answer.slice(0, ACCEPTED.length), ACCEPTED);
      const err = await refused;
      assert.strictEqual(err.code, 'WS_ERR_TOO_MANY_BUFFERED_PARTS');
      assert.strictEqual(err[kStatusCode], 1008);
    });
  }

  itDiffers('hold no more than their bytes, without limits', () => {
    const filled = () => {
      const receiver = new Receiver();
      receiver.write(FIRST);
      for (let i = 0; i < 50000; i++) receiver.write(Buffer.from(NEXT));
      for (let i = 0; i < 50000; i++) receiver.write(Buffer.from(EMPTY));
      receiver.write(frame(OP.CONT, '', { fin: false, length: 70000 }));
      for (let i = 0; i < 50000; i++) receiver.write(Buffer.from('a'));
      return receiver;
    };

    // What is compiled on the way is not held by the receiver.
    filled().destroy();
    const before = memoryInUse();
    const receiver = filled();
    const held = memoryInUse() - before;
    assert.ok(held < 2 ** 20, `${held} bytes`);
    receiver.destroy();
  });
});

describe('A small frame that inflates to much (ws#1720, CVE-2026-1526)', () => {
  const MEBIBYTE = 2 ** 20;
  // Each part stands for itself, so that the whole is never made.
  const part = zlib.deflateRawSync(Buffer.alloc(MEBIBYTE), {
    finishFlush: zlib.constants.Z_FULL_FLUSH
  });

  it('ends a connection to a server that sends it, by default', async (t) => {
    const bomb = Buffer.concat(Array(101).fill(part));
    assert.ok(bomb.length < MEBIBYTE / 5, `${bomb.length} bytes`);
    const received = [];
    const peer = await startPeer(t, (head, socket) => {
      socket.on('data', (chunk) => received.push(chunk));
      socket.write(
        head.switching('Sec-WebSocket-Extensions: permessage-deflate')
      );
      socket.write(frame(OP.BINARY, bomb, { rsv: RSV1 }));
    });
    const ws = new WebSocket(`ws://127.0.0.1:${peer.port}`);
    ws.on('message', assert.fail);
    const { err, code } = await failureOf(ws);
    assert.strictEqual(err.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    assert.strictEqual(code, 1006);
    const [{ opcode, payload }] = readFrames(Buffer.concat(received)).frames;
    assert.strictEqual(opcode, OP.CLOSE);
    assert.deepStrictEqual(payload, closeBody(1009));
  });

  it('counts together with the others of its message', async () => {
    const err = await failure(compressed(5 * MEBIBYTE), [
      frame(OP.BINARY, part, { rsv: RSV1, fin: false }),
      ...Array(5).fill(frame(OP.CONT, part, { fin: false }))
    ]);
    assert.strictEqual(err.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    assert.strictEqual(err[kStatusCode], 1009);
  });
});

describe('Data behind the limit of a message (ws#1848, ws#2285)', () => {
  const noise = bytesOf({ kind: 'noise', length: 30000, seed: 1 });
  // Most of it refers to what comes before the limit.
  const long = new Deflater().message(Buffer.concat(Array(100).fill(noise)));

  for (const [what, bytes] of [
    ['of many chunks that refer back', long],
    ['that is broken', Buffer.concat([long, Buffer.alloc(1000, 0xff)])]
  ]) {
    it(`does not hide the error or its code if it is one ${what}`, async () => {
      for (const maxPayload of [1, 40000, 2000000]) {
        const err = await failure(compressed(maxPayload), [
          frame(OP.BINARY, bytes, { rsv: RSV1 })
        ]);
        assert.strictEqual(err.name, 'RangeError');
        assert.strictEqual(err.message, 'Max payload size exceeded');
        assert.strictEqual(err[kStatusCode], 1009);
      }
    });
  }
});

describe('A window that zlib does not have (CVE-2026-2229)', () => {
  const values = ['7', '16', '0', '-1', '99', '1000000000000', '8.5', 'x'];

  for (const parameter of [
    ...values.map((value) => `server_max_window_bits=${value}`),
    ...values.map((value) => `client_max_window_bits=${value}`),
    'server_max_window_bits'
  ]) {
    const header = `permessage-deflate; ${parameter}`;

    it(`is refused by a client: ${parameter}`, async (t) => {
      const ws = await connect(
        t,
        (head) => head.switching(`Sec-WebSocket-Extensions: ${header}`),
        [],
        { perMessageDeflate: true }
      );
      const { err, code } = await failureOf(ws);
      assert.strictEqual(
        err.message,
        'Invalid Sec-WebSocket-Extensions header'
      );
      assert.strictEqual(code, 1006);
    });

    it(`is refused by a server: ${parameter}`, async (t) => {
      const wss = await listen({ perMessageDeflate: true });
      t.after(() => closed(wss));
      wss.on('connection', assert.fail);
      const answer = await exchange(
        wss.address().port,
        requestText({ 'Sec-WebSocket-Extensions': header })
      );
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    });
  }
});
