'use strict';

// Which connections move between transports, and that nobody notices.

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { setImmediate: turn } = require('node:timers/promises');

const { pair } = require('./support/connections');
const { lib, oracle } = require('./support/ferrows');
const { adopted, adopts, isNative } = require('./support/native');

const MIB = 1024 * 1024;

/** A connection as the one who decides sees it. */
class Connection {
  /** @param {number} rate bytes that it carries a second */
  constructor(rate) {
    this.rate = rate;
    this.bytesRead = 0;
    this.bytesWritten = 0;
    this.isMovable = true;
    this.moves = [];
  }

  /** @param {Object} io where it is to go */
  moveTo(io) {
    this.moves.push(io.name);
  }
}

/**
 * Puts connections where the one who decides looks for them.
 *
 * @param {TestContext} t the test
 * @param {{loop: Connection[], tokio: Connection[]}} where the connections
 * @return {Object} one who decides, and a function that lets a second pass
 */
function stage(t, where) {
  const { Auto } = lib('transport/auto');
  for (const name of ['loop', 'tokio']) {
    t.mock.method(lib(`transport/${name}`), 'connections', () => where[name]);
  }
  const auto = new Auto(2);
  const pass = (isBusy) => {
    for (const one of [...where.loop, ...where.tokio]) {
      one.bytesRead += one.rate / 2;
      one.bytesWritten += one.rate / 2;
    }
    auto._move(isBusy, 1);
  };
  return { auto, pass };
}

const movesOf = (list) => list.map(({ moves }) => moves.join());

describe('auto', { skip: oracle && 'not of ws' }, () => {
  it('moves those that carry most when the thread is busy', (t) => {
    const loop = [17, 1, 40, 30, 20, 19, 15].map(
      (n) => new Connection(n * MIB)
    );
    const { pass } = stage(t, { loop, tokio: [] });
    // What one has carried before is not known at first.
    pass(true);
    assert.deepStrictEqual(movesOf(loop), ['', '', '', '', '', '', '']);
    pass(false);
    assert.deepStrictEqual(movesOf(loop), ['', '', '', '', '', '', '']);
    pass(true);
    const all = ['', '', 'tokio', 'tokio', 'tokio', 'tokio', ''];
    assert.deepStrictEqual(movesOf(loop), all);
  });

  it('brings back those that carry little, and no others', (t) => {
    const tokio = [0.5, 2, 15, 30].map((n) => new Connection(n * MIB));
    const { pass } = stage(t, { loop: [], tokio });
    pass(false);
    pass(false);
    assert.deepStrictEqual(movesOf(tokio), ['loop', '', '', '']);
  });

  it('leaves those alone of which the user has decided', (t) => {
    const loop = [new Connection(40 * MIB)];
    loop[0].isMovable = false;
    const { pass } = stage(t, { loop, tokio: [] });
    pass(true);
    pass(true);
    assert.deepStrictEqual(movesOf(loop), ['']);
  });

  it('looks once a second, and only where there are processors', (t) => {
    const { Auto } = lib('transport/auto');
    for (const [processors, looks] of [
      [1, 0],
      [2, 1]
    ]) {
      const auto = new Auto(processors);
      const { mock } = t.mock.method(auto, '_move', () => {});
      const start = auto._since;
      for (let i = 0; i < 19; i++) auto.look(start + i * 100);
      assert.strictEqual(mock.callCount(), looks);
    }
  });
});

const skip = !adopts && 'Node reads and writes all sockets';

describe('A connection that moves', { timeout: 30000, skip }, () => {
  it('keeps the order, and loses nothing', async (t) => {
    const { client, server } = await pair(t);
    await adopted(client, server);
    const ios = [lib('transport/tokio'), lib('transport/loop')];
    const received = { client: [], server: [] };
    for (const [name, ws] of Object.entries({ client, server })) {
      ws.on('message', (data) => received[name].push(data.toString()));
    }
    const expected = [];
    for (let i = 0; i < 400; i++) {
      const text = `${i}`.repeat(1 + ((i * 7) % 50));
      expected.push(text);
      client.send(text);
      server.send(text);
      if (i % 9 === 0) server._transport.moveTo(ios[i % 2]);
      if (i % 7 === 0) client._transport.moveTo(ios[(i >> 1) % 2]);
      if (i % 5 === 0) await turn();
    }
    while (received.client.length < 400 || received.server.length < 400) {
      await turn();
    }
    assert.deepStrictEqual(received, { client: expected, server: expected });
    await adopted(client, server);
    assert.ok(isNative(client) && isNative(server));
    const ends = [once(client, 'close'), once(server, 'close')];
    client.close();
    await Promise.all(ends);
  });
});
