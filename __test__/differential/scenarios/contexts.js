'use strict';

// Asynchronous contexts: in which of them handlers and callbacks run.

const { AsyncLocalStorage } = require('node:async_hooks');

const { overTcp } = require('../stage');

module.exports = {
  // The callbacks of a bare Duplex come in contexts of its own.
  stages: overTcp,

  async 'callbacks of sends'(stage) {
    await stage.open();
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    const noted = (name) => () => stage.note(`${name} ${storage.getStore()}`);
    for (const name of ['a', 'b', 'c']) {
      storage.run(name, () => {
        ws.send(name, noted(`send ${name}`));
        ws.ping(name, undefined, noted(`ping ${name}`));
      });
    }
    ws.send('d', noted('send d'));
    await stage.logged(/^send d/);
    await stage.goodbye();
    storage.run('late', () => ws.send('late', noted('late')));
    await stage.logged(/^late/);
  },

  async 'callbacks of sends behind a blob'(stage) {
    await stage.open();
    const storage = new AsyncLocalStorage();
    for (const name of ['a', 'b', 'c']) {
      storage.run(name, () =>
        stage.ws.send(name === 'b' ? new Blob([name]) : name, () =>
          stage.note(`${name} sent ${storage.getStore()}`)
        )
      );
    }
    await stage.logged(/sent/, 3);
    await stage.goodbye();
  },

  async 'handlers of messages'(stage) {
    await stage.open();
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    storage.run('added', () => {
      for (const name of ['message', 'ping', 'pong', 'close']) {
        ws.on(name, () => stage.note(`${name} in ${storage.getStore()}`));
      }
    });
    stage.say([1, 'a'], [9, 'b'], [10, 'c']);
    await stage.goodbye();
  },

  async 'handlers and what they begin'(stage) {
    await stage.open();
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    let count = 0;
    ws.on('message', () => {
      storage.run(++count, () => {
        ws.send('answer', () => stage.note(`sent ${storage.getStore()}`));
        setImmediate(() => stage.note(`later ${storage.getStore()}`));
      });
      stage.note(`handler ${storage.getStore()}`);
    });
    stage.text('a', 'b', 'c');
    await stage.logged(/^later 3/);
    await stage.logged(/^sent 3/);
    stage.log.ws.sort();
    await stage.goodbye();
  },

  async 'a context entered in a handler'(stage) {
    await stage.open();
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    let count = 0;
    ws.on('message', () => {
      stage.note(`before ${storage.getStore()}`);
      storage.enterWith(++count);
    });
    stage.text('a', 'b');
    await stage.logged(/^before/, 2);
    await stage.goodbye();
  },

  async 'handlers where each has its own tick'(stage) {
    await stage.open({ allowSynchronousEvents: false });
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    let count = 0;
    ws.on('message', () => {
      stage.note(`before ${storage.getStore()}`);
      storage.enterWith(++count);
    });
    stage.text('a', 'b', 'c');
    await stage.logged(/^before/, 3);
    await stage.goodbye();
  },

  async 'a WebSocket made in a context'(stage) {
    const storage = new AsyncLocalStorage();
    await storage.run('made', () => stage.open());
    const { ws } = stage;
    for (const name of ['message', 'error', 'close']) {
      ws.on(name, () => stage.note(`${name} in ${storage.getStore()}`));
    }
    stage.text('a');
    await stage.logged(/^message in/);
    stage.say([3, '']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'resume in a context'(stage) {
    await stage.open();
    const { ws } = stage;
    const storage = new AsyncLocalStorage();
    ws.on('message', () => stage.note(`in ${storage.getStore()}`));
    storage.run('paused', () => ws.pause());
    stage.text('a', 'b');
    await stage.idle();
    storage.run('resumed', () => ws.resume());
    await stage.logged(/^in/, 2);
    await stage.goodbye();
  }
};
