'use strict';

// Random conversations: whatever is compressed by a WebSocket is inflated by
// zlib, and the other way round. `FERROWS_SEED` says with which seed to begin
// (else 1), and `FERROWS_COUNT` how many conversations there are.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const { Z_FULL_FLUSH, Z_SYNC_FLUSH } = require('node:zlib').constants;

const { Peer, roles } = require('./support/connections');
const { bytesOf, generate } = require('./support/conversation');
const { Deflater, Inflater, RSV1 } = require('./support/deflate');
const {
  extension,
  PerMessageDeflate,
  WebSocket
} = require('./support/ferrows');
const { frame, OP } = require('./support/frames');
const Wire = require('./support/wire');

const NAME = 'permessage-deflate';

/** The first seed, and how many there are. */
const SEED = Number(process.env.FERROWS_SEED ?? 1);
const COUNT = Number(process.env.FERROWS_COUNT ?? 400);

/** Milliseconds after which a conversation is stuck. */
const PATIENCE = 10000;

/** Chunks that the peer writes at most. */
const MAX_CHUNKS = 400;

/**
 * What a side has negotiated, as it stands in a header.
 *
 * @param {string} side `client` or `server`
 * @param {Object} options see `generate()`
 * @return {string}
 */
function parameters(side, { takeover, bits }) {
  return (
    (takeover ? '' : `; ${side}_no_context_takeover`) +
    (bits === undefined ? '' : `; ${side}_max_window_bits=${bits}`)
  );
}

/**
 * Cuts bytes into parts.
 *
 * @param {Buffer} bytes the bytes
 * @param {number[]} cuts where, in thousandths
 * @return {Buffer[]}
 */
function cut(bytes, cuts) {
  const ends = cuts.map((at) => Math.floor((at * bytes.length) / 1000));
  return [...ends, bytes.length].map((end, i) =>
    bytes.subarray(i === 0 ? 0 : ends[i - 1], end)
  );
}

/** A conversation between a WebSocket and a peer played by hand. */
class Conversation {
  /** @param {Object} plan see `generate()` */
  constructor(plan) {
    this.plan = plan;
    this.cleanups = [];
    this.sides = plan.isServer ? ['server', 'client'] : ['client', 'server'];
  }

  /** Opens the connection. */
  async open() {
    const { plan, sides } = this;
    const header =
      NAME +
      parameters(sides[0], plan.ours) +
      parameters(sides[1], plan.theirs);
    const options = {
      threshold: plan.threshold,
      zlibDeflateOptions: plan.ours.zlib
    };
    if (plan.tcp) {
      const t = { after: (cleanup) => this.cleanups.push(cleanup) };
      const open = roles[sides[0]];
      Object.assign(
        this,
        await open(t, { perMessageDeflate: options }, header)
      );
    } else {
      this.#openBare(options, header);
    }
  }

  #openBare(options, header) {
    const [near, far] = Wire.pair();
    const { isServer } = this.plan;
    const deflate = new PerMessageDeflate({ ...options, isServer });
    deflate.accept(extension.parse(header)[NAME]);
    this.ws = new WebSocket(null, undefined, { autoPong: true });
    this.ws._isServer = isServer;
    this.ws._extensions = { [NAME]: deflate };
    this.peer = new Peer(far);
    // What is written one by one arrives one by one.
    this.peer.socket.setNoDelay = () => {};
    this.ws.setSocket(near, Buffer.alloc(0), { maxPayload: 0 });
    this.cleanups.push(() => this.ws.terminate());
  }

  /** Lets both sides talk at the same time. */
  async hold() {
    await Promise.all([this.#listen(), this.#say(), this.#tell()]);
  }

  /** Leaves nothing behind. */
  end() {
    // Nobody waits for it any more.
    this.ws?.removeAllListeners().on('error', () => {});
    for (const cleanup of this.cleanups) cleanup();
  }

  /** The WebSocket sends. */
  async #say() {
    for (const { data, binary, compress, cuts, type } of this.plan.said) {
      const parts = cut(bytesOf(data), cuts);
      parts.forEach((part, i) =>
        this.ws.send(as(type, part), {
          binary,
          compress,
          fin: i === parts.length - 1
        })
      );
    }
    await this.#heard();
  }

  /** The peer has received what was sent. */
  async #heard() {
    const { said, ours, threshold } = this.plan;
    const count = said.reduce((sum, { cuts }) => sum + cuts.length + 1, 0);
    const isData = ({ opcode }) => opcode <= OP.BINARY;
    await this.peer.until(
      ({ frames }) => frames.filter(isData).length >= count
    );
    const frames = this.peer.frames.filter(isData);
    const inflater = new Inflater({
      takeover: ours.takeover,
      windowBits: ours.bits,
      zlib: ours.bits < 13 ? { chunkSize: 64 } : {}
    });
    for (const { data, binary, compress, cuts } of said) {
      const whole = bytesOf(data);
      const parts = cut(whole, cuts);
      const isCompressed =
        compress && (ours.takeover || parts[0].length >= threshold);
      const opcode = binary ? OP.BINARY : OP.TEXT;
      for (const [i, part] of parts.entries()) {
        const { fin, rsv, opcode: code, payload } = frames.shift();
        assert.strictEqual(fin, i === parts.length - 1);
        assert.strictEqual(rsv, isCompressed && i === 0 ? RSV1 : 0);
        assert.strictEqual(code, i === 0 ? opcode : OP.CONT);
        const bytes = isCompressed ? inflater.fragment(payload, fin) : payload;
        assert.ok(bytes.equals(part), 'what was sent');
      }
    }
    assert.deepStrictEqual(frames, []);
  }

  /** The peer sends. */
  async #tell() {
    const { theirs, told, chunks } = this.plan;
    const deflater = new Deflater({
      takeover: theirs.takeover,
      windowBits: theirs.bits,
      zlib: theirs.zlib
    });
    const bytes = Buffer.concat(
      told.map((message) => this.#encode(message, deflater))
    );
    const least = Math.ceil(bytes.length / MAX_CHUNKS);
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = Math.max(chunks[i % chunks.length], least);
      await this.peer.send(bytes.subarray(at, at + length));
      at += length;
    }
  }

  /**
   * The frames of a message: flushed in one place and cut in others.
   *
   * @param {Object} message see `generate()`
   * @param {Deflater} deflater compresses
   * @return {Buffer}
   */
  #encode({ data, binary, compress, cuts, full, ping }, deflater) {
    const mask = this.plan.isServer;
    let payload = bytesOf(data);
    if (compress) {
      const flush = full ? Z_FULL_FLUSH : Z_SYNC_FLUSH;
      const parts = cut(payload, cuts.slice(0, 1));
      const last = deflater.message.bind(deflater, parts.pop());
      const flushed = parts.map((part) => deflater.part(part, flush));
      payload = Buffer.concat([...flushed, last()]);
    }
    const parts = cut(payload, cuts);
    const frames = parts.map((part, i) =>
      frame(i > 0 ? OP.CONT : binary ? OP.BINARY : OP.TEXT, part, {
        fin: i === parts.length - 1,
        mask,
        rsv: compress && i === 0 ? RSV1 : 0
      })
    );
    if (ping) frames.splice(-1, 0, frame(OP.PING, 'ping', { mask }));
    return Buffer.concat(frames);
  }

  /** The WebSocket has received what was sent. */
  async #listen() {
    const { told } = this.plan;
    let next = 0;
    await new Promise((resolve, reject) => {
      if (told.length === 0) resolve();
      this.ws.on('error', reject);
      this.ws.on('close', () => reject(new Error('it is closed')));
      this.ws.on('message', (data, isBinary) => {
        const { data: expected, binary } = told[next++];
        if (!data.equals(bytesOf(expected)) || isBinary !== binary) {
          reject(new Error('something else was received'));
        } else if (next === told.length) {
          resolve();
        }
      });
    });
  }
}

/**
 * Data that can be sent.
 *
 * @param {string} type what to make of the bytes
 * @param {Buffer} bytes the bytes
 * @return {*}
 */
function as(type, bytes) {
  if (type === 'string') return bytes.toString();
  if (type === 'view') return new Uint8Array(bytes);
  if (type === 'blob') return new Blob([bytes]);
  return bytes;
}

/**
 * Holds a conversation, for some time at most.
 *
 * @param {Object} plan see `generate()`
 */
async function converse(plan) {
  const conversation = new Conversation(plan);
  let timer;
  const tooLate = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it is stuck')), PATIENCE);
  });
  try {
    await Promise.race([
      conversation.open().then(() => conversation.hold()),
      tooLate
    ]);
  } finally {
    clearTimeout(timer);
    conversation.end();
  }
}

describe('Random conversations', { timeout: 110000 }, () => {
  it('arrive on both sides as they were sent', async () => {
    for (let seed = SEED; seed < SEED + COUNT; seed++) {
      const plan = generate(seed);
      try {
        await converse(plan);
      } catch (err) {
        const shown = inspect(plan, { depth: Infinity });
        err.message += `\nFERROWS_SEED=${seed} FERROWS_COUNT=1\n${shown}`;
        throw err;
      }
    }
  });

  it('are the same for the same seed', () => {
    assert.deepStrictEqual(generate(7), generate(7));
    assert.notDeepStrictEqual(generate(7), generate(8));
  });
});
