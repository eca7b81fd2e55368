'use strict';

// Upgrades that the program asks for by itself: at any time, of any stream.

const { once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');

const { serverStages } = require('../server-stage');
const { frame, OP } = require('../../support/frames');
const { BareDuplex, fakeRequest, NO_BYTES } = require('../../support/upgrade');

/**
 * Plays with a server that is not part of HTTP.
 *
 * @param {ServerStage} stage the stage
 * @param {Object} [options] those of the server
 * @return {function(Object=, Object=): BareDuplex} asks for an upgrade of a
 *     stream, with headers, and properties of the request
 */
function detached(stage, options) {
  const wss = new stage.package.WebSocketServer({ noServer: true, ...options });
  stage.wss = wss;
  stage.watch(wss);
  return (headers, properties, head = NO_BYTES) => {
    const socket = properties?.stream ?? new BareDuplex();
    const req = fakeRequest(headers, { socket, ...properties });
    const count = (name) => `${name} ${socket.listenerCount(name)}`;
    const show = () =>
      stage.note(
        `${JSON.stringify(socket.writes)} ${socket.destroyed} ` +
          `${socket.writableEnded} ${['error', 'data', 'end'].map(count)}`
      );
    stage.attempt('handleUpgrade', () =>
      wss.handleUpgrade(req, socket, head, (ws, request) => {
        stage.note(`accepted ${request === req} ${ws.readyState}`);
        stage.watchSocket(ws, 'ws');
      })
    );
    show();
    socket.show = show;
    return socket;
  };
}

/**
 * Lets an HTTP server listen, with a listener of `'upgrade'`.
 *
 * @param {ServerStage} stage the stage
 * @param {function(http.IncomingMessage, net.Socket, Buffer)} listener it
 */
async function listen(stage, listener) {
  stage.makeHttp();
  stage.http.on('upgrade', listener);
  await stage.listen();
}

/**
 * Opens a stream of HTTP/2 that is to carry a WebSocket (RFC 8441).
 *
 * @param {ServerStage} stage the stage
 * @return {Promise<{near: Duplex, far: Duplex, headers: Object}>} its two ends,
 *     that of the server first, and the headers of the request
 */
async function connectHttp2(stage) {
  const server = http2.createServer({
    settings: { enableConnectProtocol: true }
  });
  server.listen(0, '127.0.0.1');
  stage.cleanups.push(() => server.close());
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
  stage.cleanups.push(() => session.destroy());
  await once(session, 'remoteSettings');
  const far = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/a',
    ':authority': 'example.com',
    'sec-websocket-version': '13'
  });
  const [near, headers] = await once(server, 'stream');
  return { near, far, headers };
}

/**
 * Lets a WebSocket on one end of a connection say something, and hear something
 * that is written by hand at the other end.
 *
 * @param {ServerStage} stage the stage
 * @param {Duplex} ours its end
 * @param {Duplex} theirs the other end
 * @param {boolean} isServer its side
 */
async function converse(stage, ours, theirs, isServer) {
  const { WebSocket } = stage.package;
  const ws = new WebSocket(null, undefined, {
    autoPong: true,
    closeTimeout: 30000
  });
  ws._isServer = isServer;
  stage.watchSocket(ws, 'ws');
  ws.on('open', () => stage.note('open'));
  ws.on('pong', (data) => stage.note(`pong ${data}`));
  ws.setSocket(ours, NO_BYTES, {
    generateMask: isServer ? undefined : (mask) => mask.fill(1),
    maxPayload: 100
  });

  let bytes = '';
  const say = (opcode, data) =>
    theirs.write(frame(opcode, data, { mask: isServer }));
  theirs.on('data', (chunk) => (bytes += chunk.toString('hex')));
  theirs.on('end', () => stage.note('the other end has ended'));
  say(OP.TEXT, 'a'.repeat(50));
  say(OP.PING, 'b');
  say(OP.PONG, 'c');
  await stage.logged(/pong c/);
  ws.send(Buffer.alloc(50), stage.noted('sent'));
  ws.ping('d');
  ws.close(1001, 'bye');
  await stage.until(() => bytes.endsWith(isServer ? '627965' : '637864'));
  say(OP.CLOSE, Buffer.from([3, 233]));
  await stage.logged(/the other end/);
  theirs.end();
  await stage.logged(/ws: close/);
  stage.note(bytes);
}

module.exports = {
  stages: serverStages('noServer'),

  async 'after an await'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    await listen(stage, async (req, socket, head) => {
      stage.note(`upgrade ${head.length}`);
      client.say([OP.TEXT, 'meanwhile']);
      await new Promise((resolve) => setTimeout(resolve, 20));
      wss.handleUpgrade(req, socket, head, (ws) => {
        stage.note(`accepted ${ws.readyState}`);
        wss.emit('connection', ws, req);
        stage.ticks('accepted');
      });
      stage.note('returned');
    });
    const client = stage.ask({}, undefined, [[OP.TEXT, 'early']]);
    await stage.logged(/message/, 2);
    await client.bye();
  },

  async 'after an await in which the client left'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    await listen(stage, async (req, socket, head) => {
      socket.on('error', () => {});
      client.socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
      wss.handleUpgrade(req, socket, head, () => stage.note('accepted'));
      stage.note(`handled ${socket.destroyed}`);
    });
    const client = stage.ask();
    await stage.logged(/handled/);
  },

  async 'after an await in which the server was closed'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    await listen(stage, async (req, socket, head) => {
      wss.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      wss.handleUpgrade(req, socket, head, () => stage.note('accepted'));
    });
    await stage.refused();
  },

  async 'the same socket twice'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    await listen(stage, (req, socket, head) => {
      const accept = (ws) => wss.emit('connection', ws, req);
      for (const name of ['first', 'second']) {
        stage.attempt(name, () => wss.handleUpgrade(req, socket, head, accept));
      }
      stage.note(`${socket.listenerCount('error')} ${socket.destroyed}`);
    });
    const { client } = await stage.connection();
    await client.bye();
  },

  async 'two servers and no path'(stage) {
    const { WebSocketServer } = stage.package;
    stage.makeHttp();
    for (const name of ['a', 'b']) {
      const wss = new WebSocketServer({ server: stage.http });
      stage.watch(wss, name);
    }
    await stage.listen();
    const client = stage.ask();
    await stage.logged(/uncaught/);
    client.say([OP.TEXT, 'a']);
    await stage.logged(/message/);
    await client.bye();
  },

  async 'two servers with a path each on one http server'(stage) {
    const { WebSocketServer } = stage.package;
    stage.makeHttp();
    for (const name of ['a', 'b']) {
      const wss = new WebSocketServer({ server: stage.http, path: `/${name}` });
      stage.watch(wss, name);
    }
    await stage.listen();
    await stage.refused({}, 'GET /a HTTP/1.1');
    await stage.refused({}, 'GET /b HTTP/1.1');
    await stage.refused({}, 'GET /c HTTP/1.1');
    stage.note(`${stage.http.listenerCount('upgrade')}`);
  },

  async 'several servers by path'(stage) {
    const { WebSocketServer } = stage.package;
    const servers = {};
    for (const name of ['/a', '/b']) {
      servers[name] = new WebSocketServer({ noServer: true });
      stage.watch(servers[name], name);
    }
    await listen(stage, (req, socket, head) => {
      const wss = servers[req.url];
      if (!wss) {
        socket.destroy();
        return;
      }
      wss.handleUpgrade(req, socket, head, (ws) => {
        wss.emit('connection', ws, req);
      });
    });
    const first = await stage.connection('/a');
    const second = await stage.connection('/b');
    await stage.refused({}, 'GET /c HTTP/1.1');
    first.client.say([OP.TEXT, 'a']);
    await stage.logged(/message "a"/);
    second.client.say([OP.TEXT, 'b']);
    await stage.logged(/message "b"/);
    stage.note(`${servers['/a'].clients.size} ${servers['/b'].clients.size}`);
    await first.client.bye();
    await second.client.bye();
  },

  async 'a listener of upgrade besides'(stage) {
    await stage.open();
    stage.http.on('upgrade', (req, socket) => {
      stage.note(`mine ${socket.bytesWritten > 0}`);
    });
    const { client } = await stage.connection();
    await client.bye();
  },

  async 'a bare Duplex'(stage) {
    const upgrade = detached(stage);
    const socket = upgrade();
    const [ws] = stage.sockets;
    ws.send('a', stage.noted('sent'));
    socket.push(frame(OP.TEXT, 'b', { mask: true }));
    await stage.logged(/message/);
    await stage.logged(/^sent/);
    ws.close();
    socket.push(frame(OP.CLOSE, '', { mask: true }));
    await stage.idle();
    socket.push(null);
    await stage.logged(/close/);
    stage.note(`${Buffer.from(socket.writes.join('')).toString('hex')}`);
  },

  async 'a bare Duplex with a head'(stage) {
    const upgrade = detached(stage);
    const head = frame(OP.TEXT, 'early', { mask: true });
    const socket = upgrade({}, {}, head);
    stage.ticks('upgraded');
    await stage.logged(/message/);
    await stage.logged(/immediate/);
    socket.destroy(new Error('mine'));
    await stage.logged(/close/);
  },

  async 'a bare Duplex that is refused'(stage) {
    const upgrade = detached(stage);
    upgrade({ upgrade: 'h2c' });
    upgrade({ 'sec-websocket-protocol': '' });
    upgrade({}, { method: 'POST' });
    upgrade({ upgrade: undefined });
    upgrade({ 'sec-websocket-key': undefined });
    const socket = upgrade({ 'sec-websocket-version': undefined });
    await stage.idle();
    socket.show();
  },

  async 'headers of a made-up request'(stage) {
    const upgrade = detached(stage);
    upgrade({ 'sec-websocket-version': 13 });
    upgrade({ 'sec-websocket-version': 8 });
    upgrade({ 'sec-websocket-version': ['13'] });
    upgrade({ 'sec-websocket-version': true });
    upgrade({ 'sec-websocket-key': 7 });
    upgrade({ 'sec-websocket-key': null });
    upgrade({}, { url: undefined });
    upgrade({}, { method: 'get' });
    upgrade({}, { method: undefined });
  },

  async 'a stream that cannot be written'(stage) {
    const upgrade = detached(stage);
    const socket = new BareDuplex();
    socket.end();
    upgrade({}, { stream: socket });
    const accepted = () => stage.note('accepted');
    const req = fakeRequest();
    stage.wss.handleUpgrade(req, socket, NO_BYTES, accepted);
    stage.note(`${socket.destroyed} ${socket.listenerCount('error')}`);

    const ended = new BareDuplex();
    ended.push(null);
    ended.resume();
    await once(ended, 'end');
    stage.wss.handleUpgrade(req, ended, NO_BYTES, accepted);
    stage.note(`${ended.destroyed}`);

    const destroyed = new BareDuplex();
    destroyed.destroy();
    stage.wss.handleUpgrade(req, destroyed, NO_BYTES, accepted);
    await stage.idle();
  },

  async 'a stream that fails while verifyClient decides'(stage) {
    let decide;
    const upgrade = detached(stage, {
      verifyClient: (info, cb) => {
        decide = cb;
      }
    });
    const socket = upgrade();
    socket.emit('error', new Error('mine'));
    socket.show();
    decide(true);
    await stage.idle();
    socket.show();
  },

  async 'verifyClient that answers twice'(stage) {
    let decide;
    const upgrade = detached(stage, {
      verifyClient: (info, cb) => {
        decide = cb;
      }
    });
    const socket = upgrade();
    stage.attempt('first', () => decide(true));
    stage.attempt('second', () => decide(true));
    stage.attempt('third', () => decide(false));
    await stage.idle();
    socket.show();
  },

  async 'no callback'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    const socket = new BareDuplex();
    const req = fakeRequest({}, { socket });
    stage.attempt('none', () => wss.handleUpgrade(req, socket, NO_BYTES));
    stage.note(`${socket.writes.length} ${wss.clients.size}`);
    for (const ws of wss.clients) ws.terminate();
    await stage.idle();
    stage.note(`${wss.clients.size}`);
  },

  async 'a callback that throws'(stage) {
    const { WebSocketServer } = stage.package;
    const wss = new WebSocketServer({ noServer: true });
    stage.watch(wss);
    const socket = new BareDuplex();
    const req = fakeRequest({}, { socket });
    stage.attempt('handleUpgrade', () =>
      wss.handleUpgrade(req, socket, NO_BYTES, (ws) => {
        stage.watchSocket(ws, 'ws');
        throw new Error('mine');
      })
    );
    socket.push(frame(OP.TEXT, 'a', { mask: true }));
    await stage.logged(/message/);
    stage.note(`${wss.clients.size}`);
  },

  async 'completeUpgrade is overridden'(stage) {
    const { WebSocketServer } = stage.package;
    class Mine extends WebSocketServer {
      completeUpgrade(extensions, key, protocols, req, socket, head, cb) {
        stage.note(
          `${JSON.stringify(extensions)} ${key} ${[...protocols]} ${req.url} ` +
            `${socket === req.socket} ${head.length} ${typeof cb}`
        );
        protocols.delete('a');
        return super.completeUpgrade(
          extensions,
          key,
          protocols,
          req,
          socket,
          head,
          cb
        );
      }
    }
    stage.package = { ...stage.package, WebSocketServer: Mine };
    await stage.open();
    const { client } = await stage.connection('/', {
      'Sec-WebSocket-Protocol': 'a, b'
    });
    await client.bye();
  },

  async 'handleUpgrade is overridden'(stage) {
    const { WebSocketServer } = stage.package;
    class Mine extends WebSocketServer {
      handleUpgrade(req, socket, head, cb) {
        stage.note(`${req.url} ${head.length}`);
        return super.handleUpgrade(req, socket, head, (ws, ...rest) => {
          stage.note(`accepted ${rest.length}`);
          cb(ws, ...rest);
        });
      }
    }
    stage.makeHttp();
    stage.wss = new Mine({ server: stage.http });
    stage.watch(stage.wss);
    await stage.listen();
    const { client } = await stage.connection('/path');
    await client.bye();
  },

  async 'emit is overridden'(stage) {
    const { WebSocketServer } = stage.package;
    class Mine extends WebSocketServer {
      emit(event, ...args) {
        stage.note(`emits ${String(event)} ${args.length}`);
        return super.emit(event, ...args);
      }
    }
    stage.makeHttp();
    stage.wss = new Mine({ server: stage.http });
    stage.watch(stage.wss);
    await stage.listen();
    const { client } = await stage.connection('/path');
    await client.bye();
    stage.wss.close();
    await stage.logged(/wss: close/);
  },

  async 'a stream of HTTP/2 after a handshake of HTTP/1.1'(stage) {
    const { near, far, headers } = await connectHttp2(stage);
    const upgrade = detached(stage);
    stage.note(`${headers[':method']} ${headers[':protocol']}`);
    near.respond({ ':status': 200 });
    let bytes = '';
    far.on('data', (chunk) => (bytes += chunk.toString('latin1')));
    far.on('close', () => stage.note('far end closed'));
    upgrade({}, { stream: near });
    far.write(frame(OP.TEXT, 'a', { mask: true }));
    await stage.logged(/message/);
    stage.sockets[0].send('b');
    stage.sockets[0].close(1000);
    await stage.until(() => bytes.endsWith('\x03\xe8'));
    far.end(frame(OP.CLOSE, Buffer.from([3, 232]), { mask: true }));
    await stage.logged(/ws: close/);
    await stage.logged(/far end/);
    stage.note(JSON.stringify(bytes));
  },

  async 'a server on a stream of HTTP/2 without a handshake'(stage) {
    const { near, far } = await connectHttp2(stage);
    near.respond({ ':status': 200 });
    await converse(stage, near, far, true);
  },

  async 'a client on a stream of HTTP/2 without a handshake'(stage) {
    const { near, far } = await connectHttp2(stage);
    near.respond({ ':status': 200 });
    await once(far, 'response');
    await converse(stage, far, near, false);
  },

  async 'a stream of HTTP/2 that is reset'(stage) {
    const { WebSocket } = stage.package;
    const { near, far } = await connectHttp2(stage);
    near.respond({ ':status': 200 });
    const ws = new WebSocket(null, undefined, { autoPong: true });
    stage.watchSocket(ws, 'server');
    ws.setSocket(near, NO_BYTES, {});
    far.on('error', () => {});
    far.close(http2.constants.NGHTTP2_CANCEL);
    await stage.logged(/: close/);
  },

  async 'http.Server behind another transport'(stage) {
    const { WebSocketServer } = stage.package;
    const server = http.createServer();
    const wss = new WebSocketServer({ server });
    stage.watch(wss);
    stage.wss = wss;
    const front = net.createServer((socket) =>
      server.emit('connection', socket)
    );
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    stage.cleanups.push(() => front.close());
    stage.http = front;
    const { client } = await stage.connection();
    client.say([OP.TEXT, 'a']);
    await stage.logged(/message/);
    await client.bye();
  }
};
