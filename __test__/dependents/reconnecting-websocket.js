'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const { WebSocket } = require('../support/ferrows');
const { closed, listen } = require('../support/server');
const { load } = require('./home');

const isomorphic = load('isomorphic-ws');
const ReconnectingWebSocket = load('reconnecting-websocket');

describe('reconnecting-websocket over isomorphic-ws', { timeout: 20e3 }, () => {
  it('has the class that it is given', () => {
    assert.strictEqual(isomorphic, WebSocket);
  });

  it('connects again, and sends what was to be sent meanwhile', async (t) => {
    const wss = await listen();
    const url = `ws://127.0.0.1:${wss.address().port}`;
    const log = [];
    const client = new ReconnectingWebSocket(url, [], {
      WebSocket: isomorphic,
      minReconnectionDelay: 10,
      maxReconnectionDelay: 10
    });

    t.after(async () => {
      client.close();
      await closed(wss);
    });
    client.binaryType = 'arraybuffer';
    client.onopen = () => log.push('open');
    client.addEventListener('close', ({ code, reason, wasClean }) => {
      log.push([code, reason, wasClean]);
    });
    client.addEventListener('message', ({ data }) => log.push(data));

    client.send('before it is open');

    const [first] = await once(wss, 'connection');
    const [message] = await once(first, 'message');

    assert.strictEqual(message.toString(), 'before it is open');
    first.send('text');
    first.send(Buffer.from([1, 2]));
    first.close(1012, 'come back');

    const [second] = await once(wss, 'connection');

    second.on('message', (data) => second.send(`you said ${data}`));
    client.send('again');
    while (log.at(-1) !== 'you said again') {
      await new Promise((resolve) => {
        client.addEventListener('message', resolve);
      });
    }

    const gone = Promise.all([
      once(second, 'close'),
      new Promise((resolve) => client.addEventListener('close', resolve))
    ]);

    client.close(1000, 'enough');

    const [[code, reason]] = await gone;

    assert.strictEqual(code, 1000);
    assert.strictEqual(reason.toString(), 'enough');
    assert.deepStrictEqual(log, [
      'open',
      'text',
      new Uint8Array([1, 2]).buffer,
      [1012, 'come back', true],
      'open',
      'you said again',
      [1000, 'enough', true]
    ]);
  });
});
