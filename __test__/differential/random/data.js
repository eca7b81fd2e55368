'use strict';

// The data of a program is described by plain objects, so that a program can
// be printed and made smaller.

/** A Blob that can be read only later, or not at all. */
class LateBlob {
  /**
   * @param {Buffer} bytes what is in it
   * @param {boolean} fails whether it cannot be read
   */
  constructor(bytes, fails) {
    this._bytes = bytes;
    this._fails = fails;
    this.size = bytes.length;
    this.type = '';
  }

  get [Symbol.toStringTag]() {
    return 'Blob';
  }

  /** @return {Promise<ArrayBuffer>} settled by the event loop's next round */
  arrayBuffer() {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (this._fails) reject(new Error('the blob is gone'));
        else resolve(new Uint8Array(this._bytes).buffer);
      });
    });
  }

  stream() {}
}

/**
 * Makes data of its description.
 *
 * @param {Object} described
 * @param {string} described.type what to make of the bytes; 'value' is
 *     something else
 * @param {string} [described.head] the first bytes, as hex
 * @param {string} [described.text] a text that comes then, as UTF-8,
 * @param {number} [described.repeat=1] that many times in a row
 * @param {string} [described.tail] the last bytes, as hex
 * @param {*} [described.value] if `type` is 'value'
 * @return {*}
 */
function make(described) {
  if (described.type === 'value') return described.value;
  const bytes = toBytes(described);
  switch (described.type) {
    case 'string':
      return bytes.toString();
    case 'buffer':
      return bytes;
    case 'uint8':
      return new Uint8Array(bytes);
    case 'arraybuffer':
      return new Uint8Array(bytes).buffer;
    case 'dataview': {
      // Not all of its memory is shown.
      const { buffer } = new Uint8Array(Buffer.concat([bytes, bytes]));
      return new DataView(buffer, bytes.length);
    }
    case 'array':
      return [...bytes];
    case 'blob':
      return new LateBlob(bytes, false);
    case 'lost blob':
      return new LateBlob(bytes, true);
    default:
      throw new Error(`unknown type of data: ${described.type}`);
  }
}

/**
 * The bytes of described data.
 *
 * @param {Object} described see `make()`
 * @return {Buffer}
 */
function toBytes({ head = '', text = '', repeat = 1, tail = '' }) {
  return Buffer.concat([
    Buffer.from(head, 'hex'),
    Buffer.from(text.repeat(repeat)),
    Buffer.from(tail, 'hex')
  ]);
}

module.exports = { make, toBytes };
