'use strict';

// One connection that talks, and ends in some way at some moment. Both depend
// on its seed alone; what happens besides is up to the system.

const assert = require('node:assert');

const Random = require('../differential/random/prng');
const { WebSocket } = require('../support/ferrows');

/** Milliseconds that a closing handshake may take. */
const CLOSE_TIMEOUT = 300;

/** Milliseconds after which a connection that goes on is stuck. */
const STUCK = 20000;

/** Bytes of a broken frame. */
const BROKEN = Buffer.from([0xf3, 0x80]);

/** Ways to end a connection, or to get in the way of its end. */
const WAYS = {
  close: (ws) => ws.close(),
  closeWithCode: (ws) => ws.close(4000, 'reason'),
  closeAndTerminate: (ws) => {
    ws.close();
    ws.terminate();
  },
  pauseAndClose: (ws) => {
    ws.pause();
    ws.close();
  },
  pauseAndTerminate: (ws) => {
    ws.pause();
    ws.terminate();
  },
  terminate: (ws) => ws.terminate(),
  takeReceiver: (ws) => assert.ok(ws._receiver),
  takeReceiverAndTerminate: (ws) => {
    assert.ok(ws._receiver);
    ws.terminate();
  },
  end: (ws) => ws._socket.end(),
  destroy: (ws) => ws._socket.destroy(),
  fail: (ws) => ws._socket.destroy(new Error('of the program')),
  reset: (ws) => ws._socket.resetAndDestroy?.() ?? ws._socket.destroy(),
  breakInput: (ws) => ws._socket.write(BROKEN)
};

/** Moments at which to do it: each calls `act` once, or never. */
const MOMENTS = {
  now: (ws, act) => act(),
  onTick: (ws, act) => process.nextTick(act),
  soon: (ws, act) => setImmediate(act),
  later: (ws, act, random) => setTimeout(act, random.below(8)),
  inHandler: (ws, act, random) => {
    let left = random.below(25);
    ws.on('message', () => left-- === 0 && act());
  },
  inCallback: (ws, act) => ws.send('x', act),
  onClose: (ws, act) => ws.once('close', act)
};

/**
 * Talks, and checks what comes.
 *
 * @param {WebSocket} ws one end, open
 * @param {Random} random what to do
 * @param {function(string)} fail called with what is wrong
 */
function talk(ws, random, fail) {
  let sent = 0;
  let received = 0;
  const say = () => {
    const size = random.chance(5) ? random.below(90000) : random.below(60);
    ws.send(`${sent++}:`.padEnd(size, '.'), () => {});
  };
  ws.on('message', (data) => {
    const text = data.toString('latin1', 0, 12);
    if (text[0] === 'x') return;
    const number = Number.parseInt(text, 10);
    if (number !== received++) fail(`${number} came as ${received - 1}`);
    if (sent < 40 && random.chance(60)) say();
  });
  ws.on('error', () => {});
  for (let i = random.between(1, 20); i > 0; i--) say();
}

/**
 * Opens a connection and has it end.
 *
 * @param {Stage} stage where
 * @param {number} seed what happens
 * @param {function(): Promise} [opened] called when both ends are open, if
 *     something is to be waited for then
 * @return {Promise} settles when both ends are closed, rejects if one is stuck
 *     or something came in disorder
 */
function connection(stage, seed, opened) {
  const random = new Random(seed);
  const way = random.pick(Object.keys(WAYS));
  const moment = random.pick(Object.keys(MOMENTS));
  const isServers = random.chance(50);
  const isEarly = random.chance(3) && opened === undefined;
  const isCompressed = random.chance(10);

  return new Promise((resolve, reject) => {
    const fail = (what) => {
      const of = isServers ? 'server' : 'client';
      reject(new Error(`seed ${seed}: ${way} ${moment} of ${of}: ${what}`));
    };
    let left = 1;
    const timer = setTimeout(fail, STUCK, 'it does not end');
    const watch = (ws) => {
      ws.on('close', () => {
        if (--left > 0) return;
        clearTimeout(timer);
        resolve();
      });
    };
    const begin = async (ws, isVictim, salt) => {
      if (opened !== undefined) await opened();
      talk(ws, new Random(seed + salt), fail);
      if (!isVictim) return;
      const act = () => ws.readyState !== WebSocket.CLOSED && WAYS[way](ws);
      MOMENTS[moment](ws, act, random);
      // Whatever it was, it may have come to nothing.
      const last = setTimeout(() => ws.terminate(), 200);
      ws.on('close', () => clearTimeout(last));
    };

    stage.expect(seed, (ws) => {
      left++;
      watch(ws);
      begin(ws, isServers, 1);
    });
    const client = new WebSocket(stage.url(seed), {
      closeTimeout: CLOSE_TIMEOUT,
      localAddress: stage.localAddress(seed),
      perMessageDeflate: isCompressed && { threshold: 0 }
    });
    client.on('error', () => {});
    client.on('open', () => begin(client, !isServers, 2));
    watch(client);
    if (isEarly) setImmediate(() => client.terminate());
  }).finally(() => stage.forget(seed));
}

module.exports = { CLOSE_TIMEOUT, connection };
