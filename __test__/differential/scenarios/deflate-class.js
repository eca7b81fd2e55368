'use strict';

// The class PerMessageDeflate by itself: what it negotiates, and what it says
// to what cannot be negotiated. Compression is in `deflate-streams.js`.

const { alone } = require('../plain-stage');

/** Parameters as `extension.parse()` gives them, good and bad. */
const PARAMS = [
  {},
  { server_no_context_takeover: [true] },
  { client_no_context_takeover: [true] },
  { server_max_window_bits: ['8'] },
  { server_max_window_bits: ['10'] },
  { server_max_window_bits: ['15'] },
  { server_max_window_bits: [9] },
  { client_max_window_bits: [true] },
  { client_max_window_bits: ['8'] },
  { client_max_window_bits: ['10'] },
  { client_max_window_bits: ['15'] },
  { client_max_window_bits: [9] },
  {
    client_max_window_bits: ['12'],
    client_no_context_takeover: [true],
    server_max_window_bits: ['13'],
    server_no_context_takeover: [true]
  },
  { unknown: [true] },
  { unknown: ['a'] },
  { unknown: [true, true] },
  { '': [true] },
  { server_no_context_takeover: [true, true] },
  { server_no_context_takeover: ['true'] },
  { server_no_context_takeover: ['1'] },
  { client_no_context_takeover: [true, true] },
  { client_no_context_takeover: ['10'] },
  { client_no_context_takeover: [false] },
  { server_max_window_bits: [true] },
  { server_max_window_bits: ['10', '10'] },
  { server_max_window_bits: ['7'] },
  { server_max_window_bits: ['16'] },
  { server_max_window_bits: ['1e1'] },
  { server_max_window_bits: ['0x9'] },
  { server_max_window_bits: ['010'] },
  { server_max_window_bits: ['9.5'] },
  { server_max_window_bits: ['a'] },
  { server_max_window_bits: [''] },
  { client_max_window_bits: ['7'] },
  { client_max_window_bits: ['16'] },
  { client_max_window_bits: ['a'] },
  { client_max_window_bits: [true, '9'] },
  { client_max_window_bits: [16] },
  // Which of two faults is told.
  { unknown: [true], server_max_window_bits: ['7'] },
  { server_max_window_bits: ['7'], unknown: [true] },
  { client_max_window_bits: ['7', '8'], server_max_window_bits: [true] }
];

/** Each value of each option, and some of them together. */
const OPTIONS = [
  undefined,
  {},
  { serverNoContextTakeover: true },
  { serverNoContextTakeover: false },
  { clientNoContextTakeover: true },
  { clientNoContextTakeover: false },
  { serverMaxWindowBits: 10 },
  { serverMaxWindowBits: true },
  { serverMaxWindowBits: false },
  { clientMaxWindowBits: 10 },
  { clientMaxWindowBits: true },
  { clientMaxWindowBits: false },
  { clientMaxWindowBits: undefined },
  { clientMaxWindowBits: null },
  { clientMaxWindowBits: 0 },
  { serverMaxWindowBits: 0, serverNoContextTakeover: 0 },
  {
    clientMaxWindowBits: 9,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 11,
    serverNoContextTakeover: true
  }
];

/** @param {Object} params parameters, which the class may change */
const copy = (params) =>
  Object.fromEntries(
    Object.entries(params).map(([name, values]) => [name, [...values]])
  );

/**
 * Logs what `accept()` makes of a list.
 *
 * @param {PlainStage} stage where to log it
 * @param {(Object|undefined)} options those of the class
 * @param {Object[]} list what to accept
 */
function noteAccept(stage, options, list) {
  const { PerMessageDeflate } = stage.package;
  const given = list.map(copy);
  const extension = new PerMessageDeflate(options);
  stage.attempt(JSON.stringify(list), () => {
    const params = extension.accept(given);
    const same = params === extension.params;
    return `${JSON.stringify(params)} ${same} ${given.indexOf(params)}`;
  });
  stage.note(`${JSON.stringify(given)} ${JSON.stringify(extension.params)}`);
}

const scenarios = {
  stages: alone,

  'what the class has'(stage) {
    const { PerMessageDeflate } = stage.package;
    const { length, name, extensionName } = PerMessageDeflate;
    stage.note(`${name} ${length} ${extensionName}`);
    const found = Object.getOwnPropertyDescriptor(
      PerMessageDeflate,
      'extensionName'
    );
    stage.note(`${found.enumerable} ${typeof found.get} ${typeof found.set}`);
    for (const method of [
      'offer',
      'accept',
      'compress',
      'decompress',
      'cleanup'
    ]) {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(
        PerMessageDeflate.prototype,
        method
      );
      stage.note(`${method} ${value.length} ${JSON.stringify(flags)}`);
    }
    stage.attempt('without new', () => PerMessageDeflate());
    stage.attempt('null', () => new PerMessageDeflate(null).offer());
    stage.note(PerMessageDeflate === stage.package.lib('permessage-deflate'));
    const derived = new (class Mine extends PerMessageDeflate {})();
    stage.note(`${derived.constructor.name} ${derived.params}`);
  },

  'made of anything that is given'(stage) {
    const { PerMessageDeflate } = stage.package;
    for (const options of [
      undefined,
      null,
      0,
      'text',
      [],
      { threshold: -1, maxPayload: -1, concurrencyLimit: 5, isServer: 1 },
      { threshold: NaN, maxPayload: 2 ** 33 },
      { zlibDeflateOptions: null, zlibInflateOptions: 1 },
      { zlibDeflateOptions: { level: 99 } }
    ]) {
      stage.attempt(JSON.stringify(options), () => {
        const extension = new PerMessageDeflate(options);
        return `${extension.params} ${JSON.stringify(extension.offer())}`;
      });
    }
  },

  'offers with each option'(stage) {
    const { PerMessageDeflate, extension } = stage.package;
    for (const options of OPTIONS) {
      for (const isServer of [false, true]) {
        const made = new PerMessageDeflate(options && { ...options, isServer });
        const offer = made.offer();
        const text = extension.format({
          [PerMessageDeflate.extensionName]: offer
        });
        stage.note(`${JSON.stringify(options)}: ${JSON.stringify(offer)}`);
        stage.note(`${text} ${made.params} ${made.offer() === offer}`);
      }
    }
  },

  'lists of several offers'(stage) {
    const windows = [
      { server_max_window_bits: ['8'] },
      { server_max_window_bits: ['12'] }
    ];
    const noted = (options) => {
      noteAccept(stage, options, windows);
      noteAccept(stage, options, [{ client_max_window_bits: [true] }, {}]);
      noteAccept(stage, options, [{}, { client_max_window_bits: [true] }]);
      noteAccept(stage, options, [{}, { unknown: [true] }]);
      noteAccept(stage, options, [{ unknown: [true] }, {}]);
      if (options.isServer) noteAccept(stage, options, []);
    };
    for (const isServer of [true, false]) {
      noted({ isServer });
      noted({ isServer, serverMaxWindowBits: 10 });
      noted({ isServer, clientMaxWindowBits: 10 });
      noted({ isServer, serverMaxWindowBits: false });
      noted({ isServer, clientMaxWindowBits: false });
    }
  },

  'other lists than a parser gives'(stage) {
    const { PerMessageDeflate } = stage.package;
    for (const isServer of [true, false]) {
      for (const value of [
        [{ server_max_window_bits: '10' }],
        [{ server_max_window_bits: '9' }],
        [{ server_no_context_takeover: true }],
        [{ client_max_window_bits: [] }],
        [Object.create({ server_max_window_bits: ['10'] })]
      ]) {
        const made = new PerMessageDeflate({ isServer });
        stage.attempt(JSON.stringify(value), () =>
          JSON.stringify(made.accept(value))
        );
        stage.note(JSON.stringify(made.params));
      }
      for (const value of [undefined, null, {}, 'a', [undefined], [null]]) {
        const made = new PerMessageDeflate({ isServer });
        try {
          stage.note(made.accept(value));
        } catch (err) {
          stage.note(`${JSON.stringify(value)}: ${err.name} ${made.params}`);
        }
      }
    }
  },

  'what a parser gives, and what is formatted of it'(stage) {
    const { PerMessageDeflate, extension } = stage.package;
    const { extensionName } = PerMessageDeflate;
    for (const isServer of [true, false]) {
      const header = `${extensionName}; server_max_window_bits=9`;
      const list = extension.parse(header)[extensionName];
      const params = new PerMessageDeflate({ isServer }).accept(list);
      stage.note(extension.format({ [extensionName]: params }));
      stage.note(extension.format({ [extensionName]: [params] }));
    }
  },

  'accept called again'(stage) {
    const { PerMessageDeflate } = stage.package;
    for (const isServer of [true, false]) {
      const made = new PerMessageDeflate({ isServer, clientMaxWindowBits: 10 });
      const first = made.accept([{ client_max_window_bits: ['10'] }]);
      stage.note(JSON.stringify(made.params));
      stage.attempt('bad', () => made.accept([{ unknown: [true] }]));
      stage.note(`${made.params === first}`);
      stage.attempt('again', () =>
        made.accept([{ client_max_window_bits: ['9'] }])
      );
      stage.note(JSON.stringify(made.params));
      made.cleanup();
      stage.note(`${JSON.stringify(made.params)}`);
    }
  }
};

for (const isServer of [true, false]) {
  const role = isServer ? 'server' : 'client';
  for (const options of OPTIONS) {
    if (options === undefined && isServer) continue;
    const title = options && JSON.stringify(options);
    scenarios[`accepted by a ${role} with ${title}`] = (stage) => {
      const all = options && { ...options, isServer };
      for (const params of PARAMS) noteAccept(stage, all, [params]);
    };
  }
}

module.exports = scenarios;
