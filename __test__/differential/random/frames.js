'use strict';

const { toBytes } = require('./data');
const { OP } = require('../../support/frames');

/** What a peer sends: messages, control frames between them, and nonsense. */
class Stream {
  /** @param {Random} random the source */
  constructor(random) {
    this._random = random;
    /** Fragments of a message that was begun. */
    this._rest = [];
  }

  /** @return {Object[]} some frames, as `Side` takes them */
  some() {
    const count = this._random.pick([1, 1, 1, 2, 2, 3, 6]);
    return Array.from({ length: count }, () => this._next());
  }

  /** @return {Object} the next frame */
  _next() {
    const random = this._random;
    const kind = random.weighted({
      data: 70,
      ping: 9,
      pong: 5,
      close: 5,
      broken: 5
    });
    switch (kind) {
      case 'data':
        if (this._rest.length === 0) this._rest = aMessage(random);
        return this._rest.shift();
      case 'ping':
        return { opcode: OP.PING, data: shortText(random) };
      case 'pong':
        return { opcode: OP.PONG, data: shortText(random) };
      case 'close':
        return aClose(random);
      default:
        return broken(random);
    }
  }
}

module.exports = { isFair, Stream };

/**
 * Whether a program leaves out what ferrows does otherwise, and deliberately
 * (docs/compat.md, "Receiving"): text that is not UTF-8 is noticed at the first
 * bad byte, not at the end of the message. So only the last byte of a message
 * may be the first bad one.
 *
 * @param {Object} program see `generate()`
 * @return {boolean}
 */
function isFair(program) {
  const heads = program.sides.map(({ head }) => head);
  const arrivals = program.steps
    .filter(({ action }) => action.do === 'arrive')
    .map(({ action }) => action.frames);
  return [...heads, arrivals.flat()].every(isFairStream);
}

/**
 * @param {Object[]} frames what a peer sends
 * @return {boolean} see `isFair()`
 */
function isFairStream(frames) {
  let text = null;
  for (const { opcode, data, options = {} } of frames) {
    if (opcode === OP.TEXT) text = Buffer.alloc(0);
    if (opcode > OP.TEXT || text === null) continue;
    const isLast = options.fin !== false;
    text = Buffer.concat([text, toBytes(data)]);
    if (!isPrefix(isLast ? text.subarray(0, -1) : text)) return false;
    if (isLast) text = null;
  }
  return true;
}

/**
 * @param {Buffer} bytes the beginning of a text
 * @return {boolean} whether it can become UTF-8
 */
function isPrefix(bytes) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * A message.
 *
 * @param {Random} random the source
 * @return {Object[]} its frames
 */
function aMessage(random) {
  const isText = random.chance(50);
  const count = random.pick([1, 1, 1, 2, 3, 5]);
  const lengths = [0, 1, 5, 20, 125, 126, 300];
  if (random.chance(5)) lengths.push(17000, 70000);
  const text = random.pick(['a', 'b', 'é', '€', '😀']);
  const list = [];
  for (let i = 0; i < count; i++) {
    list.push({
      opcode: i > 0 ? OP.CONT : isText ? OP.TEXT : OP.BINARY,
      data: { text, repeat: random.pick(lengths) },
      options: { fin: i === count - 1 }
    });
  }
  if (isText && random.chance(30)) splitCharacter(list);
  if (isText && random.chance(8)) spoil(list[count - 1]);
  return list;
}

/**
 * Cuts a character into two, where a fragment begins.
 *
 * @param {Object[]} list the frames of a text
 */
function splitCharacter(list) {
  if (list.length < 2) return;
  list[0].data.tail = 'e282';
  list[1].data.head = 'ac';
}

/**
 * Makes the last byte of a text a bad one.
 *
 * @param {Object} last the last frame
 */
function spoil(last) {
  last.data.tail = 'ff';
}

/**
 * The payload of a control frame.
 *
 * @param {Random} random the source
 * @return {Object} see `toBytes()`
 */
function shortText(random) {
  return { text: 'p', repeat: random.pick([0, 0, 1, 4, 125]) };
}

/**
 * A close frame, right or wrong.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function aClose(random) {
  const good = [1000, 1001, 1003, 1007, 1014, 3000, 4999];
  const bad = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535];
  const code = random.pick(random.chance(75) ? good : bad);
  const reason = random.pick(['', '', 'bye', 'é']);
  const body = Buffer.from([code >> 8, code & 0xff, ...Buffer.from(reason)]);
  let hex = body.toString('hex');
  if (random.chance(15)) hex = '';
  if (random.chance(5)) hex += 'f8';
  if (random.chance(5)) hex = '03';
  return { opcode: OP.CLOSE, data: { head: hex } };
}

/**
 * A frame that cannot be, whatever came before; a few are right in some places.
 *
 * @param {Random} random the source
 * @return {Object}
 */
function broken(random) {
  const opcode = random.below(16);
  const data = { text: 'x', repeat: random.pick([0, 1, 126]) };
  const kind = random.weighted({
    rsv: 3,
    opcode: 3,
    fin: 2,
    mask: 2,
    length: 2,
    wide: 2,
    order: 3
  });
  switch (kind) {
    case 'rsv':
      return {
        opcode,
        data,
        options: {
          rsv: random.pick([0x10, 0x20, 0x40, 0x50, 0x70]),
          fin: random.chance(50)
        }
      };
    case 'opcode':
      return { opcode, data, options: { fin: random.chance(50) } };
    case 'fin':
      return {
        opcode: random.pick([OP.CLOSE, OP.PING, OP.PONG]),
        data,
        options: { fin: false }
      };
    case 'mask':
      return { opcode, data, options: { mask: 'wrong' } };
    case 'length':
      return {
        opcode: random.pick([OP.CLOSE, OP.PING, OP.PONG]),
        data: { text: 'x', repeat: 126 }
      };
    case 'wide':
      return {
        opcode: OP.BINARY,
        data: { text: '' },
        options: {
          length: random.pick(['9007199254740991', '9007199254740992']),
          fin: random.chance(50)
        }
      };
    default:
      return {
        opcode: random.pick([OP.CONT, OP.TEXT, OP.BINARY]),
        data: { text: 'x' }
      };
  }
}
