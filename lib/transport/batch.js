'use strict';

// Events that the addon has decoded, and memory for the payloads of small ones.

const { EMPTY_BUFFER } = require('../constants');

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
    this.count = 0;
    this.index = 0;
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
    return batch;
  }

  /** Forgets everything, and may be taken again. */
  release() {
    this.chunk = this.slab = EMPTY_BUFFER;
    if (this.owned.length > 0) this.owned = [];
    if (spare.length < MAX_SPARE) spare.push(this);
  }
}

/** @type {Batch[]} batches that are not in use */
const spare = [new Batch()];

module.exports = { Batch, BATCH_SIZE, WORDS };
