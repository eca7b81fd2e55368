'use strict';

// The class by itself: what it offers and accepts, compresses and inflates.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const zlib = require('node:zlib');

const brokenDeflate = require('./support/broken-deflate');
const { Deflater, Inflater, TAIL } = require('./support/deflate');
const { extension, lib, PerMessageDeflate } = require('./support/ferrows');

const { kStatusCode } = lib('constants');

const NAME = 'permessage-deflate';

/** The offers, or the answer, in a header. */
const parsed = (text) => extension.parse(text.replace(/\bD\b/g, NAME))[NAME];

/** What is accepted of a header by a side with some options. */
const accept = (isServer, options, text) =>
  new PerMessageDeflate({ ...options, isServer }).accept(parsed(text));

/**
 * An extension of a client that has negotiated.
 *
 * @param {Object} [options] its options
 * @param {string} [answer] what the server has answered
 * @return {{compress: Function, decompress: Function, instance:
 *     PerMessageDeflate}} its methods, with promises
 */
function negotiated(options, answer = 'D') {
  const instance = new PerMessageDeflate({ threshold: 0, ...options });
  instance.accept(parsed(answer));
  return {
    instance,
    compress: promisify(instance.compress.bind(instance)),
    decompress: promisify(instance.decompress.bind(instance))
  };
}

/** A row of a table, as the title of a test. */
const shown = (options) => JSON.stringify(options ?? {});

describe('PerMessageDeflate', { timeout: 20000 }, () => {
  it('has the name of the extension', () => {
    assert.strictEqual(PerMessageDeflate.extensionName, NAME);
    assert.strictEqual(PerMessageDeflate, lib('permessage-deflate'));
  });

  it('needs no options', () => {
    assert.strictEqual(new PerMessageDeflate().params, null);
  });

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

  describe('#compress and #decompress', () => {
    it('are inverse to each other', async () => {
      const { compress, decompress } = negotiated();
      for (const data of ['', 'a', 'text', 'x'.repeat(100000)]) {
        const bytes = await compress(Buffer.from(data), true);
        assert.strictEqual(`${await decompress(bytes, true)}`, data);
      }
    });

    it('call back later', async () => {
      const { instance } = negotiated();
      const done = [];
      const called = (name) => done.push(name);
      instance.compress('text', true, () => called('compressed'));
      instance.decompress(Buffer.of(0), true, () => called('inflated'));
      assert.deepStrictEqual(done, []);
      while (done.length < 2) await new Promise(setImmediate);
    });

    it('work on parts', async () => {
      const { compress, decompress } = negotiated();
      const parts = ['one ', '', 'two ', 'three'];
      const inflater = new Inflater();
      for (const [i, part] of parts.entries()) {
        const fin = i === parts.length - 1;
        const bytes = await compress(part, fin);
        assert.strictEqual(bytes.subarray(-4).equals(TAIL), !fin);
        assert.strictEqual(`${inflater.fragment(bytes, fin)}`, part);
        assert.strictEqual(`${await decompress(bytes, fin)}`, part);
      }
    });

    it('use the memory unless it was given up', async () => {
      const noise = Buffer.from(Array.from({ length: 300 }, (_, i) => i * i));
      for (const takeover of [true, false]) {
        const answer = takeover ? 'D' : 'D; client_no_context_takeover';
        const { compress } = negotiated({}, answer);
        const inflater = new Inflater({ takeover });
        const sizes = [];
        for (let i = 0; i < 3; i++) {
          const bytes = await compress(noise, true);
          sizes.push(bytes.length);
          assert.ok(inflater.fragment(bytes).equals(noise));
        }
        assert.strictEqual(sizes[2] < sizes[0] / 2, takeover);
      }
    });

    it('give the stream up at a final block', async () => {
      const { decompress } = negotiated();
      const final = zlib.deflateRawSync('final');
      const fresh = new Deflater().message('fresh');
      const inOne = Buffer.concat([final, fresh]);
      for (const bytes of [final, Buffer.concat([final, TAIL]), inOne]) {
        assert.strictEqual(`${await decompress(bytes, true)}`, 'final');
        assert.strictEqual(`${await decompress(fresh, true)}`, 'fresh');
      }
    });

    for (const { name, message, bytes } of brokenDeflate) {
      it(`report ${name}`, async () => {
        const { decompress } = negotiated();
        await assert.rejects(decompress(bytes, true), {
          name: 'Error',
          code: 'Z_DATA_ERROR',
          errno: -3,
          message,
          [kStatusCode]: 1007
        });
      });
    }

    it('report what is over the limit, and allow what is not', async () => {
      const { decompress } = negotiated({ maxPayload: 5 });
      const message = (data) => new Deflater().message(data);
      assert.strictEqual(
        `${await decompress(message('12345'), true)}`,
        '12345'
      );
      for (const data of ['123456', 'x'.repeat(1e6)]) {
        await assert.rejects(decompress(message(data), true), {
          name: 'RangeError',
          code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
          message: 'Max payload size exceeded',
          [kStatusCode]: 1009
        });
      }
    });
  });

  describe('#cleanup', () => {
    it('calls back what is being compressed, with an error', () => {
      const { instance } = negotiated();
      const results = [];
      instance.compress('text', true, (...args) => results.push(args));
      instance.cleanup();
      assert.strictEqual(results.length, 1);
      assert.strictEqual(
        results[0][0].message,
        'The deflate stream was closed while data was being processed'
      );
    });

    it('may be called at any time', async () => {
      const { compress, decompress, instance } = negotiated();
      instance.cleanup();
      const bytes = await compress('text', true);
      instance.cleanup();
      instance.cleanup();
      assert.strictEqual(`${await decompress(bytes, true)}`, 'text');
      instance.cleanup();
      assert.deepStrictEqual(await compress('text', true), bytes);
      instance.cleanup();
    });
  });
});
