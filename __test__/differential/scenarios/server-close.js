'use strict';

// The end of a server, in each of its modes.

const { serverStages } = require('../server-stage');
const { OP } = require('../../support/frames');

/**
 * Closes the server, and logs when it says so.
 *
 * @param {ServerStage} stage the stage
 * @param {string} name what this call is called
 */
function close(stage, name) {
  const result = stage.wss.close((...args) =>
    stage.note(`${name} called ${args.length} ${args[0]?.message}`)
  );
  stage.note(`${name} returns ${result} ${stage.wss._server}`);
}

module.exports = {
  stages: serverStages('port', 'server', 'https', 'noServer'),

  async 'without connections'(stage) {
    await stage.open();
    close(stage, 'close');
    // One that listens takes a turn of the event loop that is not its own.
    if (stage.mode !== 'port') stage.ticks('close');
    await stage.logged(/^close called/);
    await stage.idle();
    stage.note(`${stage.http?.listening}`);
  },

  async 'without a callback'(stage) {
    await stage.open();
    stage.note(`${stage.wss.close()} ${stage.wss.listenerCount('close')}`);
    await stage.logged(/^wss: close/);
  },

  async 'something that is no callback'(stage) {
    await stage.open();
    stage.attempt('text', () => stage.wss.close('callback'));
    stage.attempt('again', () => stage.wss.close());
    await stage.idle();
  },

  async twice(stage) {
    await stage.open();
    close(stage, 'first');
    close(stage, 'second');
    await stage.logged(/^second called/);
    await stage.idle();
  },

  async 'again when closed'(stage) {
    await stage.open();
    close(stage, 'first');
    await stage.logged(/^first called/);
    close(stage, 'second');
    stage.ticks('second');
    close(stage, 'third');
    await stage.logged(/^third called/);
    stage.wss.close();
    await stage.idle();
  },

  async 'in the close event'(stage) {
    await stage.open();
    stage.wss.once('close', () => close(stage, 'second'));
    close(stage, 'first');
    await stage.logged(/^second called/);
    await stage.idle();
  },

  async 'with connections'(stage) {
    await stage.open();
    const first = await stage.connection('/a');
    const second = await stage.connection('/b');
    close(stage, 'close');
    await stage.idle();
    stage.note(`${first.ws.readyState} ${stage.wss.clients.size}`);
    first.client.say([OP.TEXT, 'still']);
    await stage.logged(/still/);
    first.ws.send('here');
    await first.client.received(6);
    await first.client.bye();
    await stage.idle();
    stage.note('one left');
    stage.wss.on('close', () => stage.ticks('closed'));
    await second.client.bye();
    await stage.logged(/^close called/);
    await stage.idle();
  },

  async 'with connections that are terminated'(stage) {
    await stage.open();
    const { client } = await stage.connection();
    close(stage, 'close');
    for (const ws of stage.wss.clients) ws.terminate();
    stage.note(`${stage.wss.clients.size}`);
    await client.gone();
    await stage.logged(/^close called/);
  },

  async 'with connections that are closed before'(stage) {
    await stage.open();
    const { client, ws } = await stage.connection();
    ws.close(1001);
    close(stage, 'close');
    await client.received(4);
    await client.bye();
    await stage.logged(/^close called/);
    stage.note(`${stage.wss.clients.size}`);
  },

  async 'in the close event of the last connection'(stage) {
    await stage.open();
    const { client, ws } = await stage.connection();
    ws.on('close', () => {
      stage.note(`${stage.wss.clients.size}`);
      close(stage, 'close');
    });
    await client.bye();
    await stage.logged(/^close called/);
  },

  async 'in the connection event'(stage) {
    await stage.open();
    stage.wss.on('connection', () => close(stage, 'close'));
    const { client } = await stage.connection();
    await stage.idle();
    stage.note('open');
    await client.bye();
    await stage.logged(/^close called/);
  },

  async 'in the headers event'(stage) {
    await stage.open();
    stage.wss.on('headers', () => close(stage, 'close'));
    const { client, ws } = await stage.connection();
    await stage.idle();
    stage.note(`state ${ws.readyState} ${stage.wss.clients.size}`);
    await client.bye();
    await stage.logged(/^close called/);
    await stage.idle();
  },

  async 'while verifyClient decides'(stage) {
    let decide;
    await stage.open({
      verifyClient: (info, cb) => {
        decide = cb;
        stage.note('asked');
      }
    });
    const client = stage.ask();
    await stage.logged(/asked/);
    close(stage, 'close');
    decide(true);
    await client.gone();
    await stage.logged(/^close called/);
  },

  async 'a request meanwhile'(stage) {
    await stage.open();
    const { port } = stage;
    const { client } = await stage.connection();
    close(stage, 'close');
    // What the http server does by itself differs with the mode alone.
    Object.defineProperty(stage, 'port', { value: port });
    const second = stage.ask();
    if (stage.mode === 'server' || stage.mode === 'https') {
      await stage.idle();
      second.socket.destroy();
    } else {
      await second.gone();
    }
    await client.bye();
    await stage.logged(/^close called/);
  },

  async 'a request afterwards'(stage) {
    await stage.open();
    if (stage.mode === 'port') return;
    close(stage, 'close');
    await stage.logged(/^close called/);
    const client = stage.ask();
    await stage.idle();
    client.socket.destroy();
  },

  async 'handleUpgrade afterwards'(stage) {
    const { BareDuplex, fakeRequest } = require('../../support/upgrade');
    await stage.open();
    stage.wss.close();
    for (const when of ['closing', 'closed']) {
      const socket = new BareDuplex();
      stage.wss.handleUpgrade(
        fakeRequest({}, { socket }),
        socket,
        Buffer.alloc(0),
        () => stage.note('accepted')
      );
      stage.note(`${when} ${JSON.stringify(socket.writes)}`);
      await stage.logged(/^wss: close/);
    }
  },

  async 'the http server is closed first'(stage) {
    await stage.open();
    const server = stage.http || stage.wss._server;
    server.close();
    await new Promise((resolve) => server.once('close', resolve));
    stage.note('closed');
    close(stage, 'close');
    await stage.logged(/^close called/);
  },

  async 'a close listener that throws'(stage) {
    await stage.open();
    stage.wss.prependListener('close', () => {
      throw new Error('mine');
    });
    close(stage, 'first');
    await stage.logged(/mine/);
    await stage.idle();
    stage.wss.removeAllListeners('close');
    close(stage, 'second');
    await stage.logged(/^second called/);
  }
};
