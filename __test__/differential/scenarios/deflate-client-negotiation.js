'use strict';

// What a client offers, and what it makes of each answer.

const { clientStages } = require('../client-stage');

const NAME = 'permessage-deflate';
const FIELD = 'Sec-WebSocket-Extensions';

/** What a server may answer, with D for the name. */
const ANSWERS = [
  undefined,
  'D',
  'D; server_no_context_takeover',
  'D; client_no_context_takeover',
  'D; server_max_window_bits=8',
  'D; server_max_window_bits=10',
  'D; server_max_window_bits=15',
  'D; client_max_window_bits=8',
  'D; client_max_window_bits=10',
  'D; client_max_window_bits="11"',
  'D; client_max_window_bits=15',
  'D; client_max_window_bits=9; client_no_context_takeover; ' +
    'server_max_window_bits=12; server_no_context_takeover'
];

/** What it must not answer. */
const BAD_ANSWERS = [
  'D; unknown',
  'D; unknown=1',
  'D; client_max_window_bits',
  'D; client_max_window_bits=7',
  'D; client_max_window_bits=16',
  'D; client_max_window_bits=ten',
  'D; client_max_window_bits=10; client_max_window_bits=10',
  'D; server_max_window_bits',
  'D; server_max_window_bits=7',
  'D; server_max_window_bits=16',
  'D; server_max_window_bits=10; server_max_window_bits=9',
  'D; server_no_context_takeover=true',
  'D; client_no_context_takeover=1',
  'D; server_no_context_takeover; server_no_context_takeover',
  // One answer, and nothing else.
  'D, D',
  'D, D; unknown',
  'D; server_no_context_takeover, D; client_no_context_takeover',
  'D, other',
  'other, D',
  'other',
  'PERMESSAGE-DEFLATE',
  'D;',
  'D; =1',
  'D; a=',
  ',',
  ''
];

/** Each value of each option, and some of them together. */
const OPTIONS = {
  true: true,
  nothing: {},
  'serverNoContextTakeover true': { serverNoContextTakeover: true },
  'serverNoContextTakeover false': { serverNoContextTakeover: false },
  'serverNoContextTakeover 1': { serverNoContextTakeover: 1 },
  'clientNoContextTakeover true': { clientNoContextTakeover: true },
  'clientNoContextTakeover false': { clientNoContextTakeover: false },
  'clientNoContextTakeover 0': { clientNoContextTakeover: 0 },
  'serverMaxWindowBits 8': { serverMaxWindowBits: 8 },
  'serverMaxWindowBits 10': { serverMaxWindowBits: 10 },
  'serverMaxWindowBits 15': { serverMaxWindowBits: 15 },
  'serverMaxWindowBits true': { serverMaxWindowBits: true },
  'serverMaxWindowBits false': { serverMaxWindowBits: false },
  'serverMaxWindowBits a string': { serverMaxWindowBits: '10' },
  'clientMaxWindowBits 8': { clientMaxWindowBits: 8 },
  'clientMaxWindowBits 10': { clientMaxWindowBits: 10 },
  'clientMaxWindowBits 15': { clientMaxWindowBits: 15 },
  'clientMaxWindowBits true': { clientMaxWindowBits: true },
  'clientMaxWindowBits false': { clientMaxWindowBits: false },
  'clientMaxWindowBits null': { clientMaxWindowBits: null },
  'clientMaxWindowBits a string': { clientMaxWindowBits: '10' },
  'numbers that zlib refuses': {
    clientMaxWindowBits: 16,
    serverMaxWindowBits: 7
  },
  everything: {
    clientMaxWindowBits: 10,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 12,
    serverNoContextTakeover: true,
    threshold: 3
  },
  'everything refused': {
    clientMaxWindowBits: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: false,
    serverNoContextTakeover: false
  }
};

/**
 * Gets answers to clients one after another.
 *
 * @param {ClientStage} stage the stage
 * @param {string[]} answers what the server answers
 * @param {Object} options those of each client
 */
async function compareAnswers(stage, answers, options) {
  const rest = answers.values();
  const peer = await stage.serve('peer', (head) => {
    const answer = rest.next().value;
    stage.note(`${head.get(FIELD)} -> ${answer}`);
    if (answer === undefined) return head.switching();
    return head.switching(`${FIELD}: ${answer.replace(/\bD\b/g, NAME)}`);
  });
  for (let i = 1; i <= answers.length; i++) {
    const ws = stage.connect(peer.url(), options);
    ws.on('open', () => {
      const names = Object.keys(ws._extensions);
      const params = names.map((name) => ws._extensions[name].params);
      stage.note(`"${ws.extensions}" ${names} ${JSON.stringify(params)}`);
      ws.close();
    });
    await stage.settled(i);
    stage.note(`"${ws.extensions}"`);
  }
  // The requests are all alike, and what was offered is noted already.
  const { peer: lines } = stage.log;
  lines.splice(0, lines.length, ...lines.filter((line) => /^cl/.test(line)));
}

const scenarios = {
  stages: clientStages('ws'),

  async 'where the offer stands'(stage) {
    const peer = await stage.serve('peer', (head) =>
      head.switching(`${FIELD}: ${NAME}`)
    );
    stage.connect(peer.url(), {
      perMessageDeflate: { serverNoContextTakeover: true, threshold: 0 },
      origin: 'http://a',
      headers: { b: 'c', [FIELD]: 'mine' }
    });
    await stage.opened();
  },

  async 'the offer of a client without the option'(stage) {
    const peer = await stage.serve('peer', (head) => head.switching());
    const { WebSocket } = stage.package;
    stage.ws = new WebSocket(peer.url(), {
      generateMask: (mask) => mask.set([1, 2, 3, 4])
    });
    stage.watch(stage.ws);
    await stage.opened();
  },

  async 'an answer in two headers'(stage) {
    await compareAnswers(
      stage,
      [
        `D\r\n${FIELD}: D`,
        `D\r\n${FIELD}: other`,
        `D; client_no_context_takeover\r\n${FIELD}: D`
      ],
      { perMessageDeflate: true }
    );
  },

  async 'an answer though nothing was offered'(stage) {
    await compareAnswers(stage, [undefined, 'D', 'other', ';', ''], {
      perMessageDeflate: false
    });
  },

  async 'answers that are wrong in two ways'(stage) {
    await compareAnswers(
      stage,
      [
        'D\r\nSec-WebSocket-Protocol: a',
        'D; unknown\r\nSec-WebSocket-Protocol: a',
        'D; unknown\r\nUpgrade: h2c',
        'other; unknown'
      ],
      { perMessageDeflate: true }
    );
  },

  async 'options that stay as they were'(stage) {
    const perMessageDeflate = Object.freeze({
      clientMaxWindowBits: 10,
      zlibDeflateOptions: Object.freeze({ level: 1 }),
      zlibInflateOptions: Object.freeze({ chunkSize: 64 })
    });
    const options = Object.freeze({ perMessageDeflate });
    await compareAnswers(stage, ['D', 'D; unknown'], options);
    stage.note(JSON.stringify(options));
  },

  async 'an offer after a redirect'(stage) {
    const target = await stage.serve('target', (head) =>
      head.switching(`${FIELD}: ${NAME}; client_max_window_bits=9`)
    );
    const peer = await stage.serve('peer', (head, socket) => {
      socket.end(
        `HTTP/1.1 302 Found\r\nLocation: ${target.url('/there')}\r\n\r\n`
      );
    });
    const ws = stage.connect(peer.url(), {
      followRedirects: true,
      perMessageDeflate: { serverMaxWindowBits: 11 }
    });
    ws.on('open', () => {
      stage.note(JSON.stringify(ws._extensions[NAME].params));
    });
    await stage.opened();
  },

  async 'what the extension is'(stage) {
    await stage.meet((head) => head.switching(`${FIELD}: ${NAME}`), {
      perMessageDeflate: true
    });
    const { _extensions: before } = stage.ws;
    stage.note(JSON.stringify(before));
    await stage.logged(/^open/);
    const { _extensions: extensions } = stage.ws;
    const { PerMessageDeflate } = stage.package;
    stage.note(`${extensions === before} ${Object.keys(extensions)}`);
    stage.note(extensions[NAME] instanceof PerMessageDeflate);
    stage.ws.close();
    await stage.closed();
    stage.note(Object.keys(stage.ws._extensions));
    stage.note(JSON.stringify(extensions[NAME].params));
  }
};

for (const [name, perMessageDeflate] of Object.entries(OPTIONS)) {
  scenarios[`answers, with ${name}`] = async (stage) => {
    await compareAnswers(stage, ANSWERS, { perMessageDeflate });
  };
}

for (const value of [undefined, null, 0, '', 1, 'yes']) {
  scenarios[`answers, with the option ${typeof value} ${value}`] = async (
    stage
  ) => {
    const options = { perMessageDeflate: value };
    await compareAnswers(stage, [undefined, 'D', ''], options);
  };
}

scenarios['answers that are wrong in each way'] = async (stage) => {
  await compareAnswers(stage, BAD_ANSWERS, { perMessageDeflate: true });
};

module.exports = scenarios;
