'use strict';

// Events that the addon has decoded, and memory for the payloads of small ones.

const { EMPTY_BUFFER } = require('../constants');
const native = require('../native');

const FastBuffer = Buffer[Symbol.species];

/** What the first word of a descriptor says (see `src/batch.rs`). */
const kinds = {
  OPCODE: 0x0f,
  OWNED: 0x10,
  IN_SLAB: 0x20,
  FRAMES: 0x40,
  FAILED: 0x80,
  SUSPENDED: 0x100,
  // Opcodes.
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa
};
const { OPCODE, OWNED, IN_SLAB, FRAMES, FAILED, SUSPENDED, CLOSE } = kinds;

/** Words in a descriptor. The first one belongs to the batch as a whole. */
const WORDS = 4;

/** Events in a batch; a chunk with more is decoded in several goes. */
const BATCH_SIZE = 256;

/** Batches kept for later: deliveries are rarely nested deeper. */
const MAX_SPARE = 4;

/** The events of one chunk that were decoded, and those delivered of them. */
class Batch {
  constructor() {
    /** Descriptors: see `src/batch.rs`. */
    this.words = new Uint32Array((BATCH_SIZE + 2) * WORDS);
    /** Values that are no part of the chunk. */
    this.owned = [];
    this.chunk = EMPTY_BUFFER;
    /** What holds payloads that were copied, if they are small. */
    this.slab = EMPTY_BUFFER;
    /** @type {ArrayBuffer} that of the slab; V8 takes its time to tell. */
    this.slabMemory = EMPTY_BUFFER.buffer;
    this.count = 0;
    this.index = 0;
    /** Whether it was decoded elsewhere, so that `chunk` is not its chunk. */
    this.isForeign = false;
  }

  /**
   * A batch that is not in use.
   *
   * @param {Buffer} chunk the bytes that its events are decoded from
   * @return {Batch}
   */
  static take(chunk) {
    const batch = spare.length > 0 ? spare.pop() : new Batch();
    batch.chunk = chunk;
    batch.count = batch.index = 0;
    batch.isForeign = false;
    return batch;
  }

  /** @param {Buffer} slab what is to hold payloads that are copied */
  setSlab(slab) {
    this.slab = slab;
    this.slabMemory = slab.buffer;
  }

  /**
   * Takes what the events refer to from the batch that they are copied from,
   * and nothing that others have there: it may be kept for long.
   *
   * @param {Batch} source the batch
   */
  own(source) {
    const { words } = this;
    for (let index = 1; index <= this.count; index++) {
      const at = index * WORDS;
      const kind = words[at];
      if ((kind & IN_SLAB) !== 0) {
        const copy = Buffer.from(source._inSlab(words[at + 1], words[at + 2]));
        words[at + 1] = this.owned.push(copy) - 1;
        words[at] = (kind & ~IN_SLAB) | OWNED;
      } else if ((kind & (OWNED | FAILED)) !== 0) {
        words[at + 1] = this.owned.push(source.owned[words[at + 1]]) - 1;
      } else if ((kind & SUSPENDED) !== 0) {
        words[at + 2] = this.owned.push(source.owned[words[at + 2]]) - 1;
      }
      if ((kind & FRAMES) !== 0) {
        words[at + 3] = this.owned.push(source.owned[words[at + 3]]) - 1;
      }
    }
  }

  /**
   * Decodes as much of the chunk as there is room for.
   *
   * @param {Object} decoder the addon's
   * @param {number} at the byte to begin with
   * @param {boolean} inflates whether payloads come that are no part of the
   *     chunk, but small
   * @throws {Error} if there is no memory for what the chunk completes; the
   *     rest of it is lost
   */
  decode(decoder, at, inflates) {
    const { words, chunk } = this;
    const owned = this.owned.length > 0 ? [] : this.owned;
    this.owned = owned;
    words[0] = chunk.length;
    if (inflates) {
      if (slabUsed > SLAB_SIZE - MAX_IN_SLAB) renewSlab();
      words[1] = slabUsed;
      this.setSlab(slab);
      this.count = native.decode(decoder, chunk, at, words, owned, slab);
      slabUsed = words[1];
    } else {
      this.count = native.decode(decoder, chunk, at, words, owned);
    }
    this.index = 0;
  }

  /**
   * The payload of an event.
   *
   * @param {number} at its first word
   * @return {Buffer}
   */
  payload(at) {
    const { words } = this;
    const length = words[at + 2];
    if (length === 0) return EMPTY_BUFFER;
    const kind = words[at];
    const place = words[at + 1];
    if ((kind & IN_SLAB) !== 0) return this._inSlab(place, length);
    if ((kind & OWNED) !== 0) return this.owned[place];
    const { buffer, byteOffset } = this.chunk;
    return new FastBuffer(buffer, byteOffset + place, length);
  }

  /**
   * A part of the slab.
   *
   * @param {number} place where it begins
   * @param {number} length its length
   * @return {Buffer} an empty one if a program has taken the memory away
   */
  _inSlab(place, length) {
    const { slabMemory } = this;
    if (slabMemory.byteLength === 0) return EMPTY_BUFFER;
    return new FastBuffer(slabMemory, place, length);
  }

  /**
   * The lengths of the frames of a message, if it is binary and has several.
   *
   * @param {number} at the first word of the event
   * @return {(Float64Array|undefined)}
   */
  frames(at) {
    const { words } = this;
    if ((words[at] & FRAMES) === 0) return undefined;
    return this.owned[words[at + 3]];
  }

  /**
   * Tells whether an event may want a tick of its own: messages, pings and
   * pongs do, the end of the input does not.
   *
   * @param {number} index its place
   * @return {boolean}
   */
  isSeparate(index) {
    const kind = this.words[(index + 1) * WORDS];
    return kind < FAILED && (kind & OPCODE) !== CLOSE;
  }

  /** Forgets everything, and may be taken again. */
  release() {
    this.chunk = EMPTY_BUFFER;
    this.setSlab(EMPTY_BUFFER);
    if (this.owned.length > 0) this.owned = [];
    if (spare.length < MAX_SPARE) spare.push(this);
  }
}

/** @type {Batch[]} batches that are not in use */
const spare = [new Batch()];

/**
 * Bytes in a slab. A small message keeps all of it alive, so it should not be
 * many times larger.
 */
const SLAB_SIZE = 16 * 1024;

/** Bytes that one payload takes of a slab at most (`src/batch.rs`). */
const MAX_IN_SLAB = 4 * 1024;

let slab = EMPTY_BUFFER;
let slabUsed = SLAB_SIZE;

/** Begins a new slab; messages keep the old ones alive. */
function renewSlab() {
  slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
  slabUsed = 0;
}

module.exports = { Batch, WORDS, kinds };
