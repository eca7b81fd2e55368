'use strict';

// What a client is told, and what of that its request says.

const http = require('node:http');
const net = require('node:net');
const tls = require('node:tls');

const { clientStages } = require('../client-stage');
const { BareDuplex } = require('../../support/upgrade');

/** An answer that accepts everything. */
const accept = (head) => head.switching();

/** A `createConnection` that goes nowhere. */
const nowhere = () => new BareDuplex();

/**
 * Logs what `tls.connect` is called with.
 *
 * @param {ClientStage} stage the stage
 * @param {string} address the address
 * @param {Object} [options] those of the client
 */
function watchTls(stage, address, options) {
  const { connect } = tls;
  tls.connect = (given) => {
    const { host, path, port, servername } = given;
    stage.note(JSON.stringify({ host, path, port, servername }));
    return new BareDuplex();
  };
  try {
    const ws = new stage.package.WebSocket(address, options);
    ws.on('error', () => {}).terminate();
  } finally {
    tls.connect = connect;
  }
}

/** Milliseconds: time enough for an answer on a busy machine. */
const TIMEOUT = 300;

module.exports = {
  stages: clientStages('ws'),

  async 'a request with nothing special'(stage) {
    await stage.meet(accept);
    await stage.opened();
  },

  async 'a request with everything'(stage) {
    const answer = (head) => head.switching('Sec-WebSocket-Protocol: b');
    const options = {
      auth: 'user:word',
      protocols: ['a', 'b'],
      headers: { A: '1', cookie: ['c=d', 'e=f'], 'x-list': ['g', 'h'] },
      origin: 'https://example.com',
      at: '/path?query=é'
    };
    await stage.meet(answer, options);
    await stage.opened();
  },

  async 'a request of version 8'(stage) {
    await stage.meet(accept, { protocolVersion: 8, origin: 'here' });
    await stage.opened();
  },

  async 'headers that the handshake writes too'(stage) {
    const headers = {
      Host: 'example.com',
      connection: 'close',
      upgrade: 'h2c',
      'sec-websocket-version': '7',
      'Sec-WebSocket-Protocol': 'mine',
      Origin: 'mine'
    };
    await stage.meet(accept, { headers, origin: 'option' });
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'headers in a list'(stage) {
    await stage.meet(accept, { headers: ['a', '1', 'b', '2'] });
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'subprotocol and version headers by the user'(stage) {
    await stage.meet((head) => head.switching('Sec-WebSocket-Protocol: a'), {
      headers: { 'Sec-WebSocket-Protocol': 'a' }
    });
    await stage.closed();
  },

  async 'credentials of the address'(stage) {
    const peer = await stage.serve('peer', accept);
    const userInfos = [
      'user:word@',
      'user@',
      ':word@',
      ':@',
      'us%20er:w%3Ard@',
      '%zz:%e9%@',
      'é:ü@'
    ];
    for (const [i, userInfo] of userInfos.entries()) {
      stage.connect(peer.url('/', userInfo), { auth: 'not:me' });
      await stage.opened(i + 1);
    }
  },

  async 'credentials in the headers besides'(stage) {
    await stage.meet(accept, {
      auth: 'option:word',
      headers: { authorization: 'Bearer abc' }
    });
    await stage.opened();
  },

  async 'default ports in the Host header'(stage) {
    const { WebSocket } = stage.package;
    for (const [address, options] of [
      ['ws://example.com'],
      ['ws://example.com:80'],
      ['ws://example.com:443'],
      ['wss://example.com'],
      ['wss://example.com:80'],
      ['ws://[::1]:90'],
      ['ws+unix:/a:/b'],
      ['ws://example.com:90', { defaultPort: 90 }],
      ['ws://example.com', { defaultPort: 90 }],
      ['ws://example.com', { setHost: false }]
    ]) {
      const ws = new WebSocket(address, {
        createConnection: nowhere,
        ...options
      });
      stage.note(`${address} ${ws._req.getHeader('host')}`);
      ws.on('error', () => {}).terminate();
    }
  },

  async 'options that are not looked at'(stage) {
    await stage.meet(accept, {
      host: 'example.com',
      hostname: 'example.com',
      method: 'POST',
      path: '/elsewhere',
      port: 1,
      protocol: 'https:',
      socketPath: '/nowhere',
      timeout: 1
    });
    await stage.opened();
  },

  async 'options are not changed'(stage) {
    const options = Object.freeze({
      headers: Object.freeze({ A: '1' }),
      protocols: Object.freeze(['a']),
      perMessageDeflate: false
    });
    const answer = (head) => head.switching('Sec-WebSocket-Protocol: a');
    const peer = await stage.serve('peer', answer);
    const ws = new stage.package.WebSocket(peer.url(), options);
    stage.watch(ws);
    await stage.logged(/^open/);
    ws.terminate();
    await stage.closed();
    stage.note(JSON.stringify(options));
  },

  async createConnection(stage) {
    await stage.meet(accept, {
      createConnection(options, cb) {
        const { host, port, path, socketPath, servername, method } = options;
        stage.note(
          `${host} ${typeof port} ${port} ${path} ${socketPath} ${servername} ` +
            `${method} ${typeof cb} ${options.defaultPort} ${options.timeout} ` +
            `${options.protocols}`
        );
        return net.connect(port, host);
      }
    });
    stage.note('constructed');
    await stage.opened();
  },

  async 'createConnection that calls back'(stage) {
    await stage.meet(accept, {
      createConnection(options, cb) {
        const socket = net.connect(options.port, options.host);
        socket.on('connect', () => cb(null, socket));
      }
    });
    await stage.opened();
  },

  async 'createConnection that fails'(stage) {
    await stage.meet(accept, {
      createConnection(options, cb) {
        setImmediate(cb, new Error('no'));
      }
    });
    await stage.closed();
  },

  async 'createConnection that throws'(stage) {
    await stage.meet(accept, {
      createConnection() {
        throw new Error('at once');
      }
    });
    await stage.idle();
  },

  async 'createConnection that makes a Duplex'(stage) {
    const stream = new BareDuplex();
    stage.connect('ws://localhost/', { createConnection: () => stream });
    await stage.idle();
    stage.note(
      stream.writes.join('').replace(/(Key: )[\w+/]{22}==/, '$1<key>')
    );
    stream.push('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    await stage.logged(/^close/);
    stage.note(`destroyed ${stream.destroyed}`);
  },

  async 'an agent is asked in the constructor'(stage) {
    const { WebSocket } = stage.package;
    const agent = {
      defaultPort: 7,
      protocol: 'http:',
      addRequest(req, options) {
        const { host, port, path, method, timeout, defaultPort } = options;
        stage.note(
          `${req.constructor.name} ${host} ${port} ${path} ${method} ` +
            `${timeout} ${defaultPort} ${typeof options.createConnection}`
        );
      }
    };
    const ws = new WebSocket('ws://example.com:81/path?a', { agent });
    stage.note('constructed');
    stage.watch(ws);
    ws.close();
    stage.ticks('closed');
    await stage.logged(/^close/);
    await stage.idle();
  },

  async 'an agent that keeps connections'(stage) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const count = () =>
      ['requests', 'sockets', 'freeSockets'].map(
        (name) => Object.values(agent[name]).flat().length
      );
    await stage.meet(accept, { agent });
    stage.note(`before ${count()}`);
    await stage.logged(/^open/);
    stage.note(`open ${count()}`);
    stage.ws.close(1000);
    await stage.closed();
    stage.note(`after ${count()}`);
    agent.destroy();
  },

  async 'an agent that cannot connect'(stage) {
    const agent = new http.Agent();
    agent.createConnection = (options, cb) => {
      setImmediate(cb, new Error('proxy refused'));
    };
    await stage.meet(accept, { agent });
    await stage.closed();
  },

  async 'the lookup option'(stage) {
    const peer = await stage.serve('peer', accept);
    const address = peer.url('/a').replace('127.0.0.1', 'made.up');
    stage.connect(address, {
      lookup(host, options, cb) {
        stage.note(`lookup ${host}`);
        if (options.all) cb(null, [{ address: '127.0.0.1', family: 4 }]);
        else cb(null, '127.0.0.1', 4);
      }
    });
    await stage.opened();
  },

  async 'a lookup that fails'(stage) {
    stage.connect('ws://made.up/', {
      lookup: (host, options, cb) =>
        cb(Object.assign(new Error('no such'), { code: 'ENOTFOUND' }))
    });
    await stage.closed();
  },

  async finishRequest(stage) {
    await stage.meet(accept, {
      finishRequest(req, ws) {
        stage.note(
          `${req.constructor.name} ${ws.readyState} ${ws._req === req}`
        );
        stage.note(`${req.getHeaderNames()}`);
        req.setHeader('X-Late', 'yes');
        setTimeout(() => req.end(), 10);
      }
    });
    stage.note('constructed');
    await stage.opened();
  },

  async 'finishRequest that throws'(stage) {
    await stage.meet(accept, {
      finishRequest() {
        throw new Error('mine');
      }
    });
    await stage.idle();
  },

  async 'finishRequest that destroys'(stage) {
    await stage.meet(accept, {
      finishRequest: (req) => req.destroy(new Error('mine'))
    });
    stage.ticks('constructed');
    await stage.closed();
  },

  async 'finishRequest that closes'(stage) {
    await stage.meet(accept, { finishRequest: (req, ws) => ws.close() });
    stage.note('constructed');
    stage.ticks('constructed');
    await stage.closed();
  },

  async 'server names for TLS'(stage) {
    watchTls(stage, 'wss://example.com/path');
    watchTls(stage, 'wss://127.0.0.1:99');
    watchTls(stage, 'wss://[::1]');
    watchTls(stage, 'https://example.com');
    watchTls(stage, 'wss://example.com', { servername: 'other' });
    watchTls(stage, 'wss://example.com', { servername: '' });
    watchTls(stage, 'wss://example.com', { servername: undefined });
    watchTls(stage, 'wss://127.0.0.1', { servername: 'other' });
    watchTls(stage, 'wss://example.com', { headers: { Host: 'header' } });
  },

  async 'a certificate that is not trusted'(stage) {
    const peer = await stage.serve('peer', accept, 'wss');
    stage.connect(peer.url(), { ca: undefined });
    await stage.closed();
  },

  async 'a certificate that is not looked at'(stage) {
    const peer = await stage.serve('peer', accept, 'wss');
    const options = { ca: undefined, rejectUnauthorized: false };
    stage.connect(peer.url(), options);
    await stage.logged(/^open/);
    stage.note(`${stage.ws._socket.authorized}`);
    await stage.opened();
  },

  async 'TLS versions that do not meet'(stage) {
    const peer = await stage.serve('peer', accept, 'wss');
    stage.connect(peer.url(), { maxVersion: 'TLSv1.1' });
    await stage.logged(/^close/);
  },

  async 'a signal that aborts'(stage) {
    const controller = new AbortController();
    await stage.meet(() => undefined, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await stage.closed();
  },

  async 'limits of a header'(stage) {
    await stage.meet((head) => head.switching(`A: ${'b'.repeat(3000)}`), {
      maxHeaderSize: 2000
    });
    await stage.closed();
  },

  async 'handshakeTimeout without an answer'(stage) {
    await stage.meet(() => undefined, { handshakeTimeout: TIMEOUT });
    await stage.closed();
  },

  async 'handshakeTimeout without a connection'(stage) {
    stage.connect('ws://localhost', {
      createConnection: () => new net.Socket(),
      handshakeTimeout: 20
    });
    await stage.closed();
  },

  async 'handshakeTimeout in the middle of the answer'(stage) {
    await stage.meet(() => 'HTTP/1.1 101 Switching Protocols\r\nUpg', {
      handshakeTimeout: TIMEOUT
    });
    await stage.closed();
  },

  async 'handshakeTimeout and a client that is open'(stage) {
    await stage.meet(accept, { handshakeTimeout: TIMEOUT });
    await stage.logged(/^open/);
    await new Promise((resolve) => setTimeout(resolve, 2 * TIMEOUT));
    stage.note(`timeout ${stage.ws._socket.timeout}`);
    await stage.opened();
  },

  async 'handshakeTimeout with an answer that is refused late'(stage) {
    await stage.meet(
      (head, socket) => {
        setTimeout(() => socket.write('HTTP/1.1 404 No\r\n\r\n'), 2 * TIMEOUT);
      },
      { handshakeTimeout: TIMEOUT }
    );
    await stage.closed();
  }
};
