'use strict';

// Where instances of PerMessageDeflate play by themselves. What they compress
// is inflated before it is logged, since implementations of zlib differ.

const { describe, PlainStage, show } = require('./plain-stage');

/** The end of what was flushed. */
const FLUSHED = Buffer.from('0000ffff', 'hex');

/** A stage for extensions. */
class ExtensionStage extends PlainStage {
  /**
   * A client's extension that has negotiated.
   *
   * @param {Object} [options] its options
   * @param {Object} [params] what the server has answered
   * @return {PerMessageDeflate}
   */
  negotiated(options, params = {}) {
    const { PerMessageDeflate } = this.package;
    const extension = new PerMessageDeflate({ threshold: 0, ...options });
    extension.accept([{ ...params }]);
    return extension;
  }

  /**
   * Starts something, and waits until it calls back with a Buffer.
   *
   * @param {string} name what it is called in the log
   * @param {function(function(?Error, Buffer))} start starts it
   * @param {function(Buffer): string} [shown] what of the result is logged
   * @return {Promise<(Buffer|undefined)>} the result
   */
  async step(name, start, shown = shownWhole) {
    let result;
    let isDone = false;
    start((err, data) => {
      isDone = true;
      result = data;
      this.note(`${name}: ${err ? this.#describe(err) : shown(data)}`);
      if (err !== null || !Buffer.isBuffer(data)) this.note(`${err} ${data}`);
    });
    this.note(`after ${name}`);
    await this.until(() => isDone);
    return result;
  }

  /**
   * Decompresses parts of messages, one after another.
   *
   * @param {PerMessageDeflate} extension the extension
   * @param {...(Buffer|Object)} parts the bytes of a message; `{ part }` for
   *     those that are not the last ones
   */
  async decompress(extension, ...parts) {
    for (const item of parts) {
      const [name, bytes] =
        'part' in item ? ['part', item.part] : ['end', item];
      await this.step(name, (callback) =>
        extension.decompress(bytes, name === 'end', callback)
      );
    }
  }

  /**
   * Compresses parts of messages, one after another.
   *
   * @param {PerMessageDeflate} extension the extension
   * @param {Inflater} inflater the other side
   * @param {...(string|Buffer|Object)} parts as for `decompress()`
   */
  async compress(extension, inflater, ...parts) {
    for (const item of parts) {
      const data = item.part ?? item;
      const fin = item.part === undefined;
      const shown = (bytes) => {
        const flushed = bytes.subarray(-FLUSHED.length).equals(FLUSHED);
        const inflated = inflater.fragment(bytes, fin);
        // Whether there was anything to refer to.
        const small = bytes.length < inflated.length / 4;
        return `${flushed} ${small} ${shownWhole(inflated)}`;
      };
      await this.step(
        fin ? 'end' : 'part',
        (callback) => extension.compress(data, fin, callback),
        shown
      );
    }
  }

  #describe(err) {
    const { kStatusCode } = this.package.lib('constants');
    return `${describe(err)} ${err.errno} ${err[kStatusCode]}`;
  }
}

/**
 * @param {Buffer} data bytes
 * @return {string} how the log has them
 */
function shownWhole(data) {
  return data.length > 40 ? show(data) : JSON.stringify(`${data}`);
}

/** The `stages` of scenarios about extensions. */
const extensions = {
  alone: (tested) => new ExtensionStage({ package: tested })
};

module.exports = { extensions };
