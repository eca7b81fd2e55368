'use strict';

// What a server is told, and what it asks the program.

const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');

const { serverStages } = require('../server-stage');
const { OP } = require('../../support/frames');

/**
 * Opens a connection, and closes it again.
 *
 * @param {ServerStage} stage the stage
 * @param {Object} [fields] headers to add or replace
 * @param {string} [line] the request line
 */
async function accepted(stage, fields, line) {
  const client = stage.ask(fields, line);
  await client.answered();
  await client.bye();
}

/**
 * Logs with what arguments a server can be made.
 *
 * @param {ServerStage} stage the stage
 * @param {Array[]} list for each its name and the arguments
 */
function construct(stage, list) {
  const { WebSocketServer } = stage.package;
  for (const [name, ...args] of list) {
    stage.attempt(name, () => {
      const wss = new WebSocketServer(...args);
      wss.on('error', () => {});
      wss.close();
      return `${wss.options.port} ${wss.options.noServer}`;
    });
  }
}

module.exports = {
  stages: serverStages('server'),

  async 'where it listens, one way and only one'(stage) {
    const server = http.createServer();
    construct(stage, [
      ['nothing'],
      ['undefined', undefined],
      ['null', null],
      ['empty', {}],
      ['port null', { port: null }],
      ['port undefined', { port: undefined }],
      ['port and server', { port: 0, server }],
      ['port and noServer', { port: 0, noServer: true }],
      ['server and noServer', { server, noServer: true }],
      ['all', { port: 0, server, noServer: true }],
      ['port 0', { port: 0 }],
      ['port as text', { port: '0' }],
      ['server', { server }],
      ['noServer', { noServer: true }],
      ['noServer as a number', { noServer: 1 }],
      ['noServer false and server', { noServer: false, server }],
      ['port null and server', { port: null, server }],
      ['port 65536', { port: 65536 }],
      ['port false', { port: false }],
      ['a host only', { host: '127.0.0.1' }]
    ]);
    await stage.idle();
  },

  async 'what becomes of the options'(stage) {
    const { WebSocketServer, WebSocket } = stage.package;
    const shown = ({ options }) =>
      JSON.stringify(options, (key, value) =>
        value === WebSocket ? 'WebSocket' : value
      );
    const given = Object.freeze({ noServer: true, mine: 1, maxPayload: 5 });
    const wss = new WebSocketServer(given);
    stage.note(`${wss.options === given} ${shown(wss)}`);
    for (const perMessageDeflate of [
      true,
      false,
      undefined,
      { threshold: 1 }
    ]) {
      const other = new WebSocketServer({ noServer: true, perMessageDeflate });
      stage.note(JSON.stringify(other.options.perMessageDeflate));
    }
    const { clientTracking } = new WebSocketServer({
      noServer: true,
      clientTracking: undefined
    }).options;
    stage.note(`${clientTracking}`);
  },

  async 'what a server has'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    const { clients } = wss;
    stage.note(`${clients.constructor.name} ${clients.size} ${'path' in wss}`);
    stage.note(`${wss._server} ${wss.eventNames().length}`);
    const untracked = new WebSocketServer({
      noServer: true,
      clientTracking: false
    });
    stage.note(`${'clients' in untracked} ${untracked.clients}`);
    wss.path = '/mine';
    stage.note(wss.path);
  },

  async 'the callback'(stage) {
    const { WebSocketServer } = stage.package;
    const callback = (name) =>
      function called(...args) {
        stage.note(`${name} ${this.constructor.name} ${args.length}`);
      };
    const wss = new WebSocketServer(
      { port: 0, host: '127.0.0.1' },
      callback('port')
    );
    wss.on('listening', () => stage.note('listening'));
    stage.ticks('made');
    await stage.logged(/^port/);
    wss.close();
    const server = http.createServer();
    const second = new WebSocketServer({ server }, callback('server'));
    server.listen(0, '127.0.0.1');
    await once(second, 'listening');
    server.close();
    new WebSocketServer({ noServer: true }, callback('noServer'));
    await stage.idle();
  },

  async address(stage) {
    const { WebSocketServer } = stage.package;
    const show = (name, wss) =>
      stage.attempt(name, () => {
        const address = wss.address();
        return address && Object.keys(address).sort().join();
      });
    const own = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    show('port, early', own);
    await once(own, 'listening');
    show('port', own);
    own.close();
    show('port, closing', own);
    await once(own, 'close');
    show('port, closed', own);
    const server = http.createServer();
    const part = new WebSocketServer({ server });
    show('server, early', part);
    server.listen(0, '127.0.0.1');
    await once(part, 'listening');
    show('server', part);
    part.close();
    show('server, closing', part);
    server.close();
    show('noServer', new WebSocketServer({ noServer: true }));
  },

  async 'a port that is taken'(stage) {
    const { WebSocketServer } = stage.package;
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const wss = new WebSocketServer({ port, host: '127.0.0.1' }, () =>
      stage.note('called')
    );
    stage.watch(wss);
    await stage.logged(/error/);
    stage.attempt('address', () => wss.address());
    wss.close((err) => stage.note(`closed ${err?.message}`));
    await stage.logged(/^closed/);
    await stage.idle();
    server.close();
  },

  async 'a port that is taken, and nobody hears of it'(stage) {
    const { WebSocketServer } = stage.package;
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    new WebSocketServer({ port, host: '127.0.0.1' });
    await stage.until(() => stage.log.ws.length > 0);
    stage.log.ws = stage.log.ws.map((line) =>
      line.replace(`${port}`, '<port>')
    );
    server.close();
  },

  async 'a host that is not here'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ port: 0, host: '192.0.2.1' });
    wss.on('error', (err) => stage.note(`${err.code} ${err.syscall}`));
    await stage.until(() => stage.log.ws.length > 0);
  },

  async 'events of the http server'(stage) {
    const { WebSocketServer } = stage.package;
    stage.makeHttp();
    const counts = () =>
      ['listening', 'error', 'upgrade', 'request', 'connection', 'close']
        .map((name) => stage.http.listenerCount(name))
        .join();
    stage.note(counts());
    const wss = new WebSocketServer({ server: stage.http });
    stage.watch(wss);
    stage.note(`${counts()} ${wss._server === stage.http}`);
    stage.http.emit('listening');
    stage.http.emit('error', Object.assign(new Error('mine'), { code: 'A' }));
    wss.close();
    stage.note(`${counts()} ${wss._server}`);
    await stage.idle();
  },

  async 'a path'(stage) {
    await stage.open({ path: '/a' });
    await accepted(stage, {}, 'GET /a HTTP/1.1');
    await accepted(stage, {}, 'GET /a?b HTTP/1.1');
    for (const path of ['/', '/A', '/a/', '/a/b', '/b?/a', '/%61', '//a']) {
      await stage.refused({}, `GET ${path} HTTP/1.1`);
    }
  },

  async 'paths, asked directly'(stage) {
    const { WebSocketServer } = stage.package;
    for (const path of [undefined, null, '', '/', '/a', '/a?b', 'a', 7]) {
      const wss = new WebSocketServer({ noServer: true, path });
      const answers = ['/', '/a', '/a?b', '', '?', 'a'].map((url) =>
        wss.shouldHandle({ url })
      );
      stage.note(`${path}: ${answers}`);
    }
  },

  async 'shouldHandle is overridden'(stage) {
    await stage.open({ path: '/a' });
    const answers = [true, 'yes', false, undefined, Promise.resolve(false)];
    stage.wss.shouldHandle = (req) => {
      stage.note(`asked for ${req.url}`);
      return answers.shift();
    };
    await accepted(stage, {}, 'GET /b HTTP/1.1');
    await accepted(stage);
    await stage.refused();
    await stage.refused();
    await accepted(stage);
  },

  async 'handleProtocols chooses'(stage) {
    const results = ['b', 'other', '', false, null, undefined, 0, ['c'], true];
    await stage.open({
      handleProtocols(protocols, req) {
        stage.note(
          `${protocols.constructor.name} ${[...protocols]} ${req.url} ` +
            `${Object.keys(this).includes('handleProtocols')}`
        );
        return results.shift();
      }
    });
    const count = results.length;
    for (let i = 0; i < count; i++) {
      await accepted(stage, { 'Sec-WebSocket-Protocol': 'a, b' });
    }
    await accepted(stage);
    stage.note(stage.sockets.map((ws) => `"${ws.protocol}"`).join());
  },

  async 'handleProtocols throws'(stage) {
    await stage.open({
      handleProtocols() {
        throw new Error('mine');
      }
    });
    const client = stage.ask({ 'Sec-WebSocket-Protocol': 'a' });
    await stage.logged(/mine/);
    client.socket.destroy();
  },

  async 'handleProtocols changes the set'(stage) {
    await stage.open({
      handleProtocols(protocols) {
        protocols.clear();
        return 'mine';
      }
    });
    await accepted(stage, { 'Sec-WebSocket-Protocol': 'a' });
  },

  async 'verifyClient, and what it is told'(stage) {
    await stage.open({
      verifyClient(info) {
        const { origin, secure, req } = info;
        stage.note(
          `${Object.keys(info)} ${origin} ${secure} ${req.url} ` +
            `${arguments.length} ${Object.keys(this).includes('verifyClient')}`
        );
        return true;
      }
    });
    await accepted(stage);
    await accepted(stage, { Origin: 'a', 'Sec-WebSocket-Origin': 'b' });
    await accepted(stage, {
      Origin: 'a',
      'Sec-WebSocket-Origin': 'b',
      'Sec-WebSocket-Version': '8'
    });
  },

  async 'verifyClient that answers at once'(stage) {
    const results = [true, 1, 'no', {}, Promise.resolve(false)];
    const refusals = [false, 0, '', null, undefined, NaN];
    const all = [...results, ...refusals];
    await stage.open({ verifyClient: () => all.shift() });
    for (const result of results) {
      stage.note(`${result}`);
      await accepted(stage);
    }
    for (const result of refusals) {
      stage.note(`${result}`);
      await stage.refused();
    }
  },

  async 'verifyClient that calls back'(stage) {
    const answers = [
      [true],
      [true, 403, 'ignored'],
      [false],
      [false, 403],
      [false, 404, 'Nothing here'],
      [false, 503, '', { 'Retry-After': 120 }],
      [false, 429, 'é', { 'content-length': 'mine', 'Content-Type': 'a/b' }],
      [false, 302, undefined, { Location: '/', 'Set-Cookie': ['a', 'b'] }],
      [false, 200, 'fine'],
      [undefined, 401, 'undefined'],
      ['yes']
    ];
    const count = answers.length;
    await stage.open({
      verifyClient: (info, cb) => cb(...answers.shift())
    });
    for (let i = 0; i < count; i++) {
      const client = stage.ask();
      await client.answered();
      if (/^HTTP\/1.1 101/.test(client.bytes)) await client.bye();
      else await client.gone();
    }
  },

  async 'verifyClient that calls back later'(stage) {
    const answers = [[true], [false, 403, 'no']];
    await stage.open({
      verifyClient(info, cb) {
        stage.note(`asked for ${info.req.url}`);
        setTimeout(() => {
          stage.note('answer');
          cb(...answers.shift());
          stage.ticks('answered');
        }, 10);
      }
    });
    const client = stage.ask({}, 'GET /a HTTP/1.1', [[OP.TEXT, 'early']]);
    await stage.logged(/message/);
    await client.bye();
    await stage.refused({}, 'GET /b HTTP/1.1');
  },

  async 'verifyClient with other numbers of parameters'(stage) {
    const functions = [
      () => true,
      (a, b, c) => c === undefined,
      (...args) => args.length === 1,
      (info, cb = undefined) => cb === undefined
    ];
    for (const verifyClient of functions) {
      await stage.open({ verifyClient });
      await accepted(stage);
      stage.wss.close();
      stage.http.close();
    }
  },

  async 'verifyClient throws'(stage) {
    await stage.open({
      verifyClient() {
        throw new Error('mine');
      }
    });
    const client = stage.ask();
    await stage.logged(/mine/);
    client.socket.destroy();
  },

  async 'verifyClient closes the server'(stage) {
    await stage.open({
      verifyClient(info, cb) {
        stage.wss.close();
        cb(true);
      }
    });
    await stage.refused();
  },

  async 'no client tracking'(stage) {
    await stage.open({ clientTracking: false });
    stage.note(`${'clients' in stage.wss}`);
    const { client } = await stage.connection();
    stage.wss.close(() => stage.note('closed'));
    stage.ticks('close');
    await stage.logged(/^closed/);
    client.say([OP.TEXT, 'a']);
    await stage.logged(/message/);
    await client.bye();
  },

  async 'clients come and go'(stage) {
    await stage.open();
    const sizes = () => stage.note(`${stage.wss.clients.size} clients`);
    stage.wss.on('connection', (ws) => {
      ws.on('close', sizes);
      ws.prependListener('close', sizes);
    });
    const first = await stage.connection('/a');
    const second = await stage.connection('/b');
    sizes();
    first.ws.close();
    sizes();
    await first.client.bye();
    second.ws.terminate();
    sizes();
    await second.client.gone();
    await stage.logged(/b: close/);
    sizes();
  },

  async 'a WebSocket class of its own'(stage) {
    const { WebSocket } = stage.package;
    class Mine extends WebSocket {
      constructor(...args) {
        super(...args);
        const [address, protocols, options] = args;
        stage.note(
          `${args.length} ${address} ${protocols} ` +
            `${options === stage.wss.options} ${options.mine}`
        );
      }

      emit(event, ...args) {
        stage.note(`emits ${String(event)} ${args.length} ${this.readyState}`);
        return super.emit(event, ...args);
      }

      setSocket(socket, head, options) {
        stage.note(
          `setSocket ${head.length} ${Object.keys(options).sort()} ` +
            `${this.listenerCount('close')}`
        );
        return super.setSocket(socket, head, options);
      }
    }
    await stage.open({ WebSocket: Mine, mine: 'option' });
    const client = stage.ask({ 'Sec-WebSocket-Protocol': 'a' });
    await client.answered();
    client.say([OP.TEXT, 'b'], [OP.PING, 'c']);
    await stage.logged(/message/);
    stage.note(`${stage.sockets[0] instanceof Mine}`);
    await client.bye();
  },

  async 'options that a connection gets'(stage) {
    await stage.open({
      autoPong: false,
      closeTimeout: 20,
      maxPayload: 5,
      skipUTF8Validation: true
    });
    const first = await stage.connection('/a');
    first.client.say([OP.PING, 'a'], [OP.TEXT, Buffer.from([0xff])]);
    first.client.say([OP.TEXT, '123456']);
    first.client.socket.on('end', () => first.client.socket.end());
    await first.client.received(4);
    first.client.socket.end();
    await stage.logged(/a: close/);
    const second = await stage.connection('/b');
    second.ws.close();
    await stage.logged(/b: close/);
  },

  async 'offers of extensions'(stage) {
    for (const perMessageDeflate of [false, undefined, null, 0]) {
      await stage.open({ perMessageDeflate });
      await accepted(stage, {
        'Sec-WebSocket-Extensions': 'permessage-deflate'
      });
      await accepted(stage, { 'Sec-WebSocket-Extensions': 'a;' });
      await accepted(stage, { 'Sec-WebSocket-Extensions': '' });
      stage.wss.close();
      stage.http.close();
    }
  },

  async 'offers of unknown extensions'(stage) {
    await stage.open({ perMessageDeflate: true });
    await accepted(stage, { 'Sec-WebSocket-Extensions': 'a; b="c", d' });
    await accepted(stage);
    for (const value of ['', 'a;', 'a b', 'a; b=', 'a; b="', '=', 'a,', ',']) {
      await stage.refused({ 'Sec-WebSocket-Extensions': value });
    }
  },

  async 'a Unix socket'(stage) {
    const { socketPath } = require('../../support/peer');
    const { requestText } = require('../../support/upgrade');
    const path = socketPath({ after: (fn) => stage.cleanups.push(fn) });
    const { WebSocketServer } = stage.package;
    stage.makeHttp();
    const wss = new WebSocketServer({ server: stage.http });
    stage.watch(wss);
    stage.http.listen(path);
    await once(wss, 'listening');
    stage.note(`${wss.address() === path}`);
    const socket = net.connect(path);
    socket.write(requestText());
    await stage.logged(/connection/);
    const [ws] = stage.sockets;
    stage.note(`${ws._socket.remoteAddress} ${ws._socket.constructor.name}`);
    socket.destroy();
    await stage.logged(/wss \/: close/);
  }
};
