'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { before, describe, it } = require('node:test');

const {
  createWebSocketStream,
  WebSocketServer
} = require('../support/ferrows');
const { closed, listenHttp } = require('../support/server');
const { load, loadModule } = require('./home');
const { devDependencies } = require('./package.json');

const mqtt = load('mqtt');

// Over the stream of npm's ws, too: nothing but the first byte is read.
const skip =
  parseInt(process.versions.node, 10) >= 26 &&
  devDependencies.aedes === '1.2.0' &&
  'aedes 1.2.0 does not read streams of Node.js 26 to their end';

describe('mqtt.js', { skip, timeout: 20e3 }, () => {
  let Aedes;

  before(async () => {
    ({ Aedes } = await loadModule('aedes'));
  });

  /**
   * Starts a broker for the length of a test.
   *
   * @param {TestContext} t the test
   * @return {Promise<{broker: Aedes, wss: WebSocketServer, url: string}>} the
   *     broker, and the server in front of it
   */
  async function start(t) {
    const broker = await Aedes.createBroker();
    const server = await listenHttp();
    const wss = new WebSocketServer({
      server,
      handleProtocols: (protocols) => protocols.has('mqtt') && 'mqtt'
    });

    wss.on('connection', (ws, req) => {
      broker.handle(createWebSocketStream(ws), req);
    });
    t.after(async () => {
      await new Promise((resolve) => broker.close(resolve));
      await closed(server);
    });

    return { broker, wss, url: `ws://127.0.0.1:${server.address().port}/mqtt` };
  }

  /**
   * Connects a client for the length of a test.
   *
   * @param {TestContext} t the test
   * @param {string} url where the broker is
   * @param {Object} [options] more options of the client
   * @return {Promise<MqttClient>} the client
   */
  async function connect(t, url, options) {
    const client = await mqtt.connectAsync(url, {
      reconnectPeriod: 0,
      ...options
    });

    t.after(() => client.endAsync(true));
    return client;
  }

  it('publishes with each quality of service, in order', async (t) => {
    const { url, wss } = await start(t);
    const subscriber = await connect(t, url);
    const publisher = await connect(t, url);
    const seen = [];

    assert.deepStrictEqual(
      [...wss.clients].map((ws) => ws.protocol),
      ['mqtt', 'mqtt']
    );

    subscriber.on('message', (topic, payload) => {
      seen.push([topic, payload.toString()]);
    });
    await subscriber.subscribeAsync('home/+', { qos: 2 });
    for (const qos of [0, 1, 2]) {
      await publisher.publishAsync(`home/${qos}`, `level ${qos}`, { qos });
    }
    while (seen.length < 3) await once(subscriber, 'message');
    assert.deepStrictEqual(seen, [
      ['home/0', 'level 0'],
      ['home/1', 'level 1'],
      ['home/2', 'level 2']
    ]);
  });

  it('carries a packet that is longer than any chunk', async (t) => {
    const { url } = await start(t);
    const client = await connect(t, url);
    const payload = Buffer.alloc(1 << 20, 'ferrous ');

    await client.subscribeAsync('big');

    const [[, received]] = await Promise.all([
      once(client, 'message'),
      client.publishAsync('big', payload, { qos: 1 })
    ]);

    assert.ok(received.equals(payload));
  });

  it('publishes the will of a client that went without a word', async (t) => {
    const { url, wss } = await start(t);
    const heir = await connect(t, url);
    const testator = await connect(t, url, {
      will: { topic: 'will', payload: Buffer.from('gone'), qos: 1 }
    });

    await heir.subscribeAsync('will');

    const inherited = once(heir, 'message');
    const lost = once(testator, 'close');

    [...wss.clients].at(-1).terminate();
    await lost;
    assert.strictEqual(String((await inherited)[1]), 'gone');
  });

  it('connects again after the server has closed', async (t) => {
    const { url, wss } = await start(t);
    const client = await connect(t, url, { reconnectPeriod: 10 });
    const again = once(client, 'connect');

    for (const ws of wss.clients) ws.close(1012, 'restarting');
    await again;
    await client.subscribeAsync('topic');

    const message = once(client, 'message');

    await client.publishAsync('topic', 'still here');
    assert.strictEqual(String((await message)[1]), 'still here');
  });
});
