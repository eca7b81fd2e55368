'use strict';

// Every way in which compressed data can be wrong (RFC 1951), bit by bit, and
// what zlib says about it.

/** The order of the lengths of the codes for code lengths (section 3.2.7). */
const ORDER = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
];

/** Collects bits, the lowest one of a byte first. */
class Bits {
  constructor() {
    this.list = [];
  }

  /**
   * A number, the lowest bit first.
   *
   * @param {number} value the number
   * @param {number} count how many bits
   * @return {Bits} this
   */
  number(value, count) {
    for (let i = 0; i < count; i++) this.list.push((value >> i) & 1);
    return this;
  }

  /**
   * A Huffman code, the highest bit first.
   *
   * @param {string} code its bits
   * @return {Bits} this
   */
  code(code) {
    this.list.push(...[...code].map(Number));
    return this;
  }

  /**
   * The beginning of a block.
   *
   * @param {number} type 0 stored, 1 fixed codes, 2 dynamic codes
   * @param {number} [final=0] whether it is the last one
   * @return {Bits} this
   */
  block(type, final = 0) {
    return this.number(final, 1).number(type, 2);
  }

  /**
   * The beginning of a block with dynamic codes.
   *
   * @param {Object<number, number>} lengths how long the code of each code
   *     length is
   * @param {number} [literals=257] how many codes for literals and lengths
   * @param {number} [distances=1] how many codes for distances
   * @return {Bits} this
   */
  dynamic(lengths, literals = 257, distances = 1) {
    this.block(2)
      .number(literals - 257, 5)
      .number(distances - 1, 5);
    this.number(ORDER.length - 4, 4);
    for (const symbol of ORDER) this.number(lengths[symbol] ?? 0, 3);
    return this;
  }

  /**
   * Code lengths, each of them with 4 bits.
   *
   * @param {number[]} lengths the lengths
   * @return {Bits} this
   */
  lengths(lengths) {
    for (const length of lengths) {
      this.code(length.toString(2).padStart(4, '0'));
    }
    return this;
  }

  /** @return {Buffer} the bits, and zeros up to a whole byte */
  get bytes() {
    const bytes = Buffer.alloc(Math.ceil(this.list.length / 8));
    this.list.forEach((bit, i) => (bytes[i >> 3] |= bit << (i & 7)));
    return bytes;
  }
}

/** Codes for the code lengths 0 to 15, each of them its number in 4 bits. */
const PLAIN = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, 4]));

/**
 * Code lengths of literals.
 *
 * @param {number} count how many
 * @param {Object<number, number>} some those that are not 0
 * @return {number[]}
 */
const lengths = (count, some) =>
  Array.from({ length: count }, (_, i) => some[i] ?? 0);

const bits = () => new Bits();

/** A fixed block with the letter `a`, so that there is something before. */
const letter = () => bits().block(1).code('10010001');

/** The code of length 3 in a fixed block. */
const LENGTH_3 = '0000001';

/** Name, what zlib says, and the bits. */
const ROWS = [
  ['a block type 3', 'invalid block type', bits().block(3)],
  [
    'lengths of a stored block that do not fit',
    'invalid stored block lengths',
    bits().block(0).number(0, 5).number(5, 16).number(5, 16)
  ],
  [
    'too many literals',
    'too many length or distance symbols',
    bits().dynamic(PLAIN, 287)
  ],
  [
    'too many distances',
    'too many length or distance symbols',
    bits().dynamic(PLAIN, 257, 31)
  ],
  [
    'too many codes for code lengths',
    'invalid code lengths set',
    bits().dynamic({ 0: 1, 1: 1, 2: 1 })
  ],
  [
    'too few codes for code lengths',
    'invalid code lengths set',
    bits().dynamic({ 0: 2, 1: 2 })
  ],
  [
    'a repetition of no code length',
    'invalid bit length repeat',
    bits().dynamic({ 0: 1, 16: 1 }).code('1').number(0, 2)
  ],
  [
    'a repetition of too many code lengths',
    'invalid bit length repeat',
    bits()
      .dynamic({ 0: 1, 18: 1 })
      .code('1')
      .number(127, 7)
      .code('1')
      .number(127, 7)
  ],
  [
    'no code for the end of the block',
    'invalid code -- missing end-of-block',
    bits()
      .dynamic(PLAIN)
      .lengths(lengths(258, { 0: 1, 1: 1 }))
  ],
  [
    'no code lengths at all',
    'invalid code -- missing end-of-block',
    bits()
      .dynamic({})
      .number(0, 8 * 64)
  ],
  [
    'too many codes for literals',
    'invalid literal/lengths set',
    bits()
      .dynamic(PLAIN)
      .lengths(lengths(258, { 0: 1, 1: 1, 256: 1 }))
  ],
  [
    'too few codes for literals',
    'invalid literal/lengths set',
    bits()
      .dynamic(PLAIN)
      .lengths(lengths(258, { 0: 2, 256: 2 }))
  ],
  [
    'too many codes for distances',
    'invalid distances set',
    bits()
      .dynamic(PLAIN, 257, 3)
      .lengths(lengths(257, { 0: 1, 256: 1 }))
      .lengths([1, 1, 1])
  ],
  [
    'too few codes for distances',
    'invalid distances set',
    bits()
      .dynamic(PLAIN, 257, 2)
      .lengths(lengths(257, { 0: 1, 256: 1 }))
      .lengths([2, 2])
  ],
  [
    'a length that there is not',
    'invalid literal/length code',
    letter().code('11000110')
  ],
  [
    'a distance that there is not',
    'invalid distance code',
    letter().code(LENGTH_3).code('11110')
  ],
  [
    'a distance without a code',
    'invalid distance code',
    bits()
      .dynamic(PLAIN, 258, 1)
      .lengths(lengths(258, { 97: 2, 256: 2, 257: 1 }))
      .lengths([1])
      .code('10')
      .code('0')
      .code('1')
  ],
  [
    'a distance to before the beginning',
    'invalid distance too far back',
    letter().code(LENGTH_3).code('00001')
  ]
];

/**
 * Data that cannot be inflated.
 *
 * @type {Array<{name: string, message: string, bytes: Buffer}>}
 */
const brokenDeflate = ROWS.map(([name, message, { bytes }]) => ({
  name,
  message,
  bytes
}));

module.exports = brokenDeflate;
