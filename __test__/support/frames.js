'use strict';

// Frames (RFC 6455, section 5.2), written and read by hand: what the tests say
// about bytes must not rest on the code under test.

/** Opcodes. */
const OP = { CONT: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };

/** The mask key of every masked frame made here. */
const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/**
 * Masks, or unmasks, a copy.
 *
 * @param {Buffer} bytes the bytes
 * @param {Buffer} key the mask key
 * @return {Buffer}
 */
function masked(bytes, key) {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < copy.length; i++) copy[i] ^= key[i & 3];
  return copy;
}

/**
 * The bytes of a frame.
 *
 * @param {number} opcode the opcode
 * @param {(string|Buffer)} [data] the payload
 * @param {Object} [options]
 * @param {boolean} [options.fin=true] whether FIN is set
 * @param {boolean} [options.mask=false] whether to mask, with `KEY`
 * @param {number} [options.rsv=0] RSV bits, as they lie in the first byte
 * @param {(number|bigint)} [options.length] the length to claim
 * @param {number} [options.form] the 7-bit length field to use
 * @return {Buffer}
 */
function frame(opcode, data = '', options = {}) {
  const { fin = true, mask = false, rsv = 0 } = options;
  const payload = Buffer.from(data);
  const length = BigInt(options.length ?? payload.length);
  let { form } = options;
  form ??= length < 126n ? Number(length) : length < 65536n ? 126 : 127;

  const extended = Buffer.alloc(form === 126 ? 2 : form === 127 ? 8 : 0);
  if (form === 126) extended.writeUInt16BE(Number(length));
  if (form === 127) extended.writeBigUInt64BE(length);
  return Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | rsv | opcode, (mask ? 0x80 : 0) | form]),
    extended,
    mask ? KEY : Buffer.alloc(0),
    mask ? masked(payload, KEY) : payload
  ]);
}

/**
 * The payload of a close frame.
 *
 * @param {number} code the close code
 * @param {(string|Buffer)} [reason] the reason
 * @return {Buffer}
 */
function closeBody(code, reason = '') {
  return Buffer.concat([
    Buffer.from([code >> 8, code & 0xff]),
    Buffer.from(reason)
  ]);
}

/**
 * Takes the first frame off.
 *
 * @param {Buffer} bytes what came
 * @return {?{fin: boolean, rsv: number, opcode: number, mask: ?Buffer,
 *     payload: Buffer, size: number}} null if it is not complete
 */
function firstFrame(bytes) {
  if (bytes.length < 2) return null;
  let at = 2;
  let length = bytes[1] & 0x7f;
  if (length >= 126) {
    const wide = length === 127;
    at += wide ? 8 : 2;
    if (bytes.length < at) return null;
    length = wide ? Number(bytes.readBigUInt64BE(2)) : bytes.readUInt16BE(2);
  }
  let mask = null;
  if ((bytes[1] & 0x80) !== 0) {
    mask = bytes.subarray(at, (at += 4));
  }
  const size = at + length;
  if (bytes.length < size) return null;
  const body = bytes.subarray(at, size);
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv: bytes[0] & 0x70,
    opcode: bytes[0] & 0x0f,
    mask,
    get payload() {
      return mask === null ? body : masked(body, mask);
    },
    size
  };
}

/**
 * Takes all complete frames off.
 *
 * @param {Buffer} bytes what came
 * @return {{frames: Object[], rest: Buffer}} see `firstFrame()`
 */
function readFrames(bytes) {
  const frames = [];
  let next;
  while ((next = firstFrame(bytes)) !== null) {
    frames.push(next);
    bytes = bytes.subarray(next.size);
  }
  return { frames, rest: bytes };
}

module.exports = { closeBody, frame, KEY, masked, OP, readFrames };
