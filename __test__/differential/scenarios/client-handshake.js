'use strict';

// What a client makes of each answer, and of what happens to it meanwhile.

const net = require('node:net');

const { clientStages, response } = require('../client-stage');
const { closeBody, frame, OP } = require('../../support/frames');

/** An answer that accepts everything. */
const accept = (head) => head.switching();

/** A frame that may come with an answer. */
const EARLY = frame(OP.TEXT, 'early').toString('latin1');

/** No answer. */
const silence = () => undefined;

/**
 * A 101 answer.
 *
 * @param {RequestHead} head the request
 * @param {Object} fields headers to replace or, with undefined, to leave out
 * @return {string}
 */
function switching(head, fields) {
  const all = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Accept': head.accept,
    ...fields
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return response('101 Switching Protocols', ...lines);
}

/**
 * Gets the same kind of answer to clients one after another.
 *
 * @param {ClientStage} stage the stage
 * @param {Object[]} list for each the headers of its 101 answer
 * @param {Object} [options] those of each client
 */
async function compareAnswers(stage, list, options) {
  const answers = list.values();
  const peer = await stage.serve('peer', (head) =>
    switching(head, answers.next().value)
  );
  for (let i = 1; i <= list.length; i++) {
    const ws = stage.connect(peer.url(), options);
    ws.on('open', () => ws.close());
    await stage.settled(i);
  }
}

/**
 * Plays with a client that gets no answer, and is closed.
 *
 * @param {ClientStage} stage the stage
 * @param {function(WebSocket)} play closes it
 * @param {Function} [answer] the answer
 */
async function giveUp(stage, play, answer = silence) {
  const ws = await stage.meet(answer);
  play(ws);
  stage.note(`state ${ws.readyState} ${ws._req !== null}`);
  stage.ticks('given up');
  await stage.closed();
}

/**
 * Logs an unexpected response, and does something with it.
 *
 * @param {ClientStage} stage the stage
 * @param {function(http.ClientRequest, http.IncomingMessage)} play what to do
 */
async function expectResponse(stage, play) {
  const body = 'body';
  const answer = () =>
    response('401 Unauthorized', 'A: b', 'Content-Length: 4') + body;
  const ws = await stage.meet(answer);
  ws.on('unexpected-response', (req, res) => {
    stage.note(
      `response ${res.statusCode} ${res.headers.a} ${req === ws._req} ` +
        `${ws.readyState}`
    );
    play(req, res, ws);
  });
  await stage.logged(/^response /);
}

module.exports = {
  stages: clientStages('ws', 'wss', 'ws+unix'),

  async 'an answer, and frames right behind'(stage) {
    const frames = Buffer.concat([
      frame(OP.TEXT, 'early'),
      frame(OP.PING, 'p'),
      frame(OP.CLOSE, closeBody(1000, 'bye'))
    ]);
    await stage.meet((head) => head.switching() + frames.toString('latin1'));
    await stage.closed();
  },

  async 'an answer byte by byte'(stage) {
    await stage.meet((head, socket) => {
      const bytes = head.switching('A: b') + EARLY;
      const send = (i) => {
        if (i === bytes.length) return;
        socket.write(bytes[i], 'latin1', () => setImmediate(send, i + 1));
      };
      send(0);
    });
    await stage.logged(/^message/);
    await stage.opened();
  },

  async 'an answer with other spellings'(stage) {
    await stage.meet((head) =>
      response(
        '101 Whatever',
        'connection:   keep-alive, UPGRADE',
        'UPGRADE:WebSocket',
        `sec-websocket-ACCEPT:\t${head.accept}  `
      )
    );
    await stage.opened();
  },

  async 'answers before the answer'(stage) {
    await stage.meet(
      (head) =>
        response('100 Continue') +
        response('102 Processing') +
        response('103 Early Hints', 'Link: <a>') +
        head.switching()
    );
    await stage.opened();
  },

  async 'faulty Upgrade headers'(stage) {
    await compareAnswers(
      stage,
      ['h2c', 'websocket2', 'websocket, h2c', 'h2c, websocket', ''].map(
        (Upgrade) => ({ Upgrade })
      )
    );
  },

  async 'a 101 without an Upgrade header'(stage) {
    const answer = (head) => switching(head, { Upgrade: undefined });
    await stage.meet(answer, { handshakeTimeout: 300 });
    await stage.closed();
  },

  async 'a 101 without a Connection header'(stage) {
    const answer = (head) => switching(head, { Connection: undefined });
    await stage.meet(answer, { handshakeTimeout: 300 });
    await stage.closed();
  },

  async 'faulty Sec-WebSocket-Accept headers'(stage) {
    await compareAnswers(
      stage,
      [undefined, '', 'abc', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='].map((value) => ({
        'Sec-WebSocket-Accept': value
      }))
    );
  },

  async 'a Sec-WebSocket-Accept header twice'(stage) {
    await stage.meet((head) =>
      head.switching(`Sec-WebSocket-Accept: ${head.accept}`)
    );
    await stage.closed();
  },

  async 'subprotocols in answers to none'(stage) {
    await compareAnswers(
      stage,
      ['a', '', undefined].map((value) => ({ 'Sec-WebSocket-Protocol': value }))
    );
  },

  async 'subprotocols in answers to two'(stage) {
    await compareAnswers(
      stage,
      ['a', 'b', 'B', '', 'a,b', 'c', undefined].map((value) => ({
        'Sec-WebSocket-Protocol': value
      })),
      { protocols: ['a', 'b'] }
    );
  },

  async 'a subprotocol twice in the answer'(stage) {
    await stage.meet(
      (head) =>
        head.switching(
          'Sec-WebSocket-Protocol: a',
          'Sec-WebSocket-Protocol: a'
        ),
      { protocols: ['a'] }
    );
    await stage.closed();
  },

  async 'extensions in answers'(stage) {
    await compareAnswers(
      stage,
      ['permessage-deflate', '', 'a; b', ';', undefined].map((value) => ({
        'Sec-WebSocket-Extensions': value
      }))
    );
  },

  async 'answers with several faults'(stage) {
    const faults = {
      Upgrade: 'h2c',
      'Sec-WebSocket-Accept': 'no',
      'Sec-WebSocket-Protocol': 'a',
      'Sec-WebSocket-Extensions': 'b'
    };
    const list = [];
    for (const name of Object.keys(faults)) {
      list.push({ ...faults });
      delete faults[name];
    }
    await compareAnswers(stage, list);
  },

  async 'a faulty answer, tick by tick'(stage) {
    const ws = await stage.meet((head) =>
      switching(head, { 'Sec-WebSocket-Accept': 'no' })
    );
    ws.on('upgrade', (res) => {
      stage.ticks('upgrade');
      res.socket.on('close', () => stage.note('socket closed'));
    });
    ws.on('error', () => {
      stage.note(`${ws._socket} ${ws._req}`);
      stage.ticks('error');
    });
    ws.on('close', () => stage.ticks('close'));
    await stage.closed();
  },

  async 'responses that are not a 101'(stage) {
    const list = ['200 OK', '204 No', '302 Found', '404 A', '503 B', '999 C'];
    const statuses = list.values();
    const peer = await stage.serve('peer', () =>
      response(statuses.next().value, 'Location: /elsewhere')
    );
    for (let i = 1; i <= list.length; i++) {
      stage.connect(peer.url());
      await stage.settled(i);
    }
  },

  async 'a 200 with the headers of a 101'(stage) {
    await stage.meet((head) => head.switching().replace('101', '200'));
    await stage.closed();
  },

  async 'an answer of HTTP 1.0'(stage) {
    await stage.meet((head) => head.switching().replace('/1.1', '/1.0'));
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'unexpected-response, and the body is read'(stage) {
    await expectResponse(stage, (req, res) => {
      res.on('data', (data) => stage.note(`data ${data}`));
      res.on('end', () => stage.note('end'));
    });
    await stage.logged(/^end/);
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'unexpected-response, and the client is closed'(stage) {
    await expectResponse(stage, (req, res, ws) => {
      ws.close();
      stage.ticks('closed');
    });
    await stage.closed();
  },

  async 'unexpected-response, and the client is terminated later'(stage) {
    await expectResponse(stage, (req, res, ws) => {
      res.resume();
      res.on('end', () => setTimeout(() => ws.terminate(), 10));
    });
    await stage.closed();
  },

  async 'unexpected-response, and the request is destroyed'(stage) {
    await expectResponse(stage, (req) => req.destroy(new Error('mine')));
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'unexpected-response, and the listener throws'(stage) {
    await expectResponse(stage, () => {
      throw new Error('mine');
    });
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'no HTTP'(stage) {
    await stage.meet(() => 'garbage\r\n\r\n');
    await stage.closed();
  },

  async 'an answer that breaks off'(stage) {
    await stage.meet((head, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso');
    });
    await stage.closed();
  },

  async 'no answer but the end'(stage) {
    await stage.meet((head, socket) => {
      socket.end();
    });
    await stage.closed();
  },

  async 'a reset'(stage) {
    await stage.meet((head, socket) => {
      if (stage.scheme === 'ws') {
        socket.resetAndDestroy();
      } else {
        socket.destroy();
      }
    });
    await stage.closed();
  },

  async close(stage) {
    await giveUp(stage, (ws) => ws.close());
  },

  async 'close with a code, twice'(stage) {
    await giveUp(stage, (ws) => {
      stage.attempt('close', () => ws.close(9999, {}));
      ws.close();
      ws.terminate();
    });
  },

  async terminate(stage) {
    await giveUp(stage, (ws) => ws.terminate());
  },

  async 'close when connected'(stage) {
    const ws = await stage.meet(() => {
      setTimeout(() => ws.close(), 5);
    });
    await stage.closed();
  },

  async 'terminate, and then the answer comes'(stage) {
    const ws = await stage.meet((head, socket) => {
      ws.terminate();
      socket.write(head.switching());
    });
    await stage.closed();
  },

  async 'methods while connecting'(stage) {
    const ws = await stage.meet(silence);
    for (const name of ['send', 'ping', 'pong', 'pause', 'resume']) {
      stage.attempt(name, () => ws[name]('a', () => stage.note('called')));
    }
    stage.note(`${ws.isPaused} ${ws.bufferedAmount} ${ws._socket}`);
    stage.note(
      `${ws.url} "${ws.protocol}" "${ws.extensions}" ${ws.readyState}`
    );
    ws.terminate();
    await stage.closed();
    for (const name of ['send', 'ping', 'pong', 'pause', 'resume', 'close']) {
      stage.attempt(name, () => ws[name]('a', stage.noted(`${name} called`)));
    }
    stage.note(`${ws.isPaused} ${ws.bufferedAmount}`);
    await stage.idle();
  },

  async 'methods in an error listener'(stage) {
    const ws = await stage.meet(() => response('404 Not Found'));
    ws.on('error', () => {
      ws.send('a', stage.noted('sent'));
      ws.close();
      ws.terminate();
      stage.note(`${ws.readyState} ${ws.bufferedAmount}`);
    });
    await stage.closed();
  },

  async 'an error listener that throws'(stage) {
    const ws = await stage.meet(() => response('404 Not Found'));
    ws.on('error', () => {
      throw new Error('mine');
    });
    await stage.logged(/uncaught/);
    await stage.idle();
    stage.note(`state ${ws.readyState}`);
  },

  async 'nobody hears the error'(stage) {
    const ws = await stage.meet(() => response('404 Not Found'));
    ws.removeAllListeners('error');
    await stage.logged(/uncaught/);
    await stage.idle();
    stage.note(`state ${ws.readyState}`);
  },

  async 'handlers by name'(stage) {
    const ws = await stage.meet(() => response('404 Not Found'));
    ws.onopen = () => stage.note('onopen');
    ws.onerror = ({ type, message, error, target }) =>
      stage.note(`on${type} ${message} ${error.message} ${target === ws}`);
    ws.onclose = ({ code, reason, wasClean }) =>
      stage.note(`onclose ${code} ${reason} ${wasClean}`);
    await stage.closed();
  },

  async 'close in an upgrade listener'(stage) {
    await stage.meet(accept);
    stage.ws.on('upgrade', () => {
      stage.ws.close();
      stage.note(`state ${stage.ws.readyState}`);
    });
    await stage.closed();
  },

  async 'terminate in an upgrade listener'(stage) {
    await stage.meet((head) => head.switching() + EARLY);
    stage.ws.on('upgrade', () => {
      stage.ws.terminate();
      stage.ticks('upgrade');
    });
    await stage.closed();
  },

  async 'the socket ends in an upgrade listener'(stage) {
    await stage.meet(accept);
    stage.ws.on('upgrade', (res) => {
      res.socket.destroy();
      stage.ticks('upgrade');
    });
    await stage.closed();
  },

  async 'an upgrade listener that throws'(stage) {
    await stage.meet(accept);
    stage.ws.on('upgrade', () => {
      throw new Error('mine');
    });
    await stage.logged(/uncaught/);
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'send and close in an open listener'(stage) {
    await stage.meet((head) => head.switching() + EARLY);
    stage.ws.on('open', () => {
      stage.ticks('open');
      stage.ws.send('a');
      stage.ws.close(1000);
    });
    await stage.closed();
  },

  async 'an open listener that throws'(stage) {
    await stage.meet((head) => head.switching() + EARLY);
    stage.ws.on('open', () => {
      throw new Error('mine');
    });
    await stage.logged(/^message/);
    await stage.opened();
  },

  async 'the request is aborted'(stage) {
    const ws = await stage.meet(silence);
    ws._req.abort();
    stage.ticks('aborted');
    await stage.idle();
    stage.note(`state ${ws.readyState}`);
  },

  async 'the request is destroyed'(stage) {
    await giveUp(stage, (ws) => ws._req.destroy(new Error('mine')));
  },

  async 'the request is destroyed after close'(stage) {
    await giveUp(stage, (ws) => {
      const req = ws._req;
      ws.close();
      req.destroy(new Error('mine'));
    });
  },

  async 'the socket is destroyed while connecting'(stage) {
    const ws = await stage.meet(() => {
      ws._req.socket.destroy(new Error('mine'));
    });
    await stage.closed();
  },

  async 'nobody listens'(stage) {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    stage.peers.nobody = { place: port };
    const ws = stage.connect(`ws://127.0.0.1:${port}`);
    ws.on('error', () => stage.ticks('error'));
    await stage.closed();
  },

  async 'a class of its own'(stage) {
    const { WebSocket } = stage.package;
    class Mine extends WebSocket {
      emit(event, ...args) {
        stage.note(`emits ${String(event)} ${args.length}`);
        return super.emit(event, ...args);
      }

      setSocket(socket, head, options) {
        stage.note(
          `setSocket ${socket.constructor.name} ${head} ${Object.keys(options).sort()}`
        );
        return super.setSocket(socket, head, options);
      }

      emitClose() {
        stage.note(`emitClose ${this.readyState}`);
        return super.emitClose();
      }
    }
    const peer = await stage.serve('peer', accept);
    stage.package = { ...stage.package, WebSocket: Mine };
    stage.connect(peer.url());
    await stage.opened();
  },

  async 'who listens to the request and to the socket'(stage) {
    const ws = await stage.meet(accept);
    const counts = (emitter) =>
      emitter
        .eventNames()
        .map((name) => `${String(name)} ${emitter.listenerCount(name)}`)
        .sort();
    stage.note(`request ${counts(ws._req)}`);
    await stage.logged(/^open/);
    stage.note(`socket ${counts(ws._socket)} ${ws._socket.timeout}`);
    await stage.opened();
  }
};
