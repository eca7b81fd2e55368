'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');

const { WebSocket } = require('../support/ferrows');
const { load } = require('./home');

const fastify = load('fastify');
const fastifyWebsocket = load('@fastify/websocket');

/**
 * An application with some routes, closed at the end of the test.
 *
 * @param {TestContext} t the test
 * @param {Object} [options] options of its WebSocket server
 * @return {Promise<FastifyInstance>} the application
 */
async function make(t, options) {
  const app = fastify();

  t.after(() => app.close());
  await app.register(fastifyWebsocket, { options });
  app.get('/echo', { websocket: true }, (socket) => {
    socket.on('message', (data, isBinary) => {
      socket.send(data, { binary: isBinary });
    });
  });
  app.get('/plain', async () => 'not a WebSocket');
  app.get('/secret', {
    websocket: true,
    preValidation: async (request, reply) => {
      if (request.headers.authorization !== 'open sesame') {
        await reply.code(401).send('who are you?');
      }
    },
    handler: (socket) => socket.send('the secret')
  });
  return app;
}

/**
 * Starts an application.
 *
 * @param {FastifyInstance} app the application
 * @return {Promise<string>} the start of its URLs
 */
async function listen(app) {
  const url = await app.listen({ port: 0, host: '127.0.0.1' });

  return url.replace('http', 'ws');
}

/**
 * Sends messages to an echo and waits for them.
 *
 * @param {WebSocket} ws an open WebSocket
 * @param {Array<(string|Buffer)>} messages what to send
 * @return {Promise<Array<(string|Buffer)>>} what came back
 */
async function exchange(ws, messages) {
  const seen = [];

  ws.on('message', (data, isBinary) => {
    seen.push(isBinary ? data : data.toString());
  });
  for (const message of messages) ws.send(message);
  while (seen.length < messages.length) await once(ws, 'message');
  return seen;
}

const MESSAGES = ['', 'ça va?', Buffer.from([0, 128, 255]), 'z'.repeat(66000)];

describe('@fastify/websocket', { timeout: 20e3 }, () => {
  it('echoes over a route', async (t) => {
    const app = await make(t);
    const ws = new WebSocket(`${await listen(app)}/echo`);

    await once(ws, 'open');
    assert.deepStrictEqual(await exchange(ws, MESSAGES), MESSAGES);
    ws.close(1000, 'done');
    assert.strictEqual((await once(ws, 'close'))[0], 1000);
  });

  it('echoes over `injectWS()`, without a network', async (t) => {
    const app = await make(t);

    await app.ready();

    const ws = await app.injectWS('/echo');

    assert.ok(ws instanceof WebSocket);
    assert.deepStrictEqual(await exchange(ws, MESSAGES), MESSAGES);
    ws.terminate();
    await once(ws, 'close');
  });

  it('gives `injectWS()` messages that are sent at once', async (t) => {
    const app = await make(t);

    await app.ready();

    let message;
    const ws = await app.injectWS(
      '/secret',
      { headers: { authorization: 'open sesame' } },
      { onInit: (socket) => (message = once(socket, 'message')) }
    );

    assert.strictEqual(String((await message)[0]), 'the secret');
    ws.terminate();
    await once(ws, 'close');
  });

  it('refuses an upgrade in a hook', async (t) => {
    const app = await make(t);
    const url = await listen(app);
    const refused = new WebSocket(`${url}/secret`);
    const [err] = await once(refused, 'error');

    assert.strictEqual(err.message, 'Unexpected server response: 401');
    await assert.rejects(app.injectWS('/secret'), {
      message: 'Unexpected server response: 401'
    });

    const accepted = new WebSocket(`${url}/secret`, {
      headers: { authorization: 'open sesame' }
    });
    const [data] = await once(accepted, 'message');

    assert.strictEqual(data.toString(), 'the secret');
  });

  it('closes a WebSocket to a route that is none', async (t) => {
    const app = await make(t);
    const ws = new WebSocket(`${await listen(app)}/plain`);

    assert.strictEqual((await once(ws, 'close'))[0], 1005);
  });

  it('hands its options to the server', async (t) => {
    const app = await make(t, {
      maxPayload: 10,
      verifyClient: ({ req }) => req.headers['x-friend'] === 'yes'
    });
    const url = `${await listen(app)}/echo`;
    const [err] = await once(new WebSocket(url), 'error');

    assert.strictEqual(err.message, 'Unexpected server response: 401');

    const ws = new WebSocket(url, { headers: { 'x-friend': 'yes' } });

    await once(ws, 'open');
    ws.send('more than ten');
    assert.strictEqual((await once(ws, 'close'))[0], 1009);
  });

  it('closes its clients when it is closed', async (t) => {
    const app = await make(t);
    const ws = new WebSocket(`${await listen(app)}/echo`);

    await once(ws, 'open');

    const closed = once(ws, 'close');

    await app.close();
    assert.strictEqual((await closed)[0], 1005);
  });
});
