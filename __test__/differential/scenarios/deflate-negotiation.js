'use strict';

// A server that is offered permessage-deflate over HTTP. What it makes of each
// offer is in `deflate-offers.js`.

const { serverStages } = require('../server-stage');

const NAME = 'permessage-deflate';
const FIELD = 'Sec-WebSocket-Extensions';

/** @param {string} offer an offer with D for the name */
const full = (offer) => offer.replace(/\bD\b/g, NAME);

/**
 * Sends offers to a server one after another.
 *
 * @param {ServerStage} stage the stage
 * @param {...string} offers values of the header
 */
async function ask(stage, ...offers) {
  for (const offer of offers) {
    const count = stage.sockets.length;
    const client = stage.ask({ [FIELD]: full(offer) });
    const isRefused = () => client.lines.includes('close');
    await stage.until(() => isRefused() || stage.sockets.length > count);
    if (isRefused()) continue;
    const { extensions, _extensions } = stage.sockets.at(-1);
    stage.note(`${extensions} ${Object.keys(_extensions)}`);
    await client.bye();
  }
}

module.exports = {
  stages: serverStages('port', 'noServer'),

  async 'an offer that is accepted'(stage) {
    await stage.open({ perMessageDeflate: true });
    await ask(stage, 'D; client_max_window_bits');
  },

  async 'where the answer stands'(stage) {
    await stage.open({ perMessageDeflate: { serverMaxWindowBits: 10 } });
    stage.wss.on('headers', (lines) => stage.note(JSON.stringify(lines)));
    const { client, ws } = await stage.connection('/', {
      'Sec-WebSocket-Protocol': 'a, b',
      [FIELD]: NAME
    });
    stage.note(`${ws.protocol} ${ws.extensions}`);
    await client.bye();
    stage.note(`${ws.extensions}`);
  },

  async 'an offer that is changed by a headers listener'(stage) {
    await stage.open({ perMessageDeflate: true });
    stage.wss.on('headers', (lines) => lines.pop());
    await ask(stage, 'D');
  },

  async 'offers that cannot be accepted'(stage) {
    await stage.open({
      perMessageDeflate: { clientMaxWindowBits: 10, serverMaxWindowBits: false }
    });
    await ask(
      stage,
      'D',
      'D; client_max_window_bits=9',
      'D; client_max_window_bits; server_max_window_bits=10',
      'D; client_max_window_bits=9, D; client_max_window_bits=10'
    );
  },

  async 'offers that are wrong'(stage) {
    await stage.open({ perMessageDeflate: true });
    await ask(
      stage,
      'D; unknown',
      'D; server_max_window_bits',
      'D; client_no_context_takeover=1',
      'D; server_no_context_takeover; server_no_context_takeover',
      'D; client_max_window_bits=16',
      'D;'
    );
  },

  async 'refusals that a listener answers'(stage) {
    await stage.open({ perMessageDeflate: { clientMaxWindowBits: 10 } });
    stage.watchFaults();
    await ask(stage, 'D', 'D; unknown', 'D; client_max_window_bits=7', 'D;');
    await ask(stage, 'D; client_max_window_bits');
  },

  async 'several headers with offers'(stage) {
    await stage.open({ perMessageDeflate: { serverMaxWindowBits: 12 } });
    await ask(
      stage,
      `D; server_max_window_bits=10\r\n${FIELD}: D; server_max_window_bits=12`,
      `other\r\n${FIELD}: D`,
      `D\r\n${FIELD}: D; unknown`
    );
  },

  async 'nothing offered'(stage) {
    await stage.open({ perMessageDeflate: { clientMaxWindowBits: 10 } });
    await ask(stage, 'other', 'D-not');
    const { client, ws } = await stage.connection();
    stage.note(`"${ws.extensions}" ${Object.keys(ws._extensions)}`);
    await client.bye();
  },

  async 'refusals with several reasons'(stage) {
    await stage.open({
      perMessageDeflate: true,
      verifyClient: () => {
        stage.note('verified');
        return false;
      }
    });
    await stage.refused({ [FIELD]: full('D; unknown') });
    await stage.refused({ [FIELD]: full('D') });
    await stage.refused({
      'Sec-WebSocket-Protocol': ',',
      [FIELD]: full('D; unknown')
    });
  },

  async 'an offer that waits for verifyClient'(stage) {
    await stage.open({
      perMessageDeflate: { serverNoContextTakeover: true },
      verifyClient: (info, cb) => setImmediate(cb, true)
    });
    await ask(stage, 'D; client_max_window_bits=10', 'D; unknown');
  },

  async 'completeUpgrade gets the extensions'(stage) {
    const { WebSocketServer } = stage.package;
    const { completeUpgrade } = WebSocketServer.prototype;
    await stage.open({ perMessageDeflate: true });
    stage.wss.completeUpgrade = function (extensions, ...rest) {
      for (const [name, extension] of Object.entries(extensions)) {
        stage.note(`${name} ${extension.constructor.name}`);
        stage.note(JSON.stringify(extension.params));
      }
      return completeUpgrade.call(this, extensions, ...rest);
    };
    await ask(stage, 'D; client_max_window_bits=10', 'other');
  },

  async 'options that stay as they were'(stage) {
    const perMessageDeflate = Object.freeze({
      serverMaxWindowBits: 10,
      zlibDeflateOptions: Object.freeze({ level: 1 })
    });
    await stage.open({ perMessageDeflate });
    await ask(stage, 'D; client_max_window_bits');
    const { options } = stage.wss;
    stage.note(`${options.perMessageDeflate === perMessageDeflate}`);
    stage.note(JSON.stringify(options.perMessageDeflate));
  },

  async 'an option that is changed while it listens'(stage) {
    await stage.open({ perMessageDeflate: false });
    const { options } = stage.wss;
    await ask(stage, 'D');
    options.perMessageDeflate = { serverMaxWindowBits: 9 };
    await ask(stage, 'D');
    options.perMessageDeflate.serverMaxWindowBits = 11;
    await ask(stage, 'D');
    options.perMessageDeflate = false;
    await ask(stage, 'D');
  }
};
