'use strict';

// The side of a WebSocket that browsers have, too.

const { inspect } = require('node:util');

const TYPES = ['open', 'message', 'close', 'error'];

/**
 * @param {Event} event what a listener got
 * @return {string} a line for the log
 */
function shown(event) {
  const seen = [];
  for (const key in event) {
    const value = event[key];
    if (key === 'target') seen.push(`target=${value?.constructor.name}`);
    else if (value instanceof Error) seen.push(`${key}=${value.message}`);
    else seen.push(`${key}=${inspect(value)}`);
  }
  return `${event.constructor.name} ${seen.sort().join(' ')}`;
}

/**
 * How many listeners of each type there are.
 *
 * @param {Stage} stage the stage
 */
function noteCounts(stage) {
  const { ws } = stage;
  stage.note(TYPES.map((type) => `${type} ${ws.listenerCount(type)}`).join());
}

module.exports = {
  async 'what events look like'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const type of TYPES) {
      ws.addEventListener(type, function (...args) {
        stage.note(
          `${args.map(shown)} ${this === ws} ${args[0].target === ws}`
        );
      });
    }
    stage.say([1, 'text'], [2, 'binary'], [1, ''], [9, 'ping']);
    stage.bye(3000, 'why');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'what the events of a failure look like'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.onerror = (event) => stage.note(`${shown(event)} [${ws.readyState}]`);
    ws.onclose = (event) => stage.note(`${shown(event)} [${ws.readyState}]`);
    stage.say([3, '']);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a clean close, and others'(stage) {
    await stage.open();
    stage.ws.onclose = (event) => stage.note(shown(event));
    stage.ws.close(4001, 'mine');
    await stage.received(stage.isServer ? 8 : 12);
    stage.bye(4002, 'yours');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a close frame that is not answered'(stage) {
    await stage.open({ closeTimeout: 30 });
    stage.ws.onclose = (event) => stage.note(shown(event));
    stage.ws.close(4001, 'mine');
    await stage.closed();
  },

  async 'onX is set, replaced and taken away'(stage) {
    await stage.open();
    const { ws } = stage;
    const first = () => stage.note('first');
    const second = () => stage.note('second');
    for (const value of [first, second, null, 'x', {}, undefined, first]) {
      ws.onmessage = value;
      const found = ws.onmessage;
      stage.note(`${typeof found} ${found === value} ${found === null}`);
      noteCounts(stage);
    }
    ws.onmessage = second;
    stage.text('a');
    await stage.logged(/^second/);
    await stage.goodbye();
  },

  async 'the order of listeners of all kinds'(stage) {
    await stage.open();
    const { ws } = stage;
    const says = (name) => () => stage.note(name);
    ws.onmessage = says('on 1');
    ws.addEventListener('message', says('added 1'));
    ws.on('message', says('emitter'));
    ws.prependListener('message', says('in front'));
    ws.addEventListener('message', says('once'), { once: true });
    ws.onmessage = says('on 2');
    ws.addEventListener('message', says('added 2'));
    stage.text('a', 'b');
    await stage.logged(/added 2/, 2);
    noteCounts(stage);
    await stage.goodbye();
  },

  async 'the same listener twice'(stage) {
    await stage.open();
    const { ws } = stage;
    const listener = (event) => stage.note(`heard ${event.type}`);
    ws.addEventListener('message', listener);
    ws.addEventListener('message', listener);
    ws.addEventListener('message', listener, { once: true });
    noteCounts(stage);
    ws.onmessage = listener;
    ws.on('message', listener);
    ws.addEventListener('close', listener);
    noteCounts(stage);
    stage.text('a');
    await stage.logged(/^heard/, 2);
    for (let i = 0; i < 3; i++) {
      ws.removeEventListener('message', listener);
      noteCounts(stage);
    }
    stage.note(`${ws.onmessage === listener}`);
    await stage.goodbye();
  },

  async 'a once listener that is added again'(stage) {
    await stage.open();
    const { ws } = stage;
    const listener = () => {
      stage.note('heard');
      noteCounts(stage);
      ws.addEventListener('message', listener, { once: true });
      noteCounts(stage);
    };
    ws.addEventListener('message', listener, { once: true });
    ws.addEventListener('message', listener);
    noteCounts(stage);
    stage.text('a', 'b');
    await stage.logged(/^heard/, 2);
    ws.removeEventListener('message', listener);
    noteCounts(stage);
    await stage.goodbye();
  },

  async 'objects as listeners'(stage) {
    await stage.open();
    const { ws } = stage;
    const object = {
      handleEvent(event) {
        stage.note(`handled ${event.type} ${this === object}`);
      }
    };
    ws.addEventListener('message', object);
    ws.addEventListener('close', object, { once: true });
    noteCounts(stage);
    stage.text('a');
    await stage.logged(/^handled/);
    object.handleEvent = () => stage.note('another');
    stage.text('b');
    await stage.logged(/^another/);
    ws.removeEventListener('message', object);
    noteCounts(stage);
    ws.onmessage = object;
    stage.note(`${ws.onmessage}`);
    await stage.goodbye();
  },

  async 'types that are not known'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const type of ['ping', 'upgrade', 'Message', '']) {
      stage.attempt(`${type}`, () => ws.addEventListener(type, () => {}));
      stage.attempt(`${type}`, () => ws.removeEventListener(type, () => {}));
    }
    noteCounts(stage);
    stage.note(ws.eventNames().map(String).sort());
    await stage.goodbye();
  },

  async 'what addEventListener returns, and options of other kinds'(stage) {
    await stage.open();
    const { ws } = stage;
    const list = [undefined, {}, { once: 1 }, { once: 0, capture: true }, true];
    for (const options of list) {
      const name = inspect(options);
      stage.attempt(name, () =>
        ws.addEventListener('message', () => stage.note(name), options)
      );
    }
    stage.text('a', 'b');
    await stage.logged(/capture/, 3);
    noteCounts(stage);
    await stage.goodbye();
  },

  async 'listeners taken away that were added otherwise'(stage) {
    await stage.open();
    const { ws } = stage;
    const listener = () => stage.note('heard');
    ws.on('message', listener);
    ws.onmessage = listener;
    ws.removeEventListener('message', listener);
    noteCounts(stage);
    ws.addEventListener('message', listener);
    ws.off('message', listener);
    noteCounts(stage);
    ws.removeAllListeners('message');
    stage.note(`${ws.onmessage}`);
    await stage.goodbye();
  },

  async 'wrappers among the listeners'(stage) {
    await stage.open();
    const { ws } = stage;
    const { kListener, kForOnEventAttribute } = stage.package.lib('constants');
    const listener = () => {};
    ws.removeAllListeners('message');
    ws.addEventListener('message', listener);
    ws.onmessage = listener;
    for (const wrapper of ws.listeners('message')) {
      stage.note(
        `${wrapper === listener} ${wrapper[kListener] === listener} ` +
          `${wrapper[kForOnEventAttribute]}`
      );
    }
    await stage.goodbye();
  },

  async 'listeners added and taken away in an event'(stage) {
    await stage.open();
    const { ws } = stage;
    const late = () => stage.note('late');
    const gone = () => stage.note('gone');
    ws.addEventListener('message', () => {
      stage.note('first');
      ws.addEventListener('message', late);
      ws.removeEventListener('message', gone);
    });
    ws.addEventListener('message', gone);
    stage.text('a', 'b');
    await stage.logged(/^late/);
    await stage.goodbye();
  },

  async 'the data of each binary type'(stage) {
    await stage.open();
    const { ws } = stage;
    ws.onmessage = ({ data }) =>
      stage.note(`${typeof data} ${data.constructor.name} ${inspect(data)}`);
    const more = { fin: false };
    const types = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];
    for (const [i, type] of types.entries()) {
      ws.binaryType = type;
      stage.say([2, 'a', more], [0, 'b'], [2, ''], [1, 'text']);
      await stage.logged(/^string String/, i + 1);
    }
    await stage.goodbye();
  },

  async 'events that a program emits itself'(stage) {
    await stage.open();
    const { ws } = stage;
    for (const type of TYPES) {
      ws[`on${type}`] = (event) => stage.note(shown(event));
    }
    ws.emit('open');
    ws.emit('message', Buffer.from('own'), false);
    ws.emit('message', Buffer.from('own'), true);
    ws.emit('message', 'text', true);
    ws.emit('error', new Error('own'));
    await stage.goodbye();
  }
};
