'use strict';

// What comes in with permessage-deflate and is taken, though it may seem wrong.

const { deflateOverTcp } = require('../deflate-stage');
const { Deflater, RSV1 } = require('../../support/deflate');
const { OP } = require('../../support/frames');

const MORE = { fin: false };
const COMPRESSED = { rsv: RSV1 };
const BOTH = { fin: false, rsv: RSV1 };

/** A compressed message that refers to nothing. */
const message = (data) => new Deflater().message(data);

/** The first part of one. */
const part = (data) => new Deflater().part(data);

/** A stream with a final block. */
const FINAL = new Deflater().final('final');

/** Not a text, which only its last byte tells. */
const BAD_TEXT = Buffer.concat([Buffer.from('text '), Buffer.of(0xff)]);

/**
 * Name, frames (for each the arguments of `frame()`), and options of the
 * WebSocket.
 */
const ODDITIES = [
  [
    'a message exactly at maxPayload',
    [
      [OP.BINARY, message('a'.repeat(50)), COMPRESSED],
      [OP.BINARY, part('a'.repeat(20)), BOTH],
      [OP.CONT, part('a'.repeat(20)), MORE],
      [OP.CONT, message('a'.repeat(10))]
    ],
    { maxPayload: 50 }
  ],
  [
    'limits of 0',
    [
      [OP.BINARY, part('a'.repeat(50)), BOTH],
      [OP.CONT, message('b'.repeat(50))]
    ],
    { maxPayload: 0, maxFragments: 0 }
  ],
  [
    'limits below 0',
    [
      [OP.BINARY, part('a'.repeat(50)), BOTH],
      [OP.CONT, message('b'.repeat(50))]
    ],
    { maxPayload: -1, maxFragments: -1 }
  ],
  [
    'text that is not UTF-8, unchecked',
    [
      [OP.TEXT, message(BAD_TEXT), COMPRESSED],
      [OP.TEXT, part(BAD_TEXT), BOTH],
      [OP.CONT, message(BAD_TEXT)]
    ],
    { skipUTF8Validation: true }
  ],
  [
    'a character cut by fragments',
    [
      [OP.TEXT, part(Buffer.from('e2', 'hex')), BOTH],
      [OP.CONT, part(Buffer.from('82', 'hex')), MORE],
      [OP.CONT, message(Buffer.from('ac', 'hex'))]
    ]
  ],
  ['binary data that is no text', [[OP.BINARY, message(BAD_TEXT), COMPRESSED]]],
  [
    'final blocks',
    [
      [OP.TEXT, FINAL, COMPRESSED],
      [OP.TEXT, Buffer.concat([FINAL, Buffer.of(0)]), COMPRESSED],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ],
  [
    'a final block, and more in the same frame',
    [
      [OP.TEXT, Buffer.concat([FINAL, message('lost')]), COMPRESSED],
      [OP.TEXT, Buffer.concat([FINAL, Buffer.of(7, 7, 7)]), COMPRESSED],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ],
  [
    'a final block, and more in the next frame',
    [
      [OP.TEXT, FINAL, BOTH],
      [OP.CONT, message('lost')],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ],
  [
    'a final block, and the end of the message',
    [
      [OP.TEXT, FINAL, BOTH],
      [OP.CONT, ''],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ],
  [
    'a final block with the byte behind it, and more in the next frame',
    [
      [OP.TEXT, Buffer.concat([FINAL, Buffer.of(0)]), BOTH],
      [OP.CONT, message(', and more')],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ],
  ['no bytes at all', [[OP.TEXT, '', COMPRESSED]]],
  [
    'a single byte',
    [
      [OP.TEXT, Buffer.of(0), COMPRESSED],
      [OP.TEXT, message('fresh'), COMPRESSED]
    ]
  ]
];

const scenarios = { stages: deflateOverTcp };

for (const [name, frames, options] of ODDITIES) {
  scenarios[name] = async (stage) => {
    await stage.open(options);
    stage.say(...frames);
    const messages = frames.filter(([, , more]) => more?.fin !== false);
    await stage.logged(/^message/, messages.length);
    await stage.goodbye();
  };
}

module.exports = scenarios;
