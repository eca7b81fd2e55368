'use strict';

const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const { describe, it } = require('node:test');

const { lib, WebSocket } = require('./support/ferrows');

const { CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent } =
  lib('event-target');

/** An emitter with the EventTarget methods of a WebSocket. */
const createTarget = () => Object.assign(new EventEmitter(), EventTarget);

/** A WebSocket without a connection. */
const createWebSocket = () => new WebSocket(null, undefined, {});

describe('Event', () => {
  for (const [EventClass, getters, defaults] of [
    [Event, ['target', 'type'], { target: null, type: 'x' }],
    [
      CloseEvent,
      ['code', 'reason', 'wasClean'],
      { type: 'x', code: 0, reason: '', wasClean: false }
    ],
    [ErrorEvent, ['error', 'message'], { error: null, message: '' }],
    [MessageEvent, ['data'], { data: null }]
  ]) {
    describe(EventClass.name, () => {
      it('is an Event', () => {
        assert.ok(new EventClass('x') instanceof Event);
      });

      it('has read-only, enumerable getters on its prototype', () => {
        const all = Object.getOwnPropertyDescriptors(EventClass.prototype);

        delete all.constructor;
        assert.deepStrictEqual(Object.keys(all), getters);
        for (const descriptor of Object.values(all)) {
          assert.strictEqual(descriptor.enumerable, true);
          assert.strictEqual(descriptor.configurable, true);
          assert.strictEqual(typeof descriptor.get, 'function');
          assert.strictEqual(descriptor.set, undefined);
        }
      });

      it('has defaults', () => {
        const event = new EventClass('x');

        for (const name of Object.keys(defaults)) {
          assert.strictEqual(event[name], defaults[name]);
        }
      });
    });
  }

  it('is given its values by options', () => {
    const error = new Error('no');
    const close = new CloseEvent('x', { code: 1, reason: 'r', wasClean: true });
    const failure = new ErrorEvent('x', { error, message: 'm' });

    assert.strictEqual(close.code, 1);
    assert.strictEqual(close.reason, 'r');
    assert.strictEqual(close.wasClean, true);
    assert.strictEqual(failure.error, error);
    assert.strictEqual(failure.message, 'm');
    assert.strictEqual(new MessageEvent('x', { data: 0 }).data, 0);
  });
});

describe('#addEventListener', () => {
  it('is an enumerable method of a WebSocket', () => {
    const names = Object.keys(WebSocket.prototype);

    assert.ok(names.includes('addEventListener'));
    assert.ok(names.includes('removeEventListener'));
  });

  it('calls a function with an event, on the target', () => {
    const target = createTarget();
    const calls = [];

    target.addEventListener('open', function (...args) {
      calls.push([this, args]);
    });
    target.emit('open');

    const [[self, [event, ...more]]] = calls;
    assert.strictEqual(calls.length, 1);
    assert.strictEqual(self, target);
    assert.deepStrictEqual(more, []);
    assert.ok(event instanceof Event);
    assert.strictEqual(event.type, 'open');
    assert.strictEqual(event.target, target);
  });

  it('calls the `handleEvent` method of an object, on the object', () => {
    const target = createTarget();
    const listener = {
      handleEvent(event) {
        this.event = event;
      }
    };

    target.addEventListener('open', listener);
    target.emit('open');

    assert.strictEqual(listener.event.target, target);
  });

  it('gives text as a string, other data as it is', () => {
    const target = createTarget();
    const fragments = [Buffer.from('a')];
    const seen = [];

    target.addEventListener('message', ({ data }) => seen.push(data));
    target.emit('message', Buffer.from('hé'), false);
    target.emit('message', fragments, true);

    assert.deepStrictEqual(seen, ['hé', fragments]);
    assert.strictEqual(seen[1], fragments);
  });

  it('tells how the connection was closed', () => {
    for (const [received, sent, wasClean] of [
      [true, true, true],
      [true, false, false],
      [false, true, false]
    ]) {
      const target = createTarget();
      let event;

      target._closeFrameReceived = received;
      target._closeFrameSent = sent;
      target.addEventListener('close', (close) => {
        event = close;
      });
      target.emit('close', 4000, Buffer.from('bye'));

      assert.ok(event instanceof CloseEvent);
      assert.strictEqual(event.type, 'close');
      assert.strictEqual(event.code, 4000);
      assert.strictEqual(event.reason, 'bye');
      assert.strictEqual(event.wasClean, wasClean);
    }
  });

  it('gives the error and its message', () => {
    const target = createTarget();
    const error = new Error('no');
    let event;

    target.addEventListener('error', (failure) => {
      event = failure;
    });
    target.emit('error', error);

    assert.ok(event instanceof ErrorEvent);
    assert.strictEqual(event.type, 'error');
    assert.strictEqual(event.error, error);
    assert.strictEqual(event.message, 'no');
  });

  it('ignores events that browsers do not have', () => {
    const target = createTarget();

    target.addEventListener('ping', () => {});
    target.addEventListener('toString', () => {});

    assert.deepStrictEqual(target.eventNames(), []);
  });

  it('ignores a listener that is there already', () => {
    const target = createTarget();
    const listener = () => {};

    target.addEventListener('open', listener);
    target.addEventListener('open', listener);
    target.addEventListener('open', listener, { once: true });
    target.addEventListener('close', listener);

    assert.strictEqual(target.listenerCount('open'), 1);
    assert.strictEqual(target.listenerCount('close'), 1);
  });

  it('does not care about listeners added with `on`', () => {
    const target = createTarget();
    const listener = () => {};

    target.on('open', listener);
    target.addEventListener('open', listener);

    assert.strictEqual(target.listenerCount('open'), 2);
  });

  it('honors the `once` option', () => {
    const target = createTarget();
    const counts = [];

    target.addEventListener(
      'open',
      () => counts.push(target.listenerCount('open')),
      { once: true }
    );
    target.emit('open');
    target.emit('open');

    assert.deepStrictEqual(counts, [0]);
  });

  it('keeps the order of all listeners', () => {
    const target = createTarget();
    const order = [];

    target.on('open', () => order.push(1));
    target.addEventListener('open', () => order.push(2));
    target.on('open', () => order.push(3));
    target.emit('open');

    assert.deepStrictEqual(order, [1, 2, 3]);
  });
});

describe('#removeEventListener', () => {
  it('removes a listener', () => {
    const target = createTarget();
    const listener = () => {};
    const object = { handleEvent() {} };

    target.addEventListener('open', listener);
    target.addEventListener('open', object);
    target.removeEventListener('open', listener);
    assert.strictEqual(target.listenerCount('open'), 1);

    target.removeEventListener('open', object);
    assert.strictEqual(target.listenerCount('open'), 0);
  });

  it('removes a listener for one call', () => {
    const target = createTarget();
    const listener = () => {};

    target.addEventListener('open', listener, { once: true });
    target.removeEventListener('open', listener);

    assert.strictEqual(target.listenerCount('open'), 0);
  });

  it('leaves alone what was not added with `addEventListener`', () => {
    const ws = createWebSocket();
    const listener = () => {};

    ws.on('open', listener);
    ws.onopen = listener;
    ws.removeEventListener('open', listener);

    assert.strictEqual(ws.listenerCount('open'), 2);
    assert.strictEqual(ws.onopen, listener);
  });

  it('ignores a listener that is not there', () => {
    const target = createTarget();

    target.addEventListener('open', () => {});
    target.removeEventListener('open', () => {});
    target.removeEventListener('ping', () => {});

    assert.strictEqual(target.listenerCount('open'), 1);
  });
});

describe('#onopen, #onmessage, #onclose, #onerror', () => {
  for (const type of ['open', 'message', 'close', 'error']) {
    const property = `on${type}`;

    it(`gives and takes a listener for '${type}'`, () => {
      const ws = createWebSocket();
      const listener = () => {};

      assert.strictEqual(ws[property], null);
      ws[property] = listener;
      assert.strictEqual(ws[property], listener);
      assert.strictEqual(ws.listenerCount(type), 1);
      ws[property] = null;
      assert.strictEqual(ws[property], null);
      assert.strictEqual(ws.listenerCount(type), 0);
    });
  }

  it('calls the listener with an event, on the WebSocket', () => {
    const ws = createWebSocket();
    let call;

    ws.onmessage = function (event) {
      call = [this, event];
    };
    ws.emit('message', Buffer.from('a'), false);

    assert.strictEqual(call[0], ws);
    assert.ok(call[1] instanceof MessageEvent);
    assert.strictEqual(call[1].data, 'a');
    assert.strictEqual(call[1].target, ws);
  });

  it('puts a new listener at the end of the order', () => {
    const ws = createWebSocket();
    const order = [];

    ws.onopen = () => order.push('first');
    ws.on('open', () => order.push('on'));
    ws.onopen = () => order.push('second');
    ws.emit('open');

    assert.deepStrictEqual(order, ['on', 'second']);
  });

  it('only removes the listener if given something else', () => {
    for (const value of ['text', {}, { handleEvent() {} }, undefined]) {
      const ws = createWebSocket();

      ws.onopen = () => {};
      ws.onopen = value;

      assert.strictEqual(ws.onopen, null);
      assert.strictEqual(ws.listenerCount('open'), 0);
    }
  });

  it('is separate from `addEventListener` with the same function', () => {
    const ws = createWebSocket();
    const listener = () => {};

    ws.addEventListener('open', listener);
    assert.strictEqual(ws.onopen, null);

    ws.onopen = listener;
    assert.strictEqual(ws.listenerCount('open'), 2);

    ws.onopen = null;
    assert.strictEqual(ws.listenerCount('open'), 1);
  });
});
