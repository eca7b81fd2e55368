'use strict';

// Random input for PerMessageDeflate, given to that of npm's `ws` and to that
// of ferrows: parameters to negotiate, and compressed bytes that are right,
// wrong or cut off. `FERROWS_SEED` says with which seed to begin (else 1), and
// `FERROWS_COUNT` how many there are.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');

const { PerMessageDeflate: OfWs } = require('ws');

const Random = require('./differential/random/prng');
const { bytesOf } = require('./support/conversation');
const { Deflater } = require('./support/deflate');
const { oracle, PerMessageDeflate: Tested } = require('./support/ferrows');

/** The first seed, and how many there are. */
const SEED = Number(process.env.FERROWS_SEED ?? 1);
const COUNT = Number(process.env.FERROWS_COUNT ?? 1000);

const skip = oracle && 'compares both';

/**
 * An offer, or an answer, as a parser gives it.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function someParameters(random) {
  const values = {
    bits: ['8', '9', '10', '12', '15', '15', true, '7', '16', '1e1', '9.5', ''],
    flag: [true, true, true, true, '1', 'true', '']
  };
  const params = {};
  const add = (name, kind, percent) => {
    if (!random.chance(percent)) return;
    // A value that is wrong is found in few of them.
    const from = random.chance(85) ? values[kind].slice(0, 4) : values[kind];
    params[name] = [random.pick(from)];
    if (random.chance(3)) params[name].push(random.pick(from));
  };
  add('client_max_window_bits', 'bits', 40);
  add('server_no_context_takeover', 'flag', 25);
  add('unknown', 'flag', 2);
  add('server_max_window_bits', 'bits', 40);
  add('client_no_context_takeover', 'flag', 25);
  return params;
}

/**
 * Options of an extension.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function someOptions(random) {
  const options = {};
  const bits = [8, 9, 10, 12, 15, true, false, null, undefined];
  const flags = [true, false, null, undefined];
  const add = (name, values) => {
    if (random.chance(40)) options[name] = random.pick(values);
  };
  add('clientMaxWindowBits', bits);
  add('clientNoContextTakeover', flags);
  add('isServer', [true, true, false]);
  add('serverMaxWindowBits', bits);
  add('serverNoContextTakeover', flags);
  return options;
}

/**
 * Negotiates.
 *
 * @param {Function} Class the class
 * @param {Object} options its options
 * @param {Object[]} list what to accept
 * @return {Object} all that can be seen
 */
function negotiate(Class, options, list) {
  const given = structuredClone(list);
  const instance = new Class(options);
  const seen = { offer: instance.offer() };
  try {
    seen.index = given.indexOf(instance.accept(given));
  } catch (err) {
    seen.error = `${err.name}: ${err.message}`;
  }
  return { ...seen, params: instance.params, given };
}

/**
 * Compressed messages, most of them changed a little, each cut into parts.
 *
 * @param {Random} random the source
 * @return {Buffer[][]}
 */
function someMessages(random) {
  const deflater = new Deflater({
    takeover: random.chance(70),
    zlib: { level: random.pick([0, 1, 6]), strategy: random.pick([0, 2, 4]) }
  });
  return Array.from({ length: random.between(1, 5) }, () => {
    const data = bytesOf({
      kind: random.pick(['letter', 'words', 'lines', 'noise']),
      length: random.pick([0, 1, 5, 30, 300, 3000, 40000]),
      seed: random.below(2 ** 32)
    });
    let bytes = random.chance(15)
      ? deflater.final(data)
      : deflater.message(data);
    if (random.chance(60)) bytes = changed(random, bytes);
    const parts = [];
    for (let left = random.pick([0, 0, 1, 2]); left > 0; left--) {
      const at = random.below(bytes.length + 1);
      parts.push(bytes.subarray(0, at));
      bytes = bytes.subarray(at);
    }
    return [...parts, bytes];
  });
}

/**
 * Changes bytes.
 *
 * @param {Random} random the source
 * @param {Buffer} bytes what to change a copy of
 * @return {Buffer}
 */
function changed(random, bytes) {
  const at = random.below(bytes.length + 1);
  const some = Buffer.from([random.below(256), random.below(256)]);
  const copy = Buffer.from(bytes);
  switch (random.below(6)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      return Buffer.concat([copy.subarray(0, at), some, copy.subarray(at)]);
    case 2:
      return Buffer.concat([copy, random.pick([some, copy, Buffer.of(0)])]);
    case 3:
      return Buffer.from(Array.from({ length: 20 }, () => random.below(256)));
    default:
      if (at < copy.length) copy[at] ^= 1 << random.below(8);
      return copy;
  }
}

/**
 * Inflates messages, up to the first error.
 *
 * @param {Function} Class the class
 * @param {Object} options its options
 * @param {Object} params what was negotiated
 * @param {Buffer[][]} messages the parts of each
 * @return {Promise<string[]>} what comes of each
 */
async function inflate(Class, options, params, messages) {
  const instance = new Class(options);
  instance.accept([structuredClone(params)]);
  const outcomes = [];
  for (const parts of messages) {
    const chunks = [];
    for (const [i, part] of parts.entries()) {
      const fin = i === parts.length - 1;
      const { err, data } = await new Promise((resolve) => {
        // It may be changed in place.
        const copy = Buffer.from(part);
        instance.decompress(copy, fin, (err, data) => resolve({ err, data }));
      });
      if (err) {
        const { name, code, errno, message } = err;
        outcomes.push(`${name} ${code} ${errno} ${inGeneral(message)}`);
        instance.cleanup();
        return outcomes;
      }
      chunks.push(data);
    }
    outcomes.push(Buffer.concat(chunks).toString('latin1'));
  }
  instance.cleanup();
  return outcomes;
}

/**
 * The library behind ferrows often does not tell these from each other.
 *
 * @param {string} message of an error
 * @return {string} the same for all three
 */
function inGeneral(message) {
  return message.replace(
    /^invalid (distance too far back|distance code|literal\/length code)$/,
    'invalid code or distance'
  );
}

/**
 * Compares something for many seeds.
 *
 * @param {function(Random, function(*))} compare compares; it is given a
 *     source, and a function that takes what is to be shown if it fails
 */
async function forEachSeed(compare) {
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    let shown;
    try {
      await compare(new Random(seed), (input) => (shown = input));
    } catch (err) {
      err.message +=
        `\nFERROWS_SEED=${seed} FERROWS_COUNT=1\n` +
        inspect(shown, { depth: Infinity });
      throw err;
    }
  }
}

describe('PerMessageDeflate and that of ws', { skip, timeout: 60000 }, () => {
  it('negotiate the same', async () => {
    await forEachSeed((random, show) => {
      const options = someOptions(random);
      const count = options.isServer ? random.between(0, 4) : 1;
      const list = Array.from({ length: count }, () => someParameters(random));
      show({ options, list });
      assert.deepEqual(
        negotiate(Tested, options, list),
        negotiate(OfWs, options, list)
      );
    });
  });

  it('inflate the same, whatever it is', async () => {
    await forEachSeed(async (random, show) => {
      const forgets = { server_no_context_takeover: [true] };
      const params = random.chance(30) ? forgets : {};
      const messages = someMessages(random);
      show({ params, messages });
      assert.deepStrictEqual(
        await inflate(Tested, {}, params, messages),
        await inflate(OfWs, {}, params, messages)
      );
    });
  });

  it('stop at the same limit', async () => {
    await forEachSeed(async (random, show) => {
      const deflater = new Deflater();
      const lengths = [0, 1, 9, 10, 11, 16383, 16384, 16385, 50000];
      const maxPayload = random.pick([0, 1, 10, 16384, 40000]);
      const messages = Array.from({ length: 3 }, () => {
        const length = random.pick(lengths);
        const data = bytesOf({ kind: 'words', length, seed: length });
        const at = random.below(length + 1);
        return [
          deflater.part(data.subarray(0, at)),
          deflater.message(data.subarray(at))
        ];
      });
      show({ maxPayload, messages });
      assert.deepStrictEqual(
        await inflate(Tested, { maxPayload }, {}, messages),
        await inflate(OfWs, { maxPayload }, {}, messages)
      );
    });
  });
});
