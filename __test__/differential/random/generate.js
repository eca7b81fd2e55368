'use strict';

const frames = require('./frames');
const Random = require('./prng');

/**
 * Makes a random program.
 *
 * A program is a plain object: `sides`, one WebSocket with a peer played by
 * hand or two with each other, `packet`, the bytes that come at a time from one
 * to the other, and `steps`, each an `action` on a `side` and what comes `then`:
 * the next step at once ('now'), on the next tick, in a later turn, or after
 * some milliseconds. Actions are the methods `_do_…` of `Side`.
 *
 * @param {number} seed 32 bits; the same seed makes the same program
 * @return {Object}
 */
function generate(seed) {
  const random = new Random(seed);
  const both = random.chance(25);
  const isServer = random.chance(50);
  const sides = [aSide(random, isServer, both)];
  if (both) sides.push(aSide(random, !isServer, both));

  const steps = [];
  const incoming = new frames.Stream(random);
  for (let left = random.between(1, 14); left > 0; left--) {
    steps.push({
      side: random.below(sides.length),
      action: anAction(random, both, incoming),
      then: then(random)
    });
  }
  return { packet: random.pick([1, 7, 100, 1e9, 1e9]), sides, steps };
}

module.exports = generate;

/**
 * One WebSocket.
 *
 * @param {Random} random the source
 * @param {boolean} isServer its role
 * @param {boolean} both whether the other side is a WebSocket too
 * @return {Object}
 */
function aSide(random, isServer, both) {
  const options = {
    autoPong: random.chance(75),
    closeTimeout: random.pick([10, 50, 30e3])
  };
  const sometimes = (percent, name, values) => {
    if (random.chance(percent)) options[name] = random.pick(values);
  };
  sometimes(35, 'allowSynchronousEvents', [true, false, false]);
  sometimes(25, 'maxBufferedChunks', [0, 1, 2, 5, -1]);
  sometimes(25, 'maxFragments', [0, 1, 2, 3, 2 ** 31]);
  sometimes(30, 'maxPayload', [0, 1, 5, 20, 125, 1000, 2 ** 32]);
  sometimes(30, 'maxPendingAutoPongs', [0, 1, 2, -1]);
  sometimes(20, 'skipUTF8Validation', [true, false]);

  return {
    isServer,
    options,
    socket: { allowHalfOpen: random.chance(50), lazy: random.chance(30) },
    head: random.chance(10) ? new frames.Stream(random).some() : [],
    binaryType: random.pick([
      'nodebuffer',
      'nodebuffer',
      'arraybuffer',
      'fragments',
      'blob'
    ]),
    attributes: random.chance(20),
    measure: random.chance(30),
    watchSocket: random.chance(40),
    reactions: Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () =>
      aReaction(random, both)
    )
  };
}

/**
 * Something that is done in a listener.
 *
 * @param {Random} random the source
 * @param {boolean} both whether the other side is a WebSocket too
 * @return {Object}
 */
function aReaction(random, both) {
  return {
    event: random.weighted({
      message: 6,
      ping: 2,
      pong: 1,
      open: 1,
      error: 1,
      close: 1,
      callback: 2
    }),
    from: random.between(1, 3),
    times: random.pick([1, 1, 3]),
    actions: Array.from({ length: random.between(1, 2) }, () =>
      anOwnAction(random, both)
    )
  };
}

/**
 * A step's action.
 *
 * @param {Random} random the source
 * @param {boolean} both whether the other side is a WebSocket too
 * @param {Stream} incoming frames from a peer played by hand
 * @return {Object}
 */
function anAction(random, both, incoming) {
  const kind = random.weighted({
    own: both ? 60 : 35,
    arrive: both ? 0 : 45,
    hold: 4,
    release: 4,
    fin: 3,
    lose: 2,
    break: 2
  });
  switch (kind) {
    case 'own':
      return anOwnAction(random, both);
    case 'arrive':
      return {
        do: 'arrive',
        frames: incoming.some(),
        cuts: cuts(random),
        keep: random.chance(20) ? random.between(1, 6) : 0
      };
    case 'lose':
      return { do: 'lose', error: random.chance(60) };
    default:
      return { do: kind };
  }
}

/**
 * Something that a program does with its WebSocket.
 *
 * @param {Random} random the source
 * @param {boolean} both whether the other side is a WebSocket too
 * @return {Object}
 */
function anOwnAction(random, both) {
  const kind = random.weighted({
    send: 40,
    ping: 9,
    pong: 5,
    close: 10,
    terminate: 3,
    pause: 6,
    resume: 6,
    look: 8,
    binaryType: 2,
    receiver: 3,
    socket: 3
  });
  const cb = random.chance(50);
  switch (kind) {
    case 'send':
      return aSend(random, both, cb);
    case 'ping':
    case 'pong':
      return {
        do: kind,
        data: random.chance(70) ? someData(random, true) : undefined,
        mask: random.chance(15) ? random.chance(50) : undefined,
        cb
      };
    case 'close':
      return { do: 'close', args: closeArguments(random) };
    case 'binaryType':
      return {
        do: 'binaryType',
        value: random.pick(['nodebuffer', 'arraybuffer', 'fragments', 'x'])
      };
    case 'socket':
      return aSocketAction(random);
    default:
      return { do: kind };
  }
}

/**
 * A message, or a fragment of one.
 *
 * @param {Random} random the source
 * @param {boolean} both whether the other side is a WebSocket too
 * @param {boolean} cb whether to give a callback
 * @return {Object}
 */
function aSend(random, both, cb) {
  const action = { do: 'send', data: someData(random, false), cb };
  if (random.chance(35)) {
    action.options = {};
    if (random.chance(60)) action.options.fin = random.chance(40);
    if (random.chance(30)) action.options.binary = random.chance(50);
    if (random.chance(20)) action.options.compress = random.chance(50);
    // What a WebSocket must not receive is left to the peer played by hand.
    if (!both && random.chance(10)) action.options.mask = random.chance(50);
  }
  return action;
}

/**
 * Something done with the socket itself.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function aSocketAction(random) {
  const method = random.pick(['write', 'end', 'destroy', 'pause', 'resume']);
  return {
    do: 'socket',
    method,
    data:
      method === 'write'
        ? [
            {
              opcode: 1,
              data: { text: 'raw' },
              options: { mask: false }
            }
          ]
        : undefined
  };
}

/**
 * Data to send.
 *
 * @param {Random} random the source
 * @param {boolean} short whether more than some hundred bytes are too much
 * @return {Object} see `make()`
 */
function someData(random, short) {
  const type = random.weighted({
    string: 40,
    buffer: 25,
    uint8: 5,
    arraybuffer: 5,
    dataview: 3,
    array: 3,
    blob: 5,
    'lost blob': 1,
    value: 8
  });
  if (type === 'value') {
    const value = random.pick([null, undefined, false, 0, 42, true, {}, '']);
    return { type, value };
  }
  const lengths = short
    ? [0, 1, 5, 125, 126]
    : [0, 1, 5, 5, 125, 126, 1000, 17000, 66000];
  return {
    type,
    text: random.pick(['a', 'b', 'é', '€']),
    repeat: random.pick(lengths)
  };
}

/**
 * What is given to `close()`.
 *
 * @param {Random} random the source
 * @return {Array}
 */
function closeArguments(random) {
  if (random.chance(30)) return [];
  const code = random.pick([
    1000,
    1000,
    1001,
    1011,
    3000,
    4999,
    undefined,
    ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, '1000', null]
  ]);
  if (random.chance(50)) return [code];
  const type = random.pick(['string', 'string', 'buffer', 'uint8', 'array']);
  const repeat = random.pick([0, 1, 5, 61, 62, 123, 124]);
  return [code, { type, text: random.pick(['r', 'é']), repeat }];
}

/**
 * Where bytes are cut into chunks.
 *
 * @param {Random} random the source
 * @return {number[]} offsets; those behind the end do not matter
 */
function cuts(random) {
  const kind = random.weighted({ whole: 50, some: 40, bytes: 10 });
  if (kind === 'whole') return [];
  if (kind === 'bytes') return Array.from({ length: 40 }, (_, i) => i + 1);
  const limit = random.pick([8, 30, 200, 2000]);
  return Array.from({ length: random.between(1, 4) }, () =>
    random.between(1, limit)
  ).sort((a, b) => a - b);
}

/**
 * When the next step comes.
 *
 * @param {Random} random the source
 * @return {(string|number)} a number is milliseconds
 */
function then(random) {
  const kind = random.weighted({ now: 30, tick: 20, turn: 45, later: 5 });
  return kind === 'later' ? random.pick([5, 15, 100]) : kind;
}
