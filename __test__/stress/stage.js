'use strict';

// A server for connections of this thread, and of others.

const { once } = require('node:events');

const { WebSocketServer } = require('../support/ferrows');
const { CLOSE_TIMEOUT, connection } = require('./connection');

/** Addresses to connect from: each has some ten thousands of ports. */
const ADDRESSES = process.platform === 'linux' ? 100 : 1;

class Stage {
  /** Begins to listen. */
  async open() {
    /** @type {Map<string, Function>} whom connections are for, by path */
    this.expected = new Map();
    this.wss = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      closeTimeout: CLOSE_TIMEOUT,
      perMessageDeflate: { threshold: 0 }
    });
    this.wss.on('connection', (ws, { url }) => {
      ws.on('error', () => {});
      this.expected.get(url)?.(ws);
    });
    await once(this.wss, 'listening');
  }

  /**
   * @param {number} seed that of a connection
   * @return {string} where to connect to for it
   */
  url(seed) {
    return `ws://127.0.0.1:${this.wss.address().port}/${seed}`;
  }

  /**
   * @param {number} seed that of a connection
   * @return {string} where to connect from
   */
  localAddress(seed) {
    return `127.0.0.${1 + (seed % ADDRESSES)}`;
  }

  /**
   * @param {number} seed that of a connection
   * @param {function(WebSocket)} listener gets its other end
   */
  expect(seed, listener) {
    this.expected.set(`/${seed}`, listener);
  }

  /** @param {number} seed that of a connection which is over */
  forget(seed) {
    this.expected.delete(`/${seed}`);
  }

  /**
   * Opens connections, some at a time, and has them end.
   *
   * @param {number} count how many
   * @param {Object} options
   * @param {number} options.seed that of the first one
   * @param {number} options.concurrency how many at a time
   * @param {function()} [options.onEnd] called for each one that has ended
   */
  async run(count, { seed, concurrency, onEnd = () => {} }) {
    let next = 0;
    const line = async () => {
      while (next < count) {
        await connection(this, seed + next++);
        onEnd();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, line));
  }

  /**
   * Opens connections, all at a time, and has them end when all are open.
   *
   * @param {number} count how many
   * @param {Object} options
   * @param {number} options.seed that of the first one
   * @param {function(): Promise} options.onOpen called when all are open
   * @param {function()} options.onEnd called for each one that has ended
   */
  async runTogether(count, { seed, onOpen, onEnd }) {
    let left = 2 * count;
    let open;
    const all = new Promise((resolve) => (open = resolve)).then(onOpen);
    const opened = () => {
      if (--left === 0) open();
      return all;
    };
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        connection(this, seed + i, opened).then(onEnd)
      )
    );
  }

  /** Stops listening, and ends what is left. */
  async close() {
    for (const ws of this.wss.clients) ws.terminate();
    this.wss.close();
    await once(this.wss, 'close');
  }
}

module.exports = Stage;
