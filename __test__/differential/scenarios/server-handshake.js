'use strict';

// What a server answers to each request, in each of its modes.

const { serverStages } = require('../server-stage');
const { frame, OP } = require('../../support/frames');
const { KEY, requestText } = require('../../support/upgrade');

/** Requests that are refused: name, headers, and the request line. */
const FAULTY = [
  ['a POST', {}, 'POST / HTTP/1.1'],
  ['another protocol', { Upgrade: 'h2c' }],
  ['two protocols', { Upgrade: 'websocket, h2c' }],
  ['no key', { 'Sec-WebSocket-Key': undefined }],
  ['an empty key', { 'Sec-WebSocket-Key': '' }],
  ['a short key', { 'Sec-WebSocket-Key': 'YWJj' }],
  ['a long key', { 'Sec-WebSocket-Key': `${KEY.slice(0, 22)}abc=` }],
  ['a key not of base64', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j-_==' }],
  ['no version', { 'Sec-WebSocket-Version': undefined }],
  ['version 7', { 'Sec-WebSocket-Version': '7' }],
  ['version 14', { 'Sec-WebSocket-Version': '14' }],
  ['two versions', { 'Sec-WebSocket-Version': '13, 8' }],
  ['an empty protocol', { 'Sec-WebSocket-Protocol': '' }],
  ['a comma', { 'Sec-WebSocket-Protocol': 'a,' }],
  ['a protocol twice', { 'Sec-WebSocket-Protocol': 'a, b, a' }],
  ['a protocol with a space', { 'Sec-WebSocket-Protocol': 'a b' }]
];

/** Requests that are accepted: name, headers, and the request line. */
const FINE = [
  ['nothing special', {}],
  ['a path', {}, 'GET /a/b?c=d&e HTTP/1.1'],
  ['a whole URL', {}, 'GET http://example.com/a HTTP/1.1'],
  ['HTTP 1.0', {}, 'GET / HTTP/1.0'],
  ['another case', { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' }],
  ['version 8', { 'Sec-WebSocket-Version': '8' }],
  ['version 013', { 'Sec-WebSocket-Version': '013' }],
  ['one subprotocol', { 'Sec-WebSocket-Protocol': 'a' }],
  ['three subprotocols', { 'Sec-WebSocket-Protocol': 'c,b , a' }],
  ['an offer', { 'Sec-WebSocket-Extensions': 'a; b=c, d' }],
  ['a broken offer', { 'Sec-WebSocket-Extensions': ';;' }],
  ['an origin', { Origin: 'https://example.com' }],
  ['a body length', { 'Content-Length': '0' }]
];

const scenarios = {
  stages: serverStages('port', 'server', 'https', 'noServer'),

  async 'frames right behind the request'(stage) {
    await stage.open();
    const early = [
      [OP.TEXT, 'a'],
      [OP.PING, 'b'],
      [OP.BINARY, Buffer.from([1, 2])]
    ];
    const client = stage.ask({}, undefined, early);
    await stage.logged(/message/, 2);
    await client.bye();
  },

  async 'the request byte by byte'(stage) {
    await stage.open();
    const client = stage.write();
    const bytes =
      requestText() + frame(OP.TEXT, '', { mask: true }).toString('latin1');
    for (const byte of bytes) {
      await new Promise((resolve) =>
        client.socket.write(byte, 'latin1', resolve)
      );
    }
    await client.answered();
    await client.bye();
  },

  async 'what a connection is told'(stage) {
    await stage.open();
    stage.wss.on('connection', (ws, req) => {
      stage.note(
        `${req.method} ${req.url} ${req.headers.origin} ${req.constructor.name}`
      );
      stage.note(
        `${ws.readyState} ${ws.url} ${ws._isServer} ${ws.binaryType} ` +
          `"${ws.protocol}" "${ws.extensions}" ${ws.isPaused} ` +
          `${ws.bufferedAmount} ${ws._socket === req.socket}`
      );
      stage.note(`${req.socket.timeout} ${stage.wss.clients.has(ws)}`);
      stage.ticks('connection');
      ws.send('hello');
    });
    const { client } = await stage.connection('/a?b', { Origin: 'here' });
    await client.received(7);
    await client.bye();
  },

  async 'a plain request'(stage) {
    await stage.open();
    await stage
      .write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      .gone();
    await stage
      .write('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      .gone();
  },

  async 'an upgrade that is not announced'(stage) {
    await stage.open();
    await stage.refused({ Connection: 'close' });
    await stage.refused({ Upgrade: undefined, Connection: 'close' });
  },

  async 'no HTTP'(stage) {
    await stage.open();
    await stage.write('garbage\r\n\r\n').gone();
  },

  async 'refusals that a listener answers'(stage) {
    await stage.open();
    stage.watchFaults();
    for (const [, fields, line] of FAULTY) await stage.refused(fields, line);
  },

  async 'a listener that leaves the socket alone'(stage) {
    await stage.open();
    stage.watchFaults((socket) => {
      const { readable, writable, destroyed } = socket;
      stage.note(`${readable} ${writable} ${destroyed} ${socket.timeout}`);
      setTimeout(() => socket.destroy(), 10);
    });
    await stage.refused({ Upgrade: 'h2c' });
  },

  async 'refusals with several reasons'(stage) {
    await stage.open({
      path: '/here',
      perMessageDeflate: true,
      verifyClient: () => false
    });
    const faults = {
      Upgrade: 'h2c',
      'Sec-WebSocket-Key': 'a',
      'Sec-WebSocket-Version': '7'
    };
    await stage.refused(faults, 'POST / HTTP/1.1');
    await stage.refused(faults);
    delete faults.Upgrade;
    await stage.refused(faults);
    delete faults['Sec-WebSocket-Key'];
    await stage.refused(faults);
    const offers = {
      'Sec-WebSocket-Protocol': ',',
      'Sec-WebSocket-Extensions': ';'
    };
    await stage.refused(offers);
    await stage.refused(offers, 'GET /here?a HTTP/1.1');
    delete offers['Sec-WebSocket-Protocol'];
    await stage.refused(offers, 'GET /here?a HTTP/1.1');
    await stage.refused({}, 'GET /here?a HTTP/1.1');
    await stage.refused({}, 'GET /here/ HTTP/1.1');
  },

  async 'a refused client that does not hang up'(stage) {
    await stage.open();
    const client = stage.ask({ Upgrade: 'h2c' });
    client.socket.allowHalfOpen = true;
    await client.answered();
    await stage.idle();
    client.socket.write('more');
    await stage.until(() => client.socket.destroyed || client.lines.length > 0);
    client.socket.end();
    await client.gone();
  },

  async 'the client is gone before the answer'(stage) {
    await stage.open({
      verifyClient(info, cb) {
        client.socket.destroy();
        setTimeout(cb, 20, true);
      }
    });
    const client = stage.ask();
    await client.gone();
    await stage.idle();
    await stage.idle();
    stage.note(`${stage.wss.clients.size}`);
  },

  async 'the client has ended before the answer'(stage) {
    await stage.open({
      verifyClient(info, cb) {
        client.socket.end();
        setTimeout(cb, 20, true);
      }
    });
    const client = stage.ask();
    await client.gone();
  },

  async 'two requests on one connection'(stage) {
    await stage.open();
    const plain = 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n';
    const client = stage.write(plain + requestText());
    await stage.logged(/connection/);
    await client.bye();
  },

  async 'a connection listener that throws'(stage) {
    await stage.open();
    stage.wss.on('connection', () => {
      throw new Error('mine');
    });
    const client = stage.ask();
    await stage.logged(/mine/);
    client.say([OP.TEXT, 'a']);
    await stage.logged(/message/);
    await client.bye();
  },

  async 'a headers listener that throws'(stage) {
    await stage.open();
    stage.wss.once('headers', () => {
      throw new Error('mine');
    });
    const client = stage.ask();
    await stage.logged(/mine/);
    await stage.idle();
    stage.note(`${stage.wss.clients.size}`);
    client.socket.destroy();
  },

  async 'headers that are changed'(stage) {
    await stage.open();
    stage.wss.on('headers', (lines, req) => {
      stage.note(`${JSON.stringify(lines)} ${req.url}`);
      lines[0] = 'HTTP/1.1 101 Mine';
      lines.push('A: b', `C: ${req.url}`);
      lines.splice(1, 1);
    });
    const { client } = await stage.connection('/path', {
      'Sec-WebSocket-Protocol': 'd'
    });
    await client.bye();
  },

  async 'close in the connection listener'(stage) {
    await stage.open();
    stage.wss.on('connection', (ws) => {
      ws.close(1001, 'no');
      stage.note(`state ${ws.readyState}`);
    });
    const client = stage.ask();
    await client.received(6);
    await client.bye();
  },

  async 'terminate in the connection listener'(stage) {
    await stage.open();
    stage.wss.on('connection', (ws) => {
      ws.terminate();
      stage.ticks('terminated');
      stage.note(`${stage.wss.clients.size}`);
    });
    const client = stage.ask({}, undefined, [[OP.TEXT, 'a']]);
    await client.gone();
    await stage.logged(/ close/);
    stage.note(`${stage.wss.clients.size}`);
  }
};

for (const [name, fields, line] of FAULTY) {
  scenarios[`refused: ${name}`] = async (stage) => {
    await stage.open();
    await stage.refused(fields, line);
  };
}

for (const [name, fields, line] of FINE) {
  scenarios[`accepted: ${name}`] = async (stage) => {
    await stage.open();
    const client = stage.ask(fields, line);
    await client.answered();
    await client.bye();
  };
}

module.exports = scenarios;
