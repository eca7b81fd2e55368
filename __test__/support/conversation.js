'use strict';

// Random conversations with permessage-deflate, as plain objects, so that they
// can be printed.

const Random = require('../differential/random/prng');

const LENGTHS = [
  0, 0, 1, 2, 10, 125, 126, 1000, 1000, 5000, 5000, 16383, 16384, 16385, 40000,
  65535, 65536, 100000
];

/** The longest messages, which take their time. */
const LONG = 300 * 1024;

/**
 * Makes a conversation.
 *
 * @param {number} seed 32 bits; the same seed makes the same conversation
 * @return {Object} `isServer` and `tcp` say what the WebSocket is; `ours` and
 *     `theirs` are what each side negotiates and how it compresses; `threshold`
 *     is an option; `said` and `told` are the messages of the WebSocket and of
 *     its peer; `chunks` are the lengths of what the peer writes
 */
function generate(seed) {
  const random = new Random(seed);
  return {
    isServer: random.chance(50),
    tcp: random.chance(60),
    ours: aSide(random),
    theirs: aSide(random),
    threshold: random.pick([0, 0, 0, 1, 100, 1024, 20000]),
    said: someMessages(random),
    told: someMessages(random),
    chunks: someLengths(random)
  };
}

/**
 * Makes the bytes of a message.
 *
 * @param {Object} data its description
 * @return {Buffer}
 */
function bytesOf({ kind, length, seed }) {
  const random = new Random(seed);
  const bytes = Buffer.alloc(length);
  switch (kind) {
    case 'letter':
      return bytes.fill(97 + random.below(26));
    case 'words': {
      const words = Array.from({ length: 30 }, () =>
        'etaoinshrdlu'.slice(random.below(11), 12).concat(' ')
      );
      let text = '';
      while (text.length < length) text += random.pick(words);
      return Buffer.from(text.slice(0, length));
    }
    case 'lines': {
      let text = '';
      for (let i = random.below(1e6); text.length < length; i++) {
        text += `{"id":${i},"value":${random.below(100)}}\n`;
      }
      return Buffer.from(text.slice(0, length));
    }
    default:
      // Noise; 7 bits, so that it is a text, too.
      for (let i = 0; i < length; i++) bytes[i] = random.below(128);
      return bytes;
  }
}

module.exports = { bytesOf, generate };

/**
 * One side.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function aSide(random) {
  return {
    bits: random.pick([undefined, undefined, 8, 9, 10, 11, 12, 13, 14, 15]),
    takeover: random.chance(60),
    zlib: {
      level: random.pick([-1, -1, 0, 1, 3, 6, 9]),
      memLevel: random.pick([8, 8, 1, 5, 9]),
      strategy: random.pick([0, 0, 0, 1, 2, 3, 4])
    }
  };
}

/**
 * Messages of one side.
 *
 * @param {Random} random the source
 * @return {Object[]}
 */
function someMessages(random) {
  const messages = [];
  for (let left = random.pick([0, 1, 2, 3, 5, 8]); left > 0; left--) {
    const again = messages.length > 0 && random.chance(25);
    messages.push({
      data: again ? random.pick(messages).data : someData(random),
      binary: random.chance(50),
      compress: random.chance(85),
      // Where it is cut, in thousandths of its length.
      cuts: Array.from({ length: random.pick([0, 0, 0, 1, 2, 5]) }, () =>
        random.below(1001)
      ).sort((a, b) => a - b),
      type: random.pick(['buffer', 'buffer', 'string', 'view', 'blob']),
      full: random.chance(30),
      ping: random.chance(20)
    });
  }
  return messages;
}

/**
 * What is in a message.
 *
 * @param {Random} random the source
 * @return {Object} see `bytesOf()`
 */
function someData(random) {
  return {
    kind: random.pick(['letter', 'words', 'lines', 'noise']),
    length: random.chance(3) ? LONG : random.pick(LENGTHS),
    seed: random.below(2 ** 32)
  };
}

/**
 * Lengths of chunks, to be used again and again.
 *
 * @param {Random} random the source
 * @return {number[]}
 */
function someLengths(random) {
  const least = random.pick([1, 2, 10, 1000, 1e6]);
  return Array.from({ length: 5 }, () => least + random.below(least));
}
