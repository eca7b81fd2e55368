'use strict';

// A WebSocket shares its socket with the program, and takes any stream for one.

const assert = require('node:assert');
const { once } = require('node:events');
const http2 = require('node:http2');
const { describe, it } = require('node:test');
const { Duplex, Writable } = require('node:stream');
const { setTimeout: sleep } = require('node:timers/promises');
const tls = require('node:tls');

const { endOf, roles } = require('./support/connections');
const { lib, WebSocket } = require('./support/ferrows');
const { closeBody, frame, OP, readFrames } = require('./support/frames');
const { identity } = require('./support/peer');

const { EMPTY_BUFFER } = lib('constants');

/** The texts of frames. */
const texts = (frames) => frames.map(({ payload }) => payload.toString());

/** One end of a stream in memory; what is written to one comes out of the other. */
class Wire extends Duplex {
  /** @return {Wire[]} two ends */
  static pair() {
    const ends = [new Wire(), new Wire()];
    [ends[0].other, ends[1].other] = [ends[1], ends[0]];
    return ends;
  }

  _read() {}

  _write(chunk, encoding, callback) {
    this.other.push(chunk);
    process.nextTick(callback);
  }

  _final(callback) {
    this.other.push(null);
    callback();
  }
}

/**
 * Makes a WebSocket of a stream.
 *
 * @param {stream.Duplex} stream the stream
 * @param {Object} [options]
 * @param {boolean} [options.isServer=true] the role
 * @param {Buffer} [options.head] bytes that came before
 * @param {boolean} [options.allowSynchronousEvents=true]
 * @return {WebSocket}
 */
function over(
  stream,
  { isServer = true, head = EMPTY_BUFFER, allowSynchronousEvents = true } = {}
) {
  const ws = new WebSocket(null, undefined, {
    autoPong: true,
    closeTimeout: 1000
  });
  ws._isServer = isServer;
  ws.setSocket(stream, head, { allowSynchronousEvents, maxPayload: 0 });
  return ws;
}

for (const [role, connect] of Object.entries(roles)) {
  const byHand = frame(OP.TEXT, 'by hand', { mask: role === 'client' });

  describe(`The socket of a ${role}`, { timeout: 20000 }, () => {
    it('writes what the program writes after what was sent', async (t) => {
      const { ws, peer } = await connect(t);
      const log = [];
      for (const text of 'abc') ws.send(text, () => log.push(text));
      ws._socket.write(byHand, () => log.push('by hand'));
      ws.send('d', () => log.push('d'));
      ws._socket.cork();
      ws._socket.write(byHand);
      ws.send('e', () => log.push('e'));
      ws._socket.uncork();
      assert.deepStrictEqual(texts(await peer.framesCame(7)), [
        ...['a', 'b', 'c', 'by hand', 'd', 'by hand', 'e']
      ]);
      while (log.length < 6) await sleep(1);
      assert.deepStrictEqual(log, ['a', 'b', 'c', 'by hand', 'd', 'e']);
    });

    it('writes in the order of the program in handlers', async (t) => {
      const { ws, peer } = await connect(t);
      ws.on('message', (data) => {
        ws.send(`1 ${data}`);
        ws._socket.write(byHand);
        ws.send(`2 ${data}`);
      });
      const mask = role === 'server';
      const list = [...'ab'].map((text) => frame(OP.TEXT, text, { mask }));
      await peer.send(Buffer.concat(list));
      assert.deepStrictEqual(texts(await peer.framesCame(6)), [
        ...['1 a', 'by hand', '2 a', '1 b', 'by hand', '2 b']
      ]);
    });

    for (const method of ['end', 'destroy', 'destroySoon', 'resetAndDestroy']) {
      it(`\`${method}()\` loses nothing that was sent before`, async (t) => {
        const { ws, peer } = await connect(t);
        const log = [];
        const closed = once(ws, 'close');
        ws.on('close', () => log.push('close'));
        for (const text of 'abc') ws.send(text, () => log.push(text));
        ws._socket[method]();
        await peer.framesCame(3);
        peer.socket.end();
        await closed;
        assert.deepStrictEqual(texts(peer.frames), ['a', 'b', 'c']);
        assert.deepStrictEqual(log, ['a', 'b', 'c', 'close']);
      });
    }

    it('`end()` sends what it is given last', async (t) => {
      const { ws, peer } = await connect(t);
      for (const text of 'abc') ws.send(text);
      ws._socket.end(byHand);
      await peer.until(({ ended }) => ended);
      assert.deepStrictEqual(texts(peer.frames), ['a', 'b', 'c', 'by hand']);
    });

    it("may have a `write` of the program's, which sees it all", async (t) => {
      const { ws, peer } = await connect(t);
      for (const text of 'ab') ws.send(text);
      const { write } = ws._socket;
      const seen = [];
      ws._socket.write = function (chunk, ...rest) {
        seen.push(Buffer.from(chunk));
        return write.call(this, chunk, ...rest);
      };
      for (const text of 'cde') ws.send(text);
      await sleep(1);
      ws.send('f');
      await peer.framesCame(6);
      const counted = Buffer.concat(seen).length;
      assert.deepStrictEqual(texts(peer.frames), [...'abcdef']);
      assert.ok(counted >= 4 * 3, `${counted} bytes`);
    });

    it('may have one from before the first send', async (t) => {
      const { ws, peer } = await connect(t);
      const { write } = ws._socket;
      const seen = [];
      ws._socket.write = function (chunk, ...rest) {
        seen.push(Buffer.from(chunk));
        return write.call(this, chunk, ...rest);
      };
      for (const text of 'abc') ws.send(text);
      ws._socket.write(byHand);
      await peer.framesCame(4);
      assert.deepStrictEqual(texts(peer.frames), ['a', 'b', 'c', 'by hand']);
      assert.deepStrictEqual(Buffer.concat(seen), peer.bytes);
    });

    it('shows raw bytes to listeners of `data` in front', async (t) => {
      const { ws, peer } = await connect(t);
      const bytes = frame(OP.TEXT, 'abc', { mask: role === 'server' });
      const seen = [];
      ws._socket.prependListener('data', (chunk) => {
        seen.push(Buffer.from(chunk));
      });
      const received = once(ws, 'message');
      await peer.send(bytes);
      assert.strictEqual((await received)[0].toString(), 'abc');
      assert.deepStrictEqual(seen, [bytes]);
    });

    it('takes frames that are encoded already, in order', async (t) => {
      const { ws, peer } = await connect(t);
      const log = [];
      const options = { opcode: OP.TEXT, fin: true, mask: role === 'client' };
      const list = () =>
        WebSocket.Sender.frame(Buffer.from('encoded'), options);
      for (const text of 'ab') ws.send(text, () => log.push(text));
      ws._sender.sendFrame(list(), () => log.push('encoded'));
      ws.send('c', () => log.push('c'));
      ws._sender.sendFrame([Buffer.concat(list())]);
      const expected = ['a', 'b', 'encoded', 'c', 'encoded'];
      assert.deepStrictEqual(texts(await peer.framesCame(5)), expected);
      while (log.length < 4) await sleep(1);
      assert.deepStrictEqual(log, ['a', 'b', 'encoded', 'c']);
    });

    it('may be wrapped by an object that inherits from it', async (t) => {
      const { ws, peer } = await connect(t);
      for (const text of 'abc') ws.send(text);
      const wrapper = Object.create(ws._socket);
      wrapper.write(byHand);
      await peer.framesCame(4);
      assert.deepStrictEqual(texts(peer.frames), ['a', 'b', 'c', 'by hand']);
    });

    it('may be seen through a Proxy', async (t) => {
      const { ws, peer } = await connect(t);
      for (const text of 'abc') ws.send(text);
      new Proxy(ws._socket, {}).write(byHand);
      await peer.framesCame(4);
      assert.deepStrictEqual(texts(peer.frames), ['a', 'b', 'c', 'by hand']);
    });
  });
}

describe('A WebSocket over a stream', { timeout: 20000 }, () => {
  it('delivers the head before anything else', async () => {
    const [near, far] = Wire.pair();
    const head = frame(OP.TEXT, 'head', { mask: true });
    far.write(frame(OP.TEXT, 'tail', { mask: true }));
    const ws = over(near, { head });
    const log = [];
    ws.on('message', (data) => log.push(data.toString()));
    while (log.length < 2) await sleep(1);
    assert.deepStrictEqual(log, ['head', 'tail']);
    ws.terminate();
    await once(ws, 'close');
  });

  it('talks to another one, and closes', async () => {
    const [near, far] = Wire.pair();
    const server = over(near);
    const client = over(far, { isServer: false });
    const log = [];
    server.on('message', (data) => {
      for (let i = 0; i < 3; i++) server.send(`${data}${i}`);
    });
    client.on('message', (data) => log.push(data.toString()));
    client.on('message', () => log.length === 6 && client.close(1000, 'done'));
    const ends = [endOf(server), endOf(client)];
    client.send('a');
    client.send('b');
    for (const { code, reason } of await Promise.all(ends)) {
      assert.strictEqual(code, 1000);
      assert.strictEqual(reason, 'done');
    }
    assert.deepStrictEqual(log, ['a0', 'a1', 'a2', 'b0', 'b1', 'b2']);
  });

  it('closes without a close frame: 1006', async () => {
    const [near, far] = Wire.pair();
    const ws = over(near);
    const end = endOf(ws);
    far.resume();
    far.end();
    assert.deepStrictEqual(await end, { code: 1006, reason: '', errors: [] });
  });

  it('calls back with the error of a stream that fails', async () => {
    const broken = new Duplex({
      read() {},
      write: (chunk, encoding, callback) => callback(new Error('broken'))
    });
    const ws = over(broken);
    const end = endOf(ws);
    const log = [];
    for (const text of 'abc') {
      ws.send(text, ({ message }) => log.push(`${text} ${message}`));
    }
    assert.deepStrictEqual(await end, { code: 1006, reason: '', errors: [] });
    assert.deepStrictEqual(log, ['a broken', 'b broken', 'c broken']);
  });

  it('sends and receives over a stream that cannot be extended', async () => {
    const [near, far] = Wire.pair();
    const bytes = [];
    far.on('data', (chunk) => bytes.push(chunk));
    const ws = over(near);
    Object.preventExtensions(near);
    for (const text of 'abc') ws.send(text);
    near.write(frame(OP.TEXT, 'd'));
    while (Buffer.concat(bytes).length < 12) await sleep(1);
    assert.deepStrictEqual(texts(readFrames(Buffer.concat(bytes)).frames), [
      ...'abcd'
    ]);
    const received = once(ws, 'message');
    far.write(frame(OP.TEXT, 'e', { mask: true }));
    assert.strictEqual((await received)[0].toString(), 'e');
    ws.terminate();
  });

  it('is one of TLS too', async (t) => {
    const server = tls.createServer(identity);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const socket = tls.connect({
      port: server.address().port,
      host: '127.0.0.1',
      ca: identity.cert,
      servername: 'localhost'
    });
    const [[accepted]] = await Promise.all([
      once(server, 'secureConnection'),
      once(socket, 'secureConnect')
    ]);
    const far = over(accepted);
    const client = over(socket, { isServer: false });
    const log = [];
    client.on('message', (data) => log.push(data.toString()));
    far.on('message', (data) => {
      far.send(`1 ${data}`);
      far.send(`2 ${data}`);
      accepted.write(frame(OP.TEXT, 'by hand'));
      far.send(`3 ${data}`);
    });
    const ends = [endOf(far), endOf(client)];
    for (const text of 'ab') client.send(text);
    client.send(Buffer.alloc(100000, 'c'));
    while (log.length < 12) await sleep(1);
    client.close(1000);
    const codes = (await Promise.all(ends)).map(({ code }) => code);
    assert.deepStrictEqual(codes, [1000, 1000]);
    const starts = ['1', '2', 'by hand', '3'];
    log.forEach((text, i) => assert.ok(text.startsWith(starts[i % 4])));
  });

  it('is a stream of an HTTP/2 CONNECT request too', async (t) => {
    const server = http2.createServer({
      settings: { enableConnectProtocol: true }
    });
    const opened = new Promise((resolve) => {
      server.on('stream', (stream) => {
        stream.respond({ ':status': 200 });
        resolve(over(stream));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
    t.after(() => {
      session.destroy();
      server.close();
    });
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/'
    });
    await once(stream, 'response');
    const client = over(stream, { isServer: false });
    const far = await opened;
    const log = [];
    far.on('message', (data) => {
      far.send(`echo ${data}`);
      far.send(Buffer.alloc(100000));
    });
    client.on('message', (data) => {
      log.push(data.length < 10 ? data.toString() : data.length);
      if (log.length === 4) client.close(1000);
    });
    const ends = [endOf(far), endOf(client)];
    client.send('a');
    client.send('b');
    const codes = (await Promise.all(ends)).map(({ code }) => code);
    assert.deepStrictEqual(codes, [1000, 1000]);
    assert.deepStrictEqual(log, ['echo a', 100000, 'echo b', 100000]);
  });

  it('delivers all it holds, though it was resumed, when it closes', async () => {
    const [near, far] = Wire.pair();
    const ws = over(near);
    const log = [];
    ws.on('message', (data) => log.push(data.toString()));
    ws.pause();
    for (const text of 'abc') far.write(frame(OP.TEXT, text, { mask: true }));
    await sleep(1);
    ws.terminate();
    ws.resume();
    await once(ws, 'close');
    assert.deepStrictEqual(log, ['a', 'b', 'c']);
  });

  it('tells each send whether it came before the failure', async () => {
    const [near] = Wire.pair();
    const ws = over(near);
    const end = endOf(ws);
    ws.send('before');
    near.destroy(new Error('lost'));
    const err = await new Promise((resolve) => ws.send('after', resolve));
    assert.strictEqual(err.code, 'ERR_STREAM_DESTROYED');
    await end;
  });

  it('asks for a pause where any stream does', async () => {
    const { writableHighWaterMark: mark } = new Writable();
    for (const [length, isPaused] of [
      [mark - 1000, false],
      [mark, true]
    ]) {
      const [near] = Wire.pair();
      const ws = over(near, { allowSynchronousEvents: false });
      await sleep(1);
      near.push(frame(OP.BINARY, Buffer.alloc(length), { mask: true }));
      assert.strictEqual(near.isPaused(), isPaused);
      await once(ws, 'message');
      await sleep(1);
      assert.strictEqual(near.isPaused(), false);
      ws.terminate();
      await once(ws, 'close');
    }
  });

  it('asks for no more after broken input', async () => {
    const [near] = Wire.pair();
    const end = endOf(over(near));
    await sleep(1);
    for (let i = 0; i < 2; i++) {
      near.push(frame(3, '', { mask: true }));
      assert.strictEqual(near.isPaused(), true);
      near.resume();
    }
    near.destroy();
    const { errors } = await end;
    assert.strictEqual(errors[0].code, 'WS_ERR_INVALID_OPCODE');
  });

  it('leaves it paused if events come after it is closed', async () => {
    const [near, far] = Wire.pair();
    const ws = over(near, { allowSynchronousEvents: false });
    ws.pause();
    far.write(frame(OP.TEXT, 'a', { mask: true }));
    far.write(frame(OP.CLOSE, closeBody(1000), { mask: true }));
    await sleep(1);
    near.destroy();
    const [code] = await once(ws, 'close');
    await sleep(1);
    assert.strictEqual(code, 1000);
    assert.strictEqual(near.isPaused(), true);
  });

  it('answers a close frame that came in the head', async () => {
    const [near, far] = Wire.pair();
    const body = closeBody(3000);
    const ws = over(near, { head: frame(OP.CLOSE, body, { mask: true }) });
    const end = endOf(ws);
    const bytes = [];
    far.on('data', (chunk) => bytes.push(chunk));
    far.on('end', () => far.end());
    assert.strictEqual((await end).code, 3000);
    assert.deepStrictEqual(Buffer.concat(bytes), frame(OP.CLOSE, body));
  });
});
