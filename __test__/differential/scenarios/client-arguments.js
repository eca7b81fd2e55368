'use strict';

// What a client's constructor takes, and what it throws.

const { clientStages } = require('../client-stage');
const { BareDuplex } = require('../../support/upgrade');

/** A `createConnection` that goes nowhere. */
const nowhere = () => new BareDuplex();

/**
 * Logs whether a constructor throws, or what its client says of itself.
 *
 * @param {ClientStage} stage the stage
 * @param {string} name what is tried
 * @param {Array} args the constructor's arguments, its options last
 */
function construct(stage, name, ...args) {
  const { WebSocket } = stage.package;
  stage.attempt(name, () => {
    const ws = new WebSocket(...args);
    const field = ws._req?.getHeader('sec-websocket-protocol');
    ws.on('error', () => {}).terminate();
    return `${ws.url} ${ws._req?.host} ${ws._req?.path} ${field}`;
  });
}

module.exports = {
  stages: clientStages('ws'),

  async 'addresses that are refused'(stage) {
    for (const address of [
      undefined,
      '',
      'ws://',
      'localhost',
      '/path',
      'ws://a b',
      'ws://localhost:99999',
      'ftp://localhost',
      'file:///path',
      'ws+http://localhost',
      'ws+unix:',
      'ws+unix:#a',
      'ws://localhost#',
      'ws://localhost#a',
      'ws+unix:/path#a',
      Symbol('a'),
      {},
      7
    ]) {
      construct(stage, String(address), address, {
        createConnection: nowhere
      });
    }
  },

  async 'addresses that are taken'(stage) {
    const { URL } = globalThis;
    for (const address of [
      'ws://LOCALHOST',
      'ws://localhost:80/a/../b?c=d e',
      'wss://localhost:443',
      'wss://localhost:80/',
      'http://localhost/é',
      'HTTPS://localhost:8443?',
      'ws://[::1]:99/',
      'ws://127.1/',
      'ws://a:b@localhost/',
      'ws+unix:/a/b.sock',
      'ws+unix:a/b.sock:/c?d',
      'ws+unix:/a/b.sock:c',
      'ws+unix:/a/b.sock:',
      'ws+unix:/a:/b:/c?d:e',
      'ws+unix:/a?b=c',
      'ws+unix://host/a:/b',
      new URL('https://localhost/path?a#'),
      { toString: () => 'ws://localhost/object' }
    ]) {
      construct(stage, String(address), address, {
        createConnection: nowhere
      });
    }
  },

  async 'a URL object is not changed'(stage) {
    const url = new URL('http://user:word@localhost/');
    construct(stage, 'URL', url, { createConnection: nowhere });
    stage.note(url.href);
  },

  async 'subprotocols in each form of the arguments'(stage) {
    const address = 'ws://localhost';
    const options = { createConnection: nowhere, protocols: ['c', 'd'] };
    construct(stage, 'undefined', address, undefined, options);
    construct(stage, 'undefined, a string', address, undefined, {
      ...options,
      protocols: 'e'
    });
    construct(stage, 'undefined, nothing', address, undefined, {
      ...options,
      protocols: undefined
    });
    construct(stage, 'undefined, null', address, undefined, {
      ...options,
      protocols: null
    });
    construct(stage, 'array', address, ['a', 'b'], options);
    construct(stage, 'empty array', address, options);
    construct(stage, 'string', address, 'a', options);
    construct(stage, 'object', address, options);
    construct(stage, 'object, and another', address, options, {
      protocols: ['f']
    });
  },

  async 'subprotocols that are refused'(stage) {
    for (const protocols of [
      null,
      '',
      'a b',
      'a,b',
      'é',
      'a\n',
      '(a)',
      7,
      true,
      [''],
      ['a', 'a'],
      ['a', 'b', 'a'],
      [['a']],
      [undefined]
    ]) {
      construct(stage, JSON.stringify(protocols), 'ws://localhost', protocols, {
        createConnection: nowhere
      });
    }
    construct(stage, 'in the options', 'ws://localhost', {
      createConnection: nowhere,
      protocols: 'a b'
    });
    construct(stage, 'case', 'ws://localhost', ['a', 'A', "!#$%&'*+-.^_`|~"], {
      createConnection: nowhere
    });
  },

  async 'protocol versions'(stage) {
    for (const protocolVersion of [8, 13, '13', '8', 7, 0, null, NaN]) {
      construct(stage, String(protocolVersion), 'ws://localhost', {
        createConnection: nowhere,
        protocolVersion
      });
    }
    construct(stage, 'undefined', 'ws://localhost', {
      createConnection: nowhere,
      protocolVersion: undefined
    });
  },

  async 'several mistakes at once'(stage) {
    construct(stage, 'all', 'ftp://localhost#a', ['a', 'a'], {
      protocolVersion: 9
    });
    construct(stage, 'scheme', 'ftp://localhost#a', ['a', 'a']);
    construct(stage, 'path', 'ws+unix:#a', ['a', 'a']);
    construct(stage, 'fragment', 'ws://localhost#a', ['a', 'a']);
    construct(stage, 'subprotocol', 'ws://localhost', ['a', 'a'], {
      headers: { a: 'b\n' }
    });
  },

  async 'no address'(stage) {
    const { WebSocket } = stage.package;
    construct(stage, 'undefined options', null);
    construct(stage, 'null options', null, undefined, null);
    const ws = new WebSocket(null, 'a b', { autoPong: false });
    const { readyState, url, protocol, extensions, isPaused } = ws;
    stage.note(`${readyState} ${url} ${protocol} ${extensions} ${isPaused}`);
    stage.note(`${ws._isServer} ${ws._socket} ${ws._req}`);
    stage.watch(ws);
    stage.attempt('send', () => ws.send('a'));
    stage.attempt('ping', () => ws.ping('a'));
    stage.attempt('close', () => ws.close());
    stage.attempt('terminate', () => ws.terminate());
    stage.note(`${ws.readyState} ${ws.bufferedAmount}`);
    await stage.idle();
  },

  async 'what http refuses'(stage) {
    for (const options of [
      { headers: { 'a b': 'c' } },
      { headers: { a: 'b\r\nc: d' } },
      { headers: { a: undefined } },
      { origin: 'a\nb' },
      { auth: 7 },
      { agent: 'agent' },
      { agent: new (require('node:https').Agent)() },
      { createConnection: 'none' },
      { createConnection: () => undefined },
      { insecureHTTPParser: 'yes' },
      { maxHeaderSize: -1 },
      { handshakeTimeout: 'soon' },
      { family: 5 },
      { signal: 7 }
    ]) {
      construct(stage, JSON.stringify(options), 'ws://localhost', {
        createConnection: nowhere,
        ...options
      });
    }
    await stage.idle();
  }
};
