'use strict';

// The class by itself: what it offers, and what it accepts.

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { extension, PerMessageDeflate } = require('./support/ferrows');

const NAME = 'permessage-deflate';

/** The offers, or the answer, in a header. */
const parsed = (text) => extension.parse(text.replace(/\bD\b/g, NAME))[NAME];

/** What is accepted of a header by a side with some options. */
const accept = (isServer, options, text) =>
  new PerMessageDeflate({ ...options, isServer }).accept(parsed(text));

/** A row of a table, as the title of a test. */
const shown = (options) => JSON.stringify(options ?? {});

describe('PerMessageDeflate', { timeout: 20000 }, () => {
  describe('#offer', () => {
    for (const [options, offer] of [
      [undefined, 'D; client_max_window_bits'],
      [{ clientMaxWindowBits: false }, 'D'],
      [{ clientMaxWindowBits: 9 }, 'D; client_max_window_bits=9'],
      [
        { serverMaxWindowBits: 10, serverNoContextTakeover: true },
        'D; server_no_context_takeover; server_max_window_bits=10; ' +
          'client_max_window_bits'
      ],
      [
        { clientNoContextTakeover: true, clientMaxWindowBits: 15 },
        'D; client_no_context_takeover; client_max_window_bits=15'
      ]
    ]) {
      it(`makes an offer of ${shown(options)}`, () => {
        const made = new PerMessageDeflate(options).offer();
        const text = extension.format({ [NAME]: made });
        assert.strictEqual(text, offer.replace('D', NAME));
      });
    }
  });

  describe('#accept of a server', () => {
    for (const [options, offers, params] of [
      [{}, 'D', {}],
      [{}, 'D; client_max_window_bits', {}],
      [{}, 'D; client_max_window_bits=9', { client_max_window_bits: 9 }],
      [{}, 'D; server_max_window_bits=9', { server_max_window_bits: 9 }],
      [
        {},
        'D; server_no_context_takeover; client_no_context_takeover',
        { server_no_context_takeover: true, client_no_context_takeover: true }
      ],
      [{ serverMaxWindowBits: 9 }, 'D', { server_max_window_bits: 9 }],
      [
        { serverMaxWindowBits: 9 },
        'D; server_max_window_bits=8, D; server_max_window_bits=12',
        { server_max_window_bits: 9 }
      ],
      [
        { clientMaxWindowBits: 9 },
        'D, D; client_max_window_bits=8, D; client_max_window_bits',
        { client_max_window_bits: 9 }
      ],
      [{ clientMaxWindowBits: false }, 'D; client_max_window_bits=9', {}],
      [
        { serverNoContextTakeover: false },
        'D; server_no_context_takeover, D',
        {}
      ],
      [
        { serverNoContextTakeover: true, clientNoContextTakeover: true },
        'D',
        { server_no_context_takeover: true, client_no_context_takeover: true }
      ]
    ]) {
      it(`takes one of ${offers} with ${shown(options)}`, () => {
        assert.deepEqual(accept(true, options, offers), params);
      });
    }

    for (const [options, offers] of [
      [{ serverNoContextTakeover: false }, 'D; server_no_context_takeover'],
      [{ serverMaxWindowBits: false }, 'D; server_max_window_bits=9'],
      [{ serverMaxWindowBits: 9 }, 'D; server_max_window_bits=8'],
      [{ clientMaxWindowBits: 9 }, 'D'],
      [{ clientMaxWindowBits: 9 }, 'D; client_max_window_bits=8']
    ]) {
      it(`takes none of ${offers} with ${shown(options)}`, () => {
        assert.throws(() => accept(true, options, offers), {
          name: 'Error',
          message: 'None of the extension offers can be accepted'
        });
      });
    }
  });

  describe('#accept of a client', () => {
    for (const [options, answer, params] of [
      [{}, 'D', {}],
      [{}, 'D; client_max_window_bits=9', { client_max_window_bits: 9 }],
      [{ clientMaxWindowBits: 9 }, 'D', { client_max_window_bits: 9 }],
      [
        { clientMaxWindowBits: 9 },
        'D; client_max_window_bits=8',
        { client_max_window_bits: 8 }
      ],
      [
        {},
        'D; server_max_window_bits=9; server_no_context_takeover',
        { server_max_window_bits: 9, server_no_context_takeover: true }
      ]
    ]) {
      it(`takes ${answer} with ${shown(options)}`, () => {
        assert.deepEqual(accept(false, options, answer), params);
      });
    }

    for (const [options, answer, message] of [
      [
        { clientNoContextTakeover: false },
        'D; client_no_context_takeover',
        'Unexpected parameter "client_no_context_takeover"'
      ],
      ...[false, 9].map((clientMaxWindowBits) => [
        { clientMaxWindowBits },
        'D; client_max_window_bits=10',
        'Unexpected or invalid parameter "client_max_window_bits"'
      ])
    ]) {
      it(`does not take ${answer} with ${shown(options)}`, () => {
        assert.throws(() => accept(false, options, answer), {
          name: 'Error',
          message
        });
      });
    }
  });

  describe('#accept of either side', () => {
    const invalid = (name, value) => [
      TypeError,
      `Invalid value for parameter "${name}": ${value}`
    ];
    const single = (name) => [
      Error,
      `Parameter "${name}" must have only a single value`
    ];
    const ROWS = [
      ['unknown', [Error, 'Unknown parameter "unknown"']],
      ...['server', 'client'].flatMap((side) => [
        [`${side}_max_window_bits=7`, invalid(`${side}_max_window_bits`, '7')],
        [
          `${side}_max_window_bits=16`,
          invalid(`${side}_max_window_bits`, '16')
        ],
        [
          `${side}_max_window_bits=9.5`,
          invalid(`${side}_max_window_bits`, '9.5')
        ],
        [
          `${side}_max_window_bits=9; ${side}_max_window_bits=9`,
          single(`${side}_max_window_bits`)
        ],
        [
          `${side}_no_context_takeover=true`,
          invalid(`${side}_no_context_takeover`, 'true')
        ],
        [
          `${side}_no_context_takeover; ${side}_no_context_takeover`,
          single(`${side}_no_context_takeover`)
        ]
      ]),
      ['server_max_window_bits', invalid('server_max_window_bits', 'true')]
    ];

    for (const [parameters, [Class, message]] of ROWS) {
      it(`does not take the parameters ${parameters}`, () => {
        for (const isServer of [true, false]) {
          for (const text of [`D; ${parameters}`, `D, D; ${parameters}`]) {
            assert.throws(
              () => accept(isServer, {}, text),
              (err) => err.constructor === Class && err.message === message
            );
          }
        }
      });
    }

    it('demands a value of client_max_window_bits from a server', () => {
      assert.throws(() => accept(false, {}, 'D; client_max_window_bits'), {
        name: 'TypeError',
        message: 'Invalid value for parameter "client_max_window_bits": true'
      });
    });

    it('keeps what it returns, and changes what it is given', () => {
      for (const isServer of [true, false]) {
        const instance = new PerMessageDeflate({ isServer });
        const list = parsed('D; server_max_window_bits=9');
        const params = instance.accept(list);
        assert.strictEqual(instance.params, params);
        assert.strictEqual(list[0], params);
        assert.deepEqual(params, { server_max_window_bits: 9 });
      }
    });
  });
});
