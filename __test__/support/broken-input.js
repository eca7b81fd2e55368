'use strict';

// Every way in which bytes from a peer can be wrong, and what is said about it.

const { closeBody, frame, OP } = require('./frames');

const INVALID = 'Invalid WebSocket frame: ';
const RSV_1 = ['WS_ERR_UNEXPECTED_RSV_1', `${INVALID}RSV1 must be clear`, 1002];
const RSV_2_3 = [
  'WS_ERR_UNEXPECTED_RSV_2_3',
  `${INVALID}RSV2 and RSV3 must be clear`,
  1002
];
const FIN = ['WS_ERR_EXPECTED_FIN', `${INVALID}FIN must be set`, 1002];
const TOO_LONG = [
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'Max payload size exceeded',
  1009
];
const TOO_WIDE = [
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'Unsupported WebSocket frame: payload length > 2^53 - 1',
  1009
];
const TOO_MANY = [
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
  'Too many message fragments',
  1008
];
const UTF8 = [
  'WS_ERR_INVALID_UTF8',
  `${INVALID}invalid UTF-8 sequence`,
  1007,
  Error
];
const opcode = (n) => [
  'WS_ERR_INVALID_OPCODE',
  `${INVALID}invalid opcode ${n}`,
  1002
];
const controlLength = (n) => [
  'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  `${INVALID}invalid payload length ${n}`,
  1002
];
const closeCode = (n) => [
  'WS_ERR_INVALID_CLOSE_CODE',
  `${INVALID}invalid status code ${n}`,
  1002
];

const open = { fin: false };
const start = [OP.TEXT, 'a', open];
const unclosed = (list) => list.map((data) => [OP.CONT, data, open]);

/**
 * Name, frames (arguments of `frame()`, each masked as the receiver demands
 * unless it says otherwise), what is said, and the receiver's options.
 */
const ROWS = [
  ['RSV2', [[OP.TEXT, 'a', { rsv: 0x20 }]], RSV_2_3],
  ['RSV3', [[OP.TEXT, 'a', { rsv: 0x10 }]], RSV_2_3],
  ['all of RSV, and more', [[OP.CONT, '', { rsv: 0x70, fin: false }]], RSV_2_3],
  ['RSV1', [[OP.TEXT, 'a', { rsv: 0x40 }]], RSV_1],
  ['RSV1 on a continuation', [start, [OP.CONT, 'b', { rsv: 0x40 }]], RSV_1],
  [
    'RSV1 on a ping without FIN',
    [[OP.PING, '', { rsv: 0x40, ...open }]],
    RSV_1
  ],
  ['RSV1 on an unknown opcode', [[3, '', { rsv: 0x40, ...open }]], RSV_1],
  ['a continuation of nothing', [[OP.CONT, 'a']], opcode(0)],
  ['a continuation after the end', [[OP.TEXT, 'a'], [OP.CONT]], opcode(0)],
  ['a text message in another', [start, [OP.TEXT, 'b']], opcode(1)],
  ['a binary message in another', [start, [OP.BINARY, 'b']], opcode(2)],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((n) => [
    `the opcode ${n}`,
    [[n, '', open]],
    opcode(n)
  ]),
  ...[OP.CLOSE, OP.PING, OP.PONG].map((n) => [
    `a control frame ${n} without FIN`,
    [[n, '', { fin: false, length: 65536 }]],
    FIN
  ]),
  ['a ping of 126 bytes', [[OP.PING, Buffer.alloc(126)]], controlLength(126)],
  [
    'a pong with a 64-bit length',
    [[OP.PONG, '', { form: 127, length: 1 }]],
    controlLength(127)
  ],
  ['a close frame of 1 byte', [[OP.CLOSE, 'a']], controlLength(1)],
  [
    'a length of 2^53',
    [[OP.BINARY, '', { length: 2n ** 53n }]],
    TOO_WIDE,
    { maxPayload: 5 }
  ],
  ['a length of 2^63', [[OP.BINARY, '', { length: 2n ** 63n }]], TOO_WIDE],
  [
    'a frame over maxPayload',
    [[OP.BINARY, '', { length: 6 }]],
    TOO_LONG,
    { maxPayload: 5 }
  ],
  [
    'a frame of 2^53 - 1 bytes',
    [[OP.BINARY, '', { length: 2n ** 53n - 1n }]],
    TOO_LONG,
    { maxPayload: 2 ** 31 - 1 }
  ],
  [
    'fragments that are together over maxPayload',
    [[OP.TEXT, 'abc', open], ...unclosed(['', 'de']), [OP.CONT, 'f']],
    TOO_LONG,
    { maxPayload: 5 }
  ],
  [
    'more fragments than maxFragments',
    [start, ...unclosed(['', '']), [OP.CONT]],
    TOO_MANY,
    { maxFragments: 3 }
  ],
  ['text that is not UTF-8', [[OP.TEXT, Buffer.from('ce', 'hex')]], UTF8],
  [
    'fragmented text that is not UTF-8',
    [
      [OP.TEXT, Buffer.from('ce', 'hex'), open],
      [OP.CONT, 'a']
    ],
    UTF8
  ],
  [
    'a close reason that is not UTF-8',
    [[OP.CLOSE, closeBody(1000, Buffer.from('f8', 'hex'))]],
    UTF8
  ],
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535].map((n) => [
    `the close code ${n}`,
    [[OP.CLOSE, closeBody(n, Buffer.from('f8', 'hex'))]],
    closeCode(n)
  ])
];

/**
 * The rows for one kind of receiver.
 *
 * @param {boolean} isServer whether frames must be masked
 * @return {Array<{name: string, bytes: Buffer, options: Object, Class: Function,
 *     code: string, message: string, closeCode: number}>}
 */
function brokenInput(isServer) {
  const mask = [
    isServer ? 'an unmasked frame' : 'a masked frame',
    [[OP.TEXT, 'a', { mask: !isServer }]],
    isServer
      ? ['WS_ERR_EXPECTED_MASK', `${INVALID}MASK must be set`, 1002]
      : ['WS_ERR_UNEXPECTED_MASK', `${INVALID}MASK must be clear`, 1002]
  ];
  return [...ROWS, mask].map(([name, frames, said, options = {}]) => {
    const [code, message, answer, Class = RangeError] = said;
    return {
      name,
      bytes: Buffer.concat(
        frames.map(([n, data, more]) =>
          frame(n, data, { mask: isServer, ...more })
        )
      ),
      options,
      Class,
      code,
      message,
      closeCode: answer
    };
  });
}

module.exports = brokenInput;
