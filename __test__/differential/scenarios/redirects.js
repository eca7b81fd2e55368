'use strict';

// Where a client goes, and what it takes along.

const net = require('node:net');

const { clientStages, redirect, response } = require('../client-stage');

/** An answer that accepts everything. */
const accept = (head) => head.switching();

/** Headers that not everybody should see. */
const HEADERS = {
  Authorization: 'Bearer abc',
  Cookie: 'd=e',
  Host: 'example.com',
  'X-Other': 'f'
};

/**
 * Starts a peer that answers with a redirect, and one that it leads to, and
 * connects to the first.
 *
 * @param {ClientStage} stage the stage
 * @param {Object} [options] those of the client, and
 * @param {string} [options.from] how the first peer is reached
 * @param {string} [options.to] how the second one is
 * @param {string} [options.firstUser] what the first address has before its
 *     host
 * @param {string} [options.secondUser] the same of the second
 * @return {Promise<WebSocket>} the client
 */
async function cross(stage, options = {}) {
  const { from, to, firstUser, secondUser, ...rest } = options;
  const second = await stage.serve('second', accept, to);
  const location = second.url('/second', secondUser);
  const first = await stage.serve('first', () => redirect(location), from);
  return stage.connect(first.url('/first', firstUser), {
    followRedirects: true,
    ...rest
  });
}

/**
 * Starts a peer that answers each request by a list, and the rest with a 101,
 * and connects to it.
 *
 * @param {ClientStage} stage the stage
 * @param {string[]} answers the first answers
 * @param {Object} [options] those of the client, see `meet()`
 * @return {Promise<WebSocket>} the client
 */
async function travel(stage, answers, options) {
  const left = [...answers];
  return stage.meet((head) => left.shift() ?? head.switching(), {
    at: '/a/b?c',
    followRedirects: true,
    ...options
  });
}

/**
 * Logs each `'redirect'`.
 *
 * @param {ClientStage} stage the stage
 * @param {function(http.ClientRequest, string)} [play] what to do in it
 */
function watch(stage, play = () => {}) {
  const { ws } = stage;
  ws.on('redirect', (url, req) => {
    const isNext = ws._req === req && ws.url === url;
    stage.note(
      `redirect ${url} ${req.constructor.name} ${isNext} ${ws.readyState} ` +
        `${req.writableEnded} ${ws._redirects}`
    );
    play(req, url);
  });
}

module.exports = {
  stages: clientStages('ws'),

  async 'each status'(stage) {
    const list = [
      '300 A',
      '301 B',
      '302 C',
      '303 D',
      '307 E',
      '308 F',
      '399 G'
    ];
    await travel(
      stage,
      list.map((status, i) => redirect(`/${i}`, status))
    );
    watch(stage);
    await stage.opened();
  },

  async 'statuses that are none'(stage) {
    const list = ['200 A', '201 B', '299 C', '400 D'];
    const left = list.map((status) => redirect('/', status));
    const peer = await stage.serve('peer', () => left.shift());
    for (let i = 1; i <= list.length; i++) {
      stage.connect(peer.url(), { followRedirects: true });
      await stage.settled(i);
    }
  },

  async 'no Location'(stage) {
    await travel(stage, [response('302 Found')]);
    await stage.closed();
  },

  async 'an empty Location'(stage) {
    await travel(stage, [redirect('')]);
    await stage.closed();
  },

  async 'not followed'(stage) {
    await travel(stage, [redirect('/')], { followRedirects: false });
    watch(stage);
    await stage.closed();
  },

  async 'not followed, and seen'(stage) {
    await travel(stage, [redirect('/')], { followRedirects: undefined });
    stage.ws.on('unexpected-response', (req, res) => {
      stage.note(`response ${res.statusCode} ${res.headers.location}`);
      req.destroy();
    });
    await stage.logged(/^response/);
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'relative targets'(stage) {
    const list = ['../d', './e?f', '?g', 'h/', 'i%20j é', '/../'];
    await travel(
      stage,
      list.map((location) => redirect(location))
    );
    watch(stage);
    await stage.opened();
  },

  async 'targets of http'(stage) {
    const left = [];
    const answer = (head) => left.shift() ?? head.switching();
    const peer = await stage.serve('peer', answer);
    left.push(redirect(peer.url('/a').replace('ws:', 'http:')));
    left.push(redirect(peer.url('/b').replace('ws://', '//')));
    stage.connect(peer.url(), { followRedirects: true });
    watch(stage);
    await stage.opened();
  },

  async 'a target that does not parse'(stage) {
    await travel(stage, [redirect('http://a b')]);
    watch(stage);
    stage.ws.on('error', () => {
      stage.note(`${stage.ws.url} ${stage.ws._redirects}`);
      stage.ticks('error');
    });
    await stage.closed();
  },

  async 'targets with other schemes'(stage) {
    const list = ['ftp://127.0.0.1/', 'data:a', 'ws+unix:', 'mailto:a@b'];
    const left = list.map((location) => redirect(location));
    const peer = await stage.serve('peer', () => left.shift());
    for (let i = 1; i <= list.length; i++) {
      stage.connect(peer.url(), { followRedirects: true });
      watch(stage);
      await stage.settled(i);
      stage.note(stage.ws.url);
    }
  },

  async 'a target with a fragment'(stage) {
    await travel(stage, [redirect('/d#e')]);
    watch(stage);
    await stage.closed();
  },

  async 'more than there may be'(stage) {
    await travel(
      stage,
      Array.from({ length: 4 }, (_, i) => redirect(`/${i}`)),
      { maxRedirects: 3 }
    );
    watch(stage);
    await stage.closed();
    stage.note(`${stage.ws.url} ${stage.ws._redirects}`);
  },

  async 'as many as there may be'(stage) {
    await travel(
      stage,
      Array.from({ length: 3 }, (_, i) => redirect(`/${i}`)),
      { maxRedirects: 3 }
    );
    await stage.opened();
  },

  async eleven(stage) {
    await travel(
      stage,
      Array.from({ length: 11 }, (_, i) => redirect(`/${i}`))
    );
    await stage.closed();
  },

  async 'none allowed'(stage) {
    await travel(stage, [redirect('/')], { maxRedirects: 0 });
    await stage.closed();
  },

  async 'what each request repeats'(stage) {
    const answer = (head) => head.switching('Sec-WebSocket-Protocol: b');
    const left = [redirect('/a'), redirect('/b')];
    const keys = new Set();
    await stage.meet(
      (head) => {
        keys.add(head.get('Sec-WebSocket-Key'));
        return left.shift() ?? answer(head);
      },
      {
        finishRequest(req) {
          stage.note(`finish ${req.path}`);
          req.end();
        },
        followRedirects: true,
        headers: HEADERS,
        origin: 'https://example.com',
        protocolVersion: 8,
        protocols: ['a', 'b']
      }
    );
    await stage.opened();
    stage.note(`${keys.size} keys`);
  },

  async 'headers for the same host'(stage) {
    await travel(stage, [redirect('/a')], { headers: HEADERS });
    await stage.opened();
  },

  async 'headers for the same host, with a listener'(stage) {
    await travel(stage, [redirect('/a')], { headers: HEADERS });
    watch(stage, (req) => stage.note(`${req.getHeaderNames()}`));
    await stage.opened();
  },

  async 'headers for another host'(stage) {
    await cross(stage, { headers: HEADERS, auth: 'user:word' });
    await stage.opened();
  },

  async 'headers for another host, with a listener'(stage) {
    await cross(stage, { headers: HEADERS, auth: 'user:word' });
    watch(stage);
    await stage.opened();
  },

  async 'headers changed by a listener'(stage) {
    await cross(stage, { headers: HEADERS });
    watch(stage, (req) => {
      req.removeHeader('authorization');
      req.removeHeader('cookie');
      req.setHeader('x-other', 'changed');
    });
    await stage.opened();
  },

  async 'headers on the way to another host and back'(stage) {
    const left = [];
    const first = await stage.serve('first', (head) =>
      left.length > 0 ? redirect(left.shift()) : head.switching()
    );
    const second = await stage.serve('second', () => redirect(first.url('/c')));
    left.push(second.url('/b'));
    stage.connect(first.url('/a'), { followRedirects: true, headers: HEADERS });
    await stage.opened();
  },

  async 'headers given as null'(stage) {
    await cross(stage, { headers: null });
    await stage.opened();
  },

  async 'credentials in the first address'(stage) {
    await travel(stage, [redirect('/a'), redirect('/b')], { auth: 'not:me' });
    await stage.opened();
    const left = [redirect('/d')];
    const peer = await stage.serve('user', (head) =>
      left.length > 0 ? left.shift() : head.switching()
    );
    stage.connect(peer.url('/', 'user:word@'), { followRedirects: true });
    await stage.opened(2);
  },

  async 'credentials in the address for another host'(stage) {
    await cross(stage, { firstUser: 'a:b@', secondUser: 'c:d@' });
    await stage.opened();
  },

  async 'credentials in both addresses, with a listener'(stage) {
    await cross(stage, { firstUser: 'a:b@', secondUser: 'c:d@' });
    watch(stage);
    await stage.opened();
  },

  async 'credentials in the second address, with a listener'(stage) {
    await cross(stage, { secondUser: 'c:d@' });
    watch(stage);
    await stage.opened();
  },

  async 'credentials in the second address and the headers'(stage) {
    await cross(stage, { secondUser: 'c:d@', headers: HEADERS });
    watch(stage);
    await stage.opened();
  },

  async 'credentials that change on the way'(stage) {
    const left = [];
    const peer = await stage.serve('peer', (head) =>
      left.length > 0 ? redirect(left.shift()) : head.switching()
    );
    for (const [i, listener] of [undefined, () => {}].entries()) {
      const users = ['', 'c:d@', '', 'e:f@', ''];
      left.push(...users.map((user, i) => peer.url(`/${i}`, user)));
      stage.connect(peer.url('/'), { followRedirects: true });
      if (listener) stage.ws.on('redirect', listener);
      await stage.opened(i + 1);
    }
  },

  async 'from TLS to a port without'(stage) {
    await cross(stage, { from: 'wss', to: 'ws', headers: HEADERS });
    await stage.opened();
  },

  async 'from no TLS to a port with'(stage) {
    await cross(stage, { from: 'ws', to: 'wss', headers: HEADERS });
    await stage.opened();
  },

  async 'down and up again on one made-up host'(stage) {
    const targets = ['ws://made.up/b', 'wss://made.up/c', 'wss://made.up:80/d'];
    const peer = await stage.serve('peer', (head) =>
      targets.length > 0 ? redirect(targets.shift()) : head.switching()
    );
    stage.connect('wss://made.up/a', {
      auth: 'user:word',
      createConnection: () => net.connect(peer.place, '127.0.0.1'),
      followRedirects: true,
      headers: HEADERS
    });
    await stage.opened();
  },

  async 'down on one made-up host and port'(stage) {
    const targets = ['ws://made.up:9/b', 'wss://made.up:9/c'];
    const peer = await stage.serve('peer', (head) =>
      targets.length > 0 ? redirect(targets.shift()) : head.switching()
    );
    stage.connect('wss://made.up:9/a', {
      auth: 'user:word',
      createConnection: () => net.connect(peer.place, '127.0.0.1'),
      followRedirects: true,
      headers: HEADERS
    });
    await stage.opened();
  },

  async 'to a Unix socket'(stage) {
    await cross(stage, { to: 'ws+unix', headers: HEADERS });
    await stage.opened();
  },

  async 'from a Unix socket'(stage) {
    await cross(stage, { from: 'ws+unix', headers: HEADERS });
    await stage.opened();
  },

  async 'from one Unix socket to another'(stage) {
    await cross(stage, { from: 'ws+unix', to: 'ws+unix', headers: HEADERS });
    await stage.opened();
  },

  async 'within a Unix socket'(stage) {
    const left = [];
    const peer = await stage.serve(
      'peer',
      (head) => (left.length > 0 ? redirect(left.shift()) : head.switching()),
      'ws+unix'
    );
    left.push(peer.url('/b'));
    stage.connect(peer.url('/a'), { followRedirects: true, headers: HEADERS });
    await stage.opened();
  },

  async 'a relative target within a Unix socket'(stage) {
    const peer = await stage.serve('peer', () => redirect('/b'), 'ws+unix');
    stage.connect(peer.url('/a'), { followRedirects: true });
    await stage.closed();
  },

  async 'close in the listener'(stage) {
    await cross(stage);
    watch(stage, () => {
      stage.ws.close();
      stage.ticks('closed');
    });
    await stage.closed();
  },

  async 'terminate in the listener'(stage) {
    await cross(stage);
    watch(stage, () => {
      stage.ws.terminate();
      stage.note(`state ${stage.ws.readyState}`);
    });
    await stage.closed();
  },

  async 'abort in the listener'(stage) {
    await cross(stage);
    watch(stage, (req) => {
      req.on('close', () => stage.note('request closed'));
      req.abort();
    });
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'destroy in the listener'(stage) {
    await cross(stage);
    watch(stage, (req) => req.destroy(new Error('mine')));
    await stage.closed();
  },

  async 'a listener that throws, and the client is terminated'(stage) {
    await cross(stage);
    watch(stage, () => {
      throw new Error('mine');
    });
    await stage.logged(/uncaught/);
    await stage.idle();
    stage.note(`state ${stage.ws.readyState}`);
    stage.ws.terminate();
    await stage.closed();
  },

  async 'listeners of the requests'(stage) {
    const names = (req) =>
      req
        .eventNames()
        .map((name) => `${String(name)} ${req.listenerCount(name)}`)
        .sort();
    await travel(stage, [redirect('/a')], {
      finishRequest(req) {
        stage.note(`to finish: ${names(req)}`);
        req.end();
      },
      handshakeTimeout: 3000
    });
    watch(stage, (req) => {
      stage.note(`redirected: ${names(req)}`);
      req.on('upgrade', () => stage.note("the request's upgrade"));
    });
    await stage.opened();
  },

  async 'close in the second finishRequest'(stage) {
    let count = 0;
    await cross(stage, {
      finishRequest(req, ws) {
        if (++count === 2) ws.close();
        else req.end();
      }
    });
    watch(stage);
    await stage.closed();
  },

  async 'close after the redirect'(stage) {
    const second = await stage.serve('second', () => {
      stage.ws.close();
    });
    await stage.meet(() => redirect(second.url('/b')), {
      followRedirects: true
    });
    await stage.closed();
  },

  async 'a listener for one redirect'(stage) {
    const third = await stage.serve('third', accept);
    const second = await stage.serve('second', () => redirect(third.url('/c')));
    const first = await stage.serve('first', () => redirect(second.url('/b')));
    stage.connect(first.url('/a'), { followRedirects: true, headers: HEADERS });
    stage.ws.once('redirect', (url) => stage.note(`redirect ${url}`));
    await stage.opened();
  },

  async 'to a refusal'(stage) {
    await travel(stage, [redirect('/a'), response('403 Forbidden')]);
    watch(stage);
    await stage.closed();
  },

  async 'to a refusal that is seen'(stage) {
    await travel(stage, [redirect('/a'), response('403 Forbidden')]);
    stage.ws.on('unexpected-response', (req, res) => {
      stage.note(`${res.statusCode} ${req.path} ${stage.ws._req === req}`);
      stage.ws.terminate();
    });
    await stage.closed();
  },

  async 'to a faulty answer'(stage) {
    await travel(stage, [
      redirect('/a'),
      response('101 Switching', 'Connection: Upgrade', 'Upgrade: websocket')
    ]);
    await stage.closed();
  },

  async 'to nobody'(stage) {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    stage.peers.nobody = { place: port };
    await travel(stage, [redirect(`ws://127.0.0.1:${port}/`)]);
    watch(stage);
    await stage.closed();
  },

  async 'to silence'(stage) {
    const second = await stage.serve('second', () => undefined);
    await stage.meet(() => redirect(second.url('/b')), {
      followRedirects: true,
      // Time enough for both requests, on a busy machine too.
      handshakeTimeout: 500
    });
    await stage.closed();
  },

  async 'with a body that does not end'(stage) {
    await travel(stage, [
      response('302 Found', 'Location: /a', 'Content-Length: 100') + 'body'
    ]);
    watch(stage);
    await stage.opened();
  },

  async ticks(stage) {
    await travel(stage, [redirect('/a')]);
    watch(stage, () => stage.ticks('redirect'));
    stage.ws.on('open', () => stage.ticks('open'));
    await stage.opened();
  },

  async 'an agent for each request'(stage) {
    const agent = new (require('node:http').Agent)({ keepAlive: true });
    await travel(stage, [redirect('/a'), redirect('/b')], { agent });
    await stage.opened();
    const left = Object.values(agent.freeSockets).flat().length;
    stage.note(`${left} sockets left`);
    agent.destroy();
  }
};
