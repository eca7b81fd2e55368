'use strict';

// What a server makes of each offer of permessage-deflate, with each of its
// options (RFC 7692, section 7.1).

const { alone } = require('../plain-stage');
const { BareDuplex, fakeRequest, NO_BYTES } = require('../../support/upgrade');

const NAME = 'permessage-deflate';
const FIELD = 'Sec-WebSocket-Extensions';

/** Values of the header, with D for the name. */
const OFFERS = [
  'D',
  'D; client_max_window_bits',
  'D; client_max_window_bits=8',
  'D; client_max_window_bits=9',
  'D; client_max_window_bits=10',
  'D; client_max_window_bits="11"',
  'D; client_max_window_bits=15',
  'D; server_max_window_bits=8',
  'D; server_max_window_bits=9',
  'D; server_max_window_bits=10',
  'D; server_max_window_bits="11"',
  'D; server_max_window_bits=15',
  'D; server_no_context_takeover',
  'D; client_no_context_takeover',
  'D; client_no_context_takeover; server_no_context_takeover',
  'D; server_no_context_takeover; client_no_context_takeover; ' +
    'server_max_window_bits=12; client_max_window_bits=13',
  'D; client_max_window_bits; server_max_window_bits=10; ' +
    'client_no_context_takeover',
  // Several offers: the first that can be accepted is.
  'D; server_max_window_bits=8, D; server_max_window_bits=12, D',
  'D; client_max_window_bits=8, D; client_max_window_bits=12, D',
  'D; server_no_context_takeover, D; client_no_context_takeover, D',
  'D; client_max_window_bits; server_max_window_bits=8, ' +
    'D; client_max_window_bits',
  'D, D; client_max_window_bits=8',
  'D, D; server_no_context_takeover',
  'other, D; client_max_window_bits, another; a=b'
];

/** Values of the header that are wrong in themselves. */
const BAD_OFFERS = [
  'D; unknown',
  'D; unknown=1',
  'D; client_max_window_bits; client_max_window_bits',
  'D; server_max_window_bits=10; server_max_window_bits=10',
  'D; server_no_context_takeover; server_no_context_takeover',
  'D; client_no_context_takeover; client_no_context_takeover',
  'D; server_no_context_takeover=true',
  'D; server_no_context_takeover=1',
  'D; client_no_context_takeover=a',
  'D; server_max_window_bits',
  'D; server_max_window_bits=7',
  'D; server_max_window_bits=16',
  'D; server_max_window_bits=08',
  'D; server_max_window_bits=1e1',
  'D; server_max_window_bits=0xa',
  'D; server_max_window_bits=10.0',
  'D; server_max_window_bits=10.5',
  'D; server_max_window_bits=+10',
  'D; server_max_window_bits=-10',
  'D; server_max_window_bits=ten',
  'D; client_max_window_bits=7',
  'D; client_max_window_bits=16',
  'D; client_max_window_bits=0',
  'D; client_max_window_bits=010',
  'D; client_max_window_bits=true',
  'D; Server_No_Context_Takeover',
  'D; client_max_window_bits=" 9"',
  // One of them is enough.
  'D, D; unknown',
  'D; unknown, D',
  'D; server_max_window_bits=7, D',
  // Neither a name nor a grammar that anybody knows.
  'PERMESSAGE-DEFLATE',
  'permessage-deflate-frame',
  'x-webkit-deflate-frame',
  '__proto__',
  'D;',
  ';',
  'D; =1',
  'D; client_max_window_bits=',
  'D; client_max_window_bits="9',
  'D client_max_window_bits',
  ' D',
  ''
];

/** Each value of each option, and some of them together. */
const OPTIONS = {
  true: true,
  nothing: {},
  'serverNoContextTakeover true': { serverNoContextTakeover: true },
  'serverNoContextTakeover false': { serverNoContextTakeover: false },
  'serverNoContextTakeover null': { serverNoContextTakeover: null },
  'serverNoContextTakeover 1': { serverNoContextTakeover: 1 },
  'clientNoContextTakeover true': { clientNoContextTakeover: true },
  'clientNoContextTakeover false': { clientNoContextTakeover: false },
  'clientNoContextTakeover 1': { clientNoContextTakeover: 1 },
  'serverMaxWindowBits 8': { serverMaxWindowBits: 8 },
  'serverMaxWindowBits 10': { serverMaxWindowBits: 10 },
  'serverMaxWindowBits 15': { serverMaxWindowBits: 15 },
  'serverMaxWindowBits false': { serverMaxWindowBits: false },
  'serverMaxWindowBits true': { serverMaxWindowBits: true },
  'serverMaxWindowBits a string': { serverMaxWindowBits: '10' },
  'clientMaxWindowBits 8': { clientMaxWindowBits: 8 },
  'clientMaxWindowBits 10': { clientMaxWindowBits: 10 },
  'clientMaxWindowBits 15': { clientMaxWindowBits: 15 },
  'clientMaxWindowBits false': { clientMaxWindowBits: false },
  'clientMaxWindowBits true': { clientMaxWindowBits: true },
  'clientMaxWindowBits null': { clientMaxWindowBits: null },
  'clientMaxWindowBits a string': { clientMaxWindowBits: '10' },
  'numbers that zlib refuses': {
    clientMaxWindowBits: 16,
    serverMaxWindowBits: 7
  },
  'both windows': { clientMaxWindowBits: 9, serverMaxWindowBits: 11 },
  'both flags': {
    clientNoContextTakeover: true,
    serverNoContextTakeover: true
  },
  'everything imposed': {
    clientMaxWindowBits: 10,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 12,
    serverNoContextTakeover: true
  },
  'everything refused': {
    clientMaxWindowBits: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: false,
    serverNoContextTakeover: false
  },
  'what is not negotiated': {
    concurrencyLimit: 3,
    threshold: 5,
    zlibDeflateOptions: { level: 1 },
    zlibInflateOptions: { chunkSize: 1024 }
  }
};

/** @param {string} offer an offer with D in it */
const full = (offer) => offer.replace(/\bD\b/g, NAME);

/**
 * Logs what a server makes of offers.
 *
 * @param {PlainStage} stage where to log it
 * @param {string[]} offers values of the header
 * @param {(boolean|Object)} perMessageDeflate the option of the server
 */
async function noteOutcomes(stage, offers, perMessageDeflate) {
  const { WebSocketServer } = stage.package;
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate });
  for (const offer of offers) await noteUpgrade(stage, wss, offer);
}

/**
 * Hands a request to a server, without a network, and logs the outcome.
 *
 * @param {PlainStage} stage where to log it
 * @param {WebSocketServer} wss the server
 * @param {string} offer the value of the header
 */
async function noteUpgrade(stage, wss, offer) {
  const socket = new BareDuplex();
  const headers = { [FIELD.toLowerCase()]: full(offer) };
  const request = fakeRequest(headers, { socket });
  let outcome = 'refused';
  wss.handleUpgrade(request, socket, NO_BYTES, (ws) => {
    const names = Object.keys(ws._extensions);
    const params = names.map((name) => ws._extensions[name].params);
    outcome = `"${ws.extensions}" ${names} ${JSON.stringify(params)}`;
    ws.terminate();
  });
  await new Promise(setImmediate);
  const [line, ...lines] = socket.writes.join('').split('\r\n');
  const field = lines.find((text) => text.startsWith(FIELD));
  stage.note(`${offer}: ${line} | ${field} | ${lines.at(-1)} | ${outcome}`);
}

const scenarios = {
  stages: alone,

  async 'offers that are wrong in each way'(stage) {
    await noteOutcomes(stage, BAD_OFFERS, true);
  }
};

for (const [name, perMessageDeflate] of Object.entries(OPTIONS)) {
  scenarios[`offers, with ${name}`] = async (stage) => {
    await noteOutcomes(stage, OFFERS, perMessageDeflate);
  };
}

module.exports = scenarios;
