'use strict';

const assert = require('node:assert');
const { EventEmitter, once } = require('node:events');
const { createServer } = require('node:http');
const { afterEach, beforeEach, describe, it } = require('node:test');
const { Duplex, pipeline, Readable, Writable } = require('node:stream');

const {
  createWebSocketStream,
  WebSocket,
  WebSocketServer
} = require('./support/ferrows');

/**
 * Waits for the end of a stream, be it after an error.
 *
 * @param {Duplex} duplex the stream
 * @return {Promise} settles when it emits 'close'
 */
const closed = (duplex) =>
  new Promise((resolve) => duplex.once('close', resolve));

describe('createWebSocketStream', { timeout: 20000 }, () => {
  let server;

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
  });

  afterEach(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
  });

  /**
   * Opens a stream over a client of the server.
   *
   * @param {Object} [options] options of the stream
   * @return {{ws: WebSocket, duplex: Duplex, log: string[]}} `log` grows with
   *     the events of both
   */
  const connect = (options) => {
    const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
    const duplex = createWebSocketStream(ws, options);
    const log = [];

    for (const name of ['end', 'finish', 'close']) {
      duplex.on(name, () => log.push(`stream ${name}`));
    }
    duplex.on('error', (err) => log.push(`stream error: ${err.message}`));
    ws.on('close', () => log.push('ws close'));

    return { ws, duplex, log };
  };

  it('returns a Duplex, over any EventEmitter', () => {
    const emitter = new EventEmitter();
    const duplex = createWebSocketStream(emitter);
    const chunks = [];

    duplex.on('data', (chunk) => chunks.push(chunk.toString()));
    emitter.emit('message', Buffer.from('a'), true);
    duplex.read(0);

    assert.ok(duplex instanceof Duplex);
    assert.strictEqual(duplex.readableLength + chunks.join('').length, 1);
  });

  it('keeps the options of a Duplex except for a few', () => {
    const duplex = createWebSocketStream(new EventEmitter(), {
      allowHalfOpen: false,
      autoDestroy: true,
      emitClose: true,
      objectMode: true,
      readableHighWaterMark: 3,
      readableObjectMode: true,
      writableHighWaterMark: 4,
      writableObjectMode: true
    });

    assert.strictEqual(duplex.allowHalfOpen, false);
    assert.strictEqual(duplex.readableHighWaterMark, 3);
    assert.strictEqual(duplex.readableObjectMode, true);
    assert.strictEqual(duplex.writableHighWaterMark, 4);
    assert.strictEqual(duplex.writableObjectMode, false);
  });

  it('uses its own methods in place of those in the options', async () => {
    const method = () => assert.fail('called');
    const { duplex } = connect({
      destroy: method,
      final: method,
      read: method,
      write: method
    });
    const [client] = await once(server, 'connection');

    client.send('pong');
    duplex.end('ping');
    assert.strictEqual(String((await once(client, 'message'))[0]), 'ping');
    assert.strictEqual(String((await once(duplex, 'data'))[0]), 'pong');
    await closed(duplex);
  });

  it('does not change the options', () => {
    const options = Object.freeze({ objectMode: true });

    createWebSocketStream(new EventEmitter(), options);
  });

  describe('reading', () => {
    it('gives each message as a chunk', async () => {
      const { duplex } = connect();
      const [client] = await once(server, 'connection');
      const chunks = [];

      duplex.on('data', (chunk) => chunks.push(chunk));
      client.send('text');
      client.send(Buffer.from([1, 2]));
      client.close();
      await once(duplex, 'end');

      assert.deepStrictEqual(chunks, [
        Buffer.from('text'),
        Buffer.from([1, 2])
      ]);
    });

    it('gives text as a string if it is in object mode', async () => {
      const { duplex } = connect({ readableObjectMode: true });
      const [client] = await once(server, 'connection');
      const chunks = [];

      duplex.on('data', (chunk) => chunks.push(chunk));
      client.send('text');
      client.send(Buffer.from([1, 2]));
      client.close();
      await once(duplex, 'end');

      assert.deepStrictEqual(chunks, ['text', Buffer.from([1, 2])]);
    });

    it('honors an encoding', async () => {
      const { duplex } = connect({ encoding: 'hex' });
      const [client] = await once(server, 'connection');

      client.send(Buffer.from([0xab, 0xcd]));

      assert.deepStrictEqual(await once(duplex, 'data'), ['abcd']);
    });

    it('pauses the WebSocket while nobody reads', async () => {
      const { duplex, ws } = connect({ readableHighWaterMark: 10 });
      const [client] = await once(server, 'connection');
      const chunks = [];

      for (let i = 0; i < 100; i++) client.send(Buffer.alloc(5, i));
      client.close();

      await once(ws, 'message');
      while (!ws.isPaused)
        await new Promise((resolve) => setImmediate(resolve));
      assert.ok(duplex.readableLength >= 10);

      duplex.on('data', (chunk) => chunks.push(chunk));
      await once(duplex, 'end');

      assert.strictEqual(ws.isPaused, false);
      assert.deepStrictEqual(
        Buffer.concat(chunks),
        Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(5, i)))
      );
    });

    it('can be iterated over', async () => {
      const { duplex } = connect();
      let text = '';

      server.on('connection', (client) => {
        client.send('a');
        client.send('b');
        client.close();
      });
      for await (const chunk of duplex) text += chunk;

      assert.strictEqual(text, 'ab');
    });
  });

  describe('writing', () => {
    it('waits until the connection is open', async () => {
      const { duplex, ws } = connect();
      const written = once(server, 'connection').then(([client]) =>
        once(client, 'message')
      );

      assert.strictEqual(ws.readyState, WebSocket.CONNECTING);
      await new Promise((resolve) => duplex.write('early', resolve));

      const [data, isBinary] = await written;
      assert.strictEqual(String(data), 'early');
      assert.strictEqual(isBinary, true);
    });

    it('sends strings as text if they are not to be decoded', async () => {
      const { duplex } = connect({ decodeStrings: false });
      const [client] = await once(server, 'connection');

      duplex.write('text');

      const [data, isBinary] = await once(client, 'message');
      assert.strictEqual(String(data), 'text');
      assert.strictEqual(isBinary, false);
    });

    it('sends chunks in order', async () => {
      const { duplex } = connect();
      const [client] = await once(server, 'connection');
      let received = '';
      let expected = '';

      client.on('message', (data) => {
        received += data;
      });
      for (let i = 0; i < 1000; i++) {
        expected += `${i} `;
        duplex.write(`${i} `);
      }
      duplex.resume().end();
      await once(client, 'close');

      assert.strictEqual(received, expected);
    });

    it('fails when the connection is closing', async () => {
      const { duplex, log, ws } = connect();
      await once(ws, 'open');

      ws.close();
      duplex.write('late', (err) => log.push(`callback: ${err.message}`));
      await closed(duplex);

      const message = 'WebSocket is not open: readyState 2 (CLOSING)';
      assert.deepStrictEqual(log, [
        `callback: ${message}`,
        `stream error: ${message}`,
        'ws close',
        'stream close'
      ]);
    });

    it('fails when the connection is closed', async () => {
      const { duplex, log } = connect();
      const [client] = await once(server, 'connection');

      client.terminate();
      await once(duplex.resume(), 'end');
      duplex.write('late', (err) => log.push(`callback: ${err.message}`));
      await closed(duplex);

      const message = 'WebSocket is not open: readyState 3 (CLOSED)';
      assert.deepStrictEqual(log, [
        'ws close',
        'stream end',
        `callback: ${message}`,
        `stream error: ${message}`,
        'stream close'
      ]);
    });
  });

  describe('ending', () => {
    it('closes the connection when all is written', async () => {
      const { duplex, log } = connect();
      const [client] = await once(server, 'connection');

      duplex.resume().end('last');
      const [[data], [code]] = await Promise.all([
        once(client, 'message'),
        once(client, 'close'),
        closed(duplex)
      ]);

      assert.strictEqual(String(data), 'last');
      assert.strictEqual(code, 1005);
      assert.deepStrictEqual(log, [
        'stream finish',
        'ws close',
        'stream end',
        'stream close'
      ]);
    });

    it('waits until the connection is open', async () => {
      const { duplex, ws } = connect();

      duplex.resume().end();
      const [[client]] = await Promise.all([
        once(server, 'connection'),
        once(ws, 'open')
      ]);
      const [code] = await once(client, 'close');

      assert.strictEqual(code, 1005);
    });

    it('reports the error of a handshake that failed', async () => {
      const http = createServer((req, res) => res.writeHead(400).end());
      await once(http.listen(0, '127.0.0.1'), 'listening');
      http.on('upgrade', (req, socket) => {
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      });

      const ws = new WebSocket(`ws://127.0.0.1:${http.address().port}`);
      const duplex = createWebSocketStream(ws);
      let finished = false;

      duplex.on('finish', () => {
        finished = true;
      });
      ws.on('error', () => duplex.end());
      const [[err]] = await Promise.all([
        once(duplex, 'error'),
        closed(duplex)
      ]);
      await new Promise((resolve) => http.close(resolve));

      assert.strictEqual(err.message, 'Unexpected server response: 400');
      assert.strictEqual(finished, false);
    });

    it('ends the readable side when the peer closes', async () => {
      const { duplex, log } = connect();
      const [client] = await once(server, 'connection');

      client.close(1001);
      await once(duplex.resume(), 'end');
      assert.strictEqual(duplex.writable, true);

      duplex.end();
      await closed(duplex);
      assert.deepStrictEqual(log, [
        'ws close',
        'stream end',
        'stream finish',
        'stream close'
      ]);
    });

    it('ends both sides when the peer closes, if not half-open', async () => {
      const { duplex, log } = connect({ allowHalfOpen: false });
      const [client] = await once(server, 'connection');

      client.close();
      await closed(duplex.resume());

      assert.deepStrictEqual(log, [
        'ws close',
        'stream end',
        'stream finish',
        'stream close'
      ]);
    });
  });

  describe('destroying', () => {
    it('terminates the connection', async () => {
      const { duplex, log, ws } = connect();
      const [client] = await once(server, 'connection');
      if (ws.readyState !== WebSocket.OPEN) await once(ws, 'open');

      duplex.destroy();
      const [[code]] = await Promise.all([
        once(client, 'close'),
        closed(duplex)
      ]);

      assert.strictEqual(code, 1006);
      assert.strictEqual(ws.readyState, WebSocket.CLOSED);
      assert.deepStrictEqual(log, ['ws close', 'stream close']);
    });

    it('reports the error it is given', async () => {
      const { duplex, log, ws } = connect();
      await once(ws, 'open');

      duplex.destroy(new Error('no'));
      await closed(duplex);

      assert.deepStrictEqual(log, [
        'ws close',
        'stream error: no',
        'stream close'
      ]);
    });

    it('reports the error of a handshake that it aborts', async () => {
      const { duplex, log } = connect();

      duplex.destroy(new Error('no'));
      await closed(duplex);

      assert.deepStrictEqual(log, [
        'ws close',
        'stream error: WebSocket was closed before the connection was ' +
          'established',
        'stream close'
      ]);
    });

    it('works after the connection was closed', async () => {
      const { duplex, log } = connect();
      const [client] = await once(server, 'connection');

      client.close();
      await once(duplex.resume(), 'end');
      duplex.destroy(new Error('no'));
      await closed(duplex);

      assert.deepStrictEqual(log, [
        'ws close',
        'stream end',
        'stream error: no',
        'stream close'
      ]);
    });

    it('happens on any error of the stream', async () => {
      const { duplex, log, ws } = connect();
      await once(ws, 'open');

      duplex.emit('error', new Error('mine'));
      assert.strictEqual(duplex.destroyed, true);
      await closed(duplex);

      assert.deepStrictEqual(log, [
        'stream error: mine',
        'ws close',
        'stream close'
      ]);
    });

    it('throws an error that nobody listens to', async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
      const duplex = createWebSocketStream(ws);
      const error = new Error('mine');
      await once(ws, 'open');

      assert.throws(() => duplex.emit('error', error), error);
      assert.strictEqual(duplex.destroyed, true);
      await closed(duplex);
    });

    it('happens on an error of the WebSocket, after the close frame', async () => {
      const { duplex, log } = connect();
      const [client] = await once(server, 'connection');

      client._socket.write(Buffer.from([0x85, 0x00]));
      const [[code], [err]] = await Promise.all([
        once(client, 'close'),
        once(duplex, 'error'),
        closed(duplex)
      ]);

      assert.strictEqual(code, 1002);
      assert.strictEqual(err.code, 'WS_ERR_INVALID_OPCODE');
      assert.deepStrictEqual(log, [
        'ws close',
        'stream error: Invalid WebSocket frame: invalid opcode 5',
        'stream close'
      ]);
    });
  });

  it('works in a pipeline', async () => {
    const { duplex } = connect();
    const received = [];

    server.on('connection', (client) => {
      client.on('message', (data) => {
        client.send(data);
        client.close();
      });
    });
    await new Promise((resolve, reject) => {
      pipeline(
        Readable.from([Buffer.from('echo')]),
        duplex,
        new Writable({
          write(chunk, encoding, callback) {
            received.push(String(chunk));
            callback();
          }
        }),
        (err) => (err ? reject(err) : resolve())
      );
    });

    assert.deepStrictEqual(received, ['echo']);
  });
});
