'use strict';

// What the addon needs to know to write a frame, as one number: the first byte
// of the frame (RFC 6455, section 5.2) and flags of its own (`src/send.rs`).

module.exports = {
  // Opcodes.
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,

  // Bits of the first byte.
  RSV1: 0x40,
  FIN: 0x80,

  // Flags.
  /** The payload is masked. */
  MASKED: 0x100,
  /** The payload is given as a string. */
  IS_STRING: 0x200,
  /** The mask key is given as a number, not drawn. */
  KEY_GIVEN: 0x400,

  /** Bytes that any frame header fits in. */
  MAX_HEADER: 14
};
