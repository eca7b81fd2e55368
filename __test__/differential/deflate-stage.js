'use strict';

// Where a scenario plays that has negotiated permessage-deflate. The log has
// the frames that the WebSocket has written, inflated, since implementations of
// zlib differ.

const { show } = require('./plain-stage');
const { Stage } = require('./stage');
const { OP, readFrames } = require('../support/frames');
const { Deflater, Inflater, RSV1 } = require('../support/deflate');

const NAME = 'permessage-deflate';

/** What one side has negotiated. */
class Parameters {
  /**
   * @param {string} side `client` or `server`
   * @param {Object} [options]
   * @param {boolean} [options.takeover=true] whether it remembers
   * @param {number} [options.bits] the base-2 logarithm of its window
   */
  constructor(side, { takeover = true, bits } = {}) {
    /** What `Deflater` and `Inflater` need to know. */
    this.context = { takeover, windowBits: bits ?? 15 };
    /** As they stand in a header. */
    this.text = [
      takeover ? '' : `; ${side}_no_context_takeover`,
      bits === undefined ? '' : `; ${side}_max_window_bits=${bits}`
    ].join('');
  }
}

/** A stage with a connection, and an extension. */
class DeflateStage extends Stage {
  /** @param {Object} options see `Stage` */
  constructor(options) {
    super(options);
    this.log.result = () => this.#result();
  }

  /**
   * Opens the connection.
   *
   * @param {Object} [options] those of the WebSocket; those of the extension
   *     are none by default
   * @param {Object} [negotiated]
   * @param {Object} [negotiated.ours] see `Parameters`, of the WebSocket
   * @param {Object} [negotiated.theirs] the same, of the peer
   * @param {Buffer[]} [early] frames that come right behind the handshake
   */
  async open(options, { ours, theirs } = {}, early = []) {
    const sides = this.isServer ? ['server', 'client'] : ['client', 'server'];
    const our = new Parameters(sides[0], ours);
    const their = new Parameters(sides[1], theirs);
    this.header = NAME + our.text + their.text;
    this.fields.push(`Sec-WebSocket-Extensions: ${this.header}`);
    /** Inflates what the WebSocket says. */
    this.inflater = new Inflater({
      ...our.context,
      // So that nothing out of the window is at hand.
      zlib: ours?.bits === undefined ? {} : { chunkSize: 64 }
    });
    /** Compresses what it is told. */
    this.deflater = new Deflater(their.context);

    await super.open({ perMessageDeflate: {}, ...options }, early);
    this.ws.on('error', ({ errno }) => this.note(`errno ${errno}`));
    // What comes early may be told by now.
    if (early.length === 0) this.note(this.ws.extensions);
  }

  /** @param {WebSocket} ws @param {Object} options see `Stage` */
  extend(ws, { perMessageDeflate, maxPayload }) {
    const { PerMessageDeflate, extension } = this.package;
    const { isServer, header } = this;
    const deflate = new PerMessageDeflate({
      ...perMessageDeflate,
      isServer,
      maxPayload
    });
    deflate.accept(extension.parse(header)[NAME]);
    ws._extensions = { [NAME]: deflate };
  }

  /**
   * A compressed message in one frame, for `say()`.
   *
   * @param {(string|Buffer)} data the message
   * @param {number} [opcode] its opcode
   * @return {Array} arguments of `frame()`
   */
  compressed(data, opcode = OP.TEXT) {
    return [opcode, this.deflater.message(data), { rsv: RSV1 }];
  }

  /**
   * A compressed message in several frames, for `say()`. The borders are those
   * of flushes.
   *
   * @param {Array<(string|Buffer)>} parts the message
   * @param {number} [opcode] its opcode
   * @return {Array[]} arguments of `frame()` for each
   */
  fragmented(parts, opcode = OP.TEXT) {
    const last = parts.length - 1;
    return parts.map((data, i) => [
      i === 0 ? opcode : OP.CONT,
      i === last ? this.deflater.message(data) : this.deflater.part(data),
      { rsv: i === 0 ? RSV1 : 0, fin: i === last }
    ]);
  }

  /** @param {...string} texts texts to send, compressed, a frame for each */
  tell(...texts) {
    this.say(...texts.map((text) => this.compressed(text)));
  }

  /**
   * Waits until the WebSocket has written frames.
   *
   * @param {number} count how many
   */
  async framesCame(count) {
    await this.until(() => readFrames(this.log.bytes).frames.length >= count);
  }

  /** @return {Object} the log */
  #result() {
    const { ws, peer, bytes } = this.log;
    const { frames, rest } = readFrames(bytes);
    let isCompressed = false;
    const lines = frames.map((frame) => {
      const { fin, rsv, opcode, mask, payload } = frame;
      if (opcode === OP.TEXT || opcode === OP.BINARY) isCompressed = rsv !== 0;
      const head = `${opcode} fin ${fin} rsv ${rsv} masked ${mask !== null}`;
      if (opcode > OP.BINARY) return `${head} ${payload.toString('hex')}`;
      const data = isCompressed ? this.#inflate(payload, fin) : payload;
      return `${head} ${
        data.length > 40 ? show(data) : JSON.stringify(`${data}`)
      }`;
    });
    if (rest.length > 0) lines.push(`part of a frame: ${rest.length}`);
    return { ws, peer, frames: lines };
  }

  #inflate(payload, fin) {
    try {
      return this.inflater.fragment(payload, fin);
    } catch (err) {
      return `*** ${err.message} ***`;
    }
  }
}

/**
 * @param {boolean} isServer the side of the WebSocket
 * @param {boolean} tcp whether over TCP
 * @return {function(Object): DeflateStage} makes a stage, given the package
 */
function connection(isServer, tcp) {
  return (tested) => new DeflateStage({ package: tested, isServer, tcp });
}

/** The `stages` of scenarios that need a real socket. */
const deflateOverTcp = {
  'server over TCP': connection(true, true),
  'client over TCP': connection(false, true)
};

/** The `stages` of all other scenarios. */
const deflateEverywhere = {
  ...deflateOverTcp,
  'server over a Duplex': connection(true, false),
  'client over a Duplex': connection(false, false)
};

module.exports = { deflateEverywhere, deflateOverTcp };
