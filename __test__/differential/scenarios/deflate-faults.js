'use strict';

// What is wrong with what comes in with permessage-deflate, and what is said
// about it, to the program and to the peer.

const { deflateOverTcp } = require('../deflate-stage');
const brokenDeflate = require('../../support/broken-deflate');
const { Deflater, RSV1 } = require('../../support/deflate');
const { closeBody, OP } = require('../../support/frames');

const MORE = { fin: false };
const COMPRESSED = { rsv: RSV1 };
const BOTH = { fin: false, rsv: RSV1 };

/** A compressed message that refers to nothing. */
const message = (data) => new Deflater().message(data);

/** The first part of one. */
const part = (data) => new Deflater().part(data);

/** A stream with a final block. */
const FINAL = new Deflater().final('final');

/** Two messages, the second of which refers to the first. */
const deflater = new Deflater();
const FIRST = deflater.message('refer to this');
const SECOND = deflater.message('refer to this');

/** Not a text, which only its last byte tells. */
const BAD_TEXT = Buffer.concat([Buffer.from('text '), Buffer.of(0xff)]);

/**
 * Name, frames that are wrong (for each the arguments of `frame()`), and
 * options of the WebSocket.
 */
const FAULTS = [
  [
    'RSV1 on a continuation',
    [
      [OP.TEXT, part('a'), BOTH],
      [OP.CONT, message('b'), COMPRESSED]
    ]
  ],
  [
    'RSV1 on a continuation of a message that is not compressed',
    [
      [OP.TEXT, 'a', MORE],
      [OP.CONT, message('b'), COMPRESSED]
    ]
  ],
  ['RSV1 on a continuation of nothing', [[OP.CONT, message('a'), COMPRESSED]]],
  ['RSV1 on a ping', [[OP.PING, 'a', COMPRESSED]]],
  ['RSV1 on a pong', [[OP.PONG, '', COMPRESSED]]],
  ['RSV1 on a close frame', [[OP.CLOSE, closeBody(1000), COMPRESSED]]],
  ['RSV1 on a ping without FIN', [[OP.PING, 'a', BOTH]]],
  ['RSV1 on an unknown opcode', [[3, 'a', COMPRESSED]]],
  ['RSV1 and RSV2', [[OP.TEXT, message('a'), { rsv: 0x60 }]]],
  ['RSV1 and RSV3', [[OP.BINARY, message('a'), { rsv: 0x50 }]]],
  [
    'a compressed message in another',
    [
      [OP.TEXT, part('a'), BOTH],
      [OP.TEXT, message('b'), COMPRESSED]
    ]
  ],
  ['a text that is not UTF-8', [[OP.TEXT, message(BAD_TEXT), COMPRESSED]]],
  [
    'a text in parts that is not UTF-8',
    [
      [OP.TEXT, part('good '), BOTH],
      [OP.CONT, message(BAD_TEXT)]
    ]
  ],
  [
    'a text that ends within a character',
    [[OP.TEXT, message(Buffer.from('e282', 'hex')), COMPRESSED]]
  ],
  ['bytes that are not compressed', [[OP.TEXT, 'plain text', COMPRESSED]]],
  [
    'a message that is not complete, and one behind it',
    [
      [OP.BINARY, Buffer.from('4a', 'hex'), COMPRESSED],
      [OP.BINARY, message('b'), COMPRESSED]
    ]
  ],
  [
    'no bytes, and a message',
    [
      [OP.BINARY, '', COMPRESSED],
      [OP.BINARY, message('b'), COMPRESSED]
    ]
  ],
  [
    'a fault in the second part',
    [
      [OP.TEXT, part('a'), BOTH],
      [OP.CONT, Buffer.of(7)]
    ]
  ],
  [
    'a fault, and a close frame',
    [
      [OP.TEXT, Buffer.of(7), COMPRESSED],
      [OP.CLOSE, closeBody(1000)]
    ]
  ],
  [
    'a final block, and a message that refers to what was before',
    [
      [OP.TEXT, FIRST, COMPRESSED],
      [OP.TEXT, FINAL, COMPRESSED],
      [OP.TEXT, SECOND, COMPRESSED]
    ]
  ],
  [
    'a compressed length over maxPayload',
    [
      [OP.BINARY, message('ab').subarray(0, 3), COMPRESSED],
      [OP.BINARY, message('abcdef'), COMPRESSED]
    ],
    { maxPayload: 5 }
  ],
  [
    'compressed lengths that are together over maxPayload',
    [
      [OP.BINARY, part(''), BOTH],
      [OP.CONT, message('')]
    ],
    { maxPayload: 5 }
  ],
  [
    'an inflated length over maxPayload',
    [
      [OP.BINARY, message('a'.repeat(50)), COMPRESSED],
      [OP.BINARY, message('a'.repeat(51)), COMPRESSED]
    ],
    { maxPayload: 50 }
  ],
  [
    'inflated lengths that are together over maxPayload',
    [
      [OP.BINARY, part('a'.repeat(50)), BOTH],
      [OP.CONT, part(''), MORE],
      [OP.CONT, message('b')]
    ],
    { maxPayload: 50 }
  ],
  [
    'an inflated length over maxPayload in the second part',
    [
      [OP.BINARY, part('a'), BOTH],
      [OP.CONT, message('a'.repeat(51))]
    ],
    { maxPayload: 50 }
  ],
  [
    'an inflated length far over maxPayload',
    [[OP.BINARY, message(Buffer.alloc(5e6)), COMPRESSED]],
    { maxPayload: 100000 }
  ],
  [
    'more fragments than maxFragments',
    [
      [OP.BINARY, part('a'), BOTH],
      [OP.CONT, part(''), MORE],
      [OP.CONT, message('b')],
      [OP.BINARY, part('a'), BOTH],
      [OP.CONT, part(''), MORE],
      [OP.CONT, part(''), MORE],
      [OP.CONT, message('b')]
    ],
    { maxFragments: 3 }
  ]
];

const scenarios = {
  stages: deflateOverTcp,

  async 'a fault behind messages'(stage) {
    await stage.open();
    stage.tell('a', 'b');
    stage.say(
      [OP.PING, 'c'],
      [OP.TEXT, Buffer.of(7), COMPRESSED],
      [OP.PING, 'lost'],
      [OP.TEXT, 'lost']
    );
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a fault when it is closing'(stage) {
    await stage.open();
    stage.ws.close(1000);
    await stage.framesCame(1);
    stage.say([OP.TEXT, Buffer.of(7), COMPRESSED]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a fault behind a final fault'(stage) {
    await stage.open();
    stage.say(
      [OP.TEXT, Buffer.of(7), COMPRESSED],
      [OP.TEXT, Buffer.of(7), COMPRESSED],
      [3, '']
    );
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a fault while messages are compressed'(stage) {
    await stage.open();
    stage.ws.on('message', () => {
      stage.ws.send('x'.repeat(50000), stage.noted('long'));
      stage.ws.send('short', stage.noted('short'));
    });
    stage.tell('go');
    stage.say([OP.TEXT, Buffer.of(7), COMPRESSED]);
    await stage.framesCame(3);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    // The callbacks come before the error, or behind it.
    stage.log.ws = stage.log.ws.filter((line) => !/^(long|short)/.test(line));
  }
};

for (const [name, frames, options] of FAULTS) {
  scenarios[name] = async (stage) => {
    await stage.open(options);
    stage.say(...frames);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  };
}

for (const { name, bytes } of brokenDeflate) {
  scenarios[name] = async (stage) => {
    await stage.open();
    stage.say([OP.TEXT, bytes, COMPRESSED]);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  };
}

module.exports = scenarios;
