'use strict';

// What the classes have, before anything is connected. Private members are
// left out.

const { EventEmitter } = require('node:events');

const { alone } = require('../plain-stage');

/** What compression needs, and what the tests themselves put there. */
const OTHERS = ['PerMessageDeflate', 'itDiffers', 'lib', 'oracle'];

const CLASSES = ['WebSocket', 'WebSocketServer', 'Receiver', 'Sender'];

/**
 * Notes the properties of an object.
 *
 * @param {PlainStage} stage where to note them
 * @param {string} title what the object is
 * @param {Object} object the object
 */
function noteMembers(stage, title, object) {
  for (const name of Object.getOwnPropertyNames(object).sort()) {
    if (name.startsWith('_') || OTHERS.includes(name)) continue;
    const found = Object.getOwnPropertyDescriptor(object, name);
    const { get, set, value, enumerable, configurable, writable } = found;
    const kind = get || set ? `get ${!!get} set ${!!set}` : typeof value;
    const flags = [enumerable, configurable, writable].join(' ');
    const arity = typeof value === 'function' ? ` ${value.length}` : '';
    stage.note(`${title}.${name} ${kind}${arity} ${flags}`);
  }
}

/**
 * A WebSocket without a connection.
 *
 * @param {PlainStage} stage whose package to use
 * @return {WebSocket}
 */
function idle(stage) {
  return new stage.package.WebSocket(null, undefined, {});
}

module.exports = {
  stages: alone,

  'the static side of each class'(stage) {
    for (const name of CLASSES) {
      const own = {};
      for (const key of Object.getOwnPropertyNames(stage.package[name])) {
        // Those of EventEmitter differ between versions of Node.js.
        if (!(key in EventEmitter) || key === 'name' || key === 'length') {
          const found = Object.getOwnPropertyDescriptor(
            stage.package[name],
            key
          );
          Object.defineProperty(own, key, found);
        }
      }
      noteMembers(stage, name, own);
    }
  },

  'the prototype of each class'(stage) {
    const { WebSocket, WebSocketServer, Sender } = stage.package;
    // COMPAT(ws): `transport` is beyond ws.
    const { transport, ...members } = Object.getOwnPropertyDescriptors(
      WebSocket.prototype
    );
    stage.note(typeof transport?.set);
    noteMembers(stage, 'WebSocket', Object.create(null, members));
    noteMembers(stage, 'WebSocketServer', WebSocketServer.prototype);
    // A sender has methods that are only its own.
    const { send, ping, pong, close, sendFrame } =
      Object.getOwnPropertyDescriptors(Sender.prototype);
    noteMembers(
      stage,
      'Sender',
      Object.create(null, { send, ping, pong, close, sendFrame })
    );
  },

  'names, arity and ancestors'(stage) {
    for (const name of CLASSES) {
      const tested = stage.package[name];
      const parent = Object.getPrototypeOf(tested);
      stage.note(`${tested.name} ${tested.length} ${parent.name}`);
      stage.attempt(`${name} without new`, () => tested(null));
      stage.note(Object.keys(Object.getPrototypeOf(tested.prototype)).length);
    }
    const { createWebSocketStream: stream } = stage.package;
    stage.note(`${stream.name} ${stream.length}`);
  },

  'what is exported is the same everywhere'(stage) {
    const { lib, ...named } = stage.package;
    const { WebSocket } = named;
    stage.note(WebSocket === stage.package);
    stage.note(WebSocket.WebSocket === WebSocket);
    stage.note(WebSocket.Server === WebSocket.WebSocketServer);
    for (const [file, name] of [
      ['websocket', 'WebSocket'],
      ['websocket-server', 'WebSocketServer'],
      ['receiver', 'Receiver'],
      ['sender', 'Sender'],
      ['stream', 'createWebSocketStream'],
      ['extension', 'extension'],
      ['subprotocol', 'subprotocol']
    ]) {
      stage.note(`${file} ${lib(file) === named[name]}`);
    }
  },

  'the constants of states'(stage) {
    const { WebSocket } = stage.package;
    for (const name of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']) {
      for (const object of [WebSocket, WebSocket.prototype]) {
        const found = Object.getOwnPropertyDescriptor(object, name);
        stage.note(`${name} ${JSON.stringify(found)}`);
        stage.note(Reflect.set(object, name, 7));
        stage.note(Reflect.deleteProperty(object, name));
      }
    }
  },

  'accessors without a setter'(stage) {
    const ws = idle(stage);
    for (const name of [
      'bufferedAmount',
      'extensions',
      'isPaused',
      'protocol',
      'readyState',
      'url'
    ]) {
      stage.attempt(`${name} written`, () => (ws[name] = 1));
      stage.note(`${name} ${ws[name]}`);
    }
    stage.note(Object.keys(ws).filter((key) => !/^_/.test(key)));
  },

  'what a loop over a WebSocket finds'(stage) {
    const names = [];
    for (const name in idle(stage)) {
      // What Node.js itself puts there is not looked at.
      if (!name.startsWith('_') && !(name in EventEmitter.prototype)) {
        names.push(name);
      }
    }
    stage.note(names.sort());
  },

  'accessors of the prototype, by themselves'(stage) {
    const { prototype } = stage.package.WebSocket;
    for (const name of ['CONNECTING', 'constructor']) {
      stage.note(`${name} ${prototype[name]?.name ?? prototype[name]}`);
    }
    for (const name of ['binaryType', 'isPaused', 'url', 'onopen']) {
      const { get, set } = Object.getOwnPropertyDescriptor(prototype, name);
      stage.note(`${name} ${get?.name} ${get?.length} ${set?.name}`);
    }
  },

  'binaryType takes what it knows'(stage) {
    const ws = idle(stage);
    stage.note(ws.binaryType);
    const values = [
      'arraybuffer',
      'fragments',
      'blob',
      'nodebuffer',
      'Blob',
      '',
      undefined,
      null,
      7,
      ['arraybuffer'],
      Object('arraybuffer')
    ];
    for (const value of values) {
      ws.binaryType = value;
      stage.note(`${typeof value} ${ws.binaryType}`);
    }
  },

  'a WebSocket for a server needs its options'(stage) {
    const { WebSocket } = stage.package;
    stage.attempt('none', () => typeof new WebSocket(null));
    stage.attempt('undefined', () => typeof new WebSocket(null, undefined));
    stage.attempt('null', () => typeof new WebSocket(null, undefined, null));
    stage.attempt('protocols', () => new WebSocket(null, 'a', {}).url);
    const ws = new WebSocket(null, undefined, { isServer: false });
    stage.note(`${ws.readyState} ${ws.url} ${ws.protocol} ${ws._isServer}`);
    stage.note(`${ws._socket} ${ws._receiver} ${ws._sender}`);
    stage.note(`${ws._autoPong} ${ws._closeTimeout} ${ws._closeTimer}`);
  },

  'methods before there is a connection'(stage) {
    const ws = idle(stage);
    for (const name of ['send', 'ping', 'pong']) {
      stage.attempt(name, () => ws[name]('x', () => stage.note('called')));
      stage.attempt(`${name} a Symbol`, () => ws[name](Symbol('x')));
    }
    stage.attempt('pause', () => ws.pause());
    stage.note(ws.isPaused);
    stage.attempt('resume', () => ws.resume());
    stage.note(`${ws.isPaused} ${ws.readyState} ${ws.bufferedAmount}`);
  },

  'a subclass of WebSocket'(stage) {
    class Mine extends stage.package.WebSocket {
      emit(...args) {
        stage.note(`emit ${args[0]}`);
        return super.emit(...args);
      }
    }
    const ws = new Mine(null, undefined, {});
    ws.on('close', (code, reason) =>
      stage.note(`close ${code} ${reason.length} ${ws.readyState}`)
    );
    ws.emitClose();
    stage.note(`${ws instanceof stage.package} ${Mine.OPEN} ${ws.OPEN}`);
    stage.note(`${Mine.name} ${Mine.length}`);
  },

  'own properties that programs set'(stage) {
    const ws = idle(stage);
    for (const name of ['path', 'id', 'isAlive', 'send', 'clients']) {
      stage.attempt(name, () => (ws[name] = 1));
      stage.note(`${name} ${ws[name]}`);
    }
  }
};
