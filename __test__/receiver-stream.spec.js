'use strict';

// A Receiver as a stream: in which order, and on which tick, things happen.

const assert = require('node:assert');
const { describe, it } = require('node:test');
const {
  setImmediate: tick,
  setTimeout: sleep
} = require('node:timers/promises');

const { itDiffers, Receiver } = require('./support/ferrows');
const { closeBody, frame, OP } = require('./support/frames');

/**
 * Makes a receiver and writes down what it does.
 *
 * @param {Object} [options] the receiver's options
 * @return {{receiver: Receiver, log: string[],
 *     write: function(string, ...Buffer)}} `write` writes one chunk and logs its
 *     callback under a name
 */
function observed(options) {
  const receiver = new Receiver(options);
  const log = [];
  for (const name of ['message', 'ping', 'pong']) {
    receiver.on(name, (data) => log.push(`${name} ${data}`));
  }
  receiver.on('conclude', (code) => log.push(`conclude ${code}`));
  receiver.on('error', (err) => log.push(`error ${err.code}`));
  for (const name of ['drain', 'finish', 'close']) {
    receiver.on(name, () => log.push(name));
  }
  const write = (name, ...frames) =>
    receiver.write(Buffer.concat(frames), (err) =>
      log.push(err ? `${name} ${err.code}` : name)
    );
  return { receiver, log, write };
}

/** Waits for `'close'`, whether an error comes before or not. */
const closed = (receiver) =>
  new Promise((resolve) => receiver.on('close', resolve));

const A = frame(OP.TEXT, 'a');
const B = frame(OP.TEXT, 'b');
const CLOSE = frame(OP.CLOSE, closeBody(1000));
const BROKEN = frame(3);

describe('Receiver as a stream', { timeout: 10000 }, () => {
  it('emits within `write()`, and calls back on a later tick', async () => {
    const { log, write } = observed();
    write('first', A);
    write('second', B);
    assert.deepStrictEqual(log, ['message a', 'message b']);
    await tick();
    assert.deepStrictEqual(log.slice(2), ['first', 'second']);
  });

  it('can be called by the name `_write`', () => {
    const { receiver, log } = observed();
    receiver._write(A, 'buffer', (err) => log.push(!err));
    receiver._write(BROKEN, 'buffer', (err) => log.push(err.code));
    assert.deepStrictEqual(log, ['message a', true, 'WS_ERR_INVALID_OPCODE']);
  });

  it('parses strings that are written', () => {
    const { receiver, log } = observed();
    receiver.write(A.toString('latin1'), 'latin1');
    assert.deepStrictEqual(log, ['message a']);
  });

  it('ends itself after a close frame, and ignores what follows', async () => {
    const { receiver, log, write } = observed();
    write('first', A, CLOSE, B);
    assert.deepStrictEqual(log, ['message a', 'conclude 1000']);
    assert.strictEqual(receiver.writable, false);
    await closed(receiver);
    assert.deepStrictEqual(log.slice(2), ['first', 'finish', 'close']);
  });

  it('destroys itself on an error, and ignores what follows', async () => {
    const { receiver, log, write } = observed();
    write('first', A, BROKEN, B);
    write('second', B);
    assert.deepStrictEqual(log, ['message a']);
    assert.strictEqual(receiver.writable, false);
    await closed(receiver);
    assert.deepStrictEqual(log.slice(1), [
      'first WS_ERR_INVALID_OPCODE',
      'second WS_ERR_INVALID_OPCODE',
      'error WS_ERR_INVALID_OPCODE',
      'close'
    ]);
  });

  it('finishes in the middle of a frame', async () => {
    const { receiver, log } = observed();
    receiver.end(A.subarray(0, 2));
    await closed(receiver);
    assert.deepStrictEqual(log, ['finish', 'close']);
  });

  it('parses what is written in a handler after the present chunk', async () => {
    const { receiver, log, write } = observed();
    receiver.once('message', () => write('inner', frame(OP.TEXT, 'c')));
    write('outer', A, B);
    assert.deepStrictEqual(log, ['message a', 'message b', 'message c']);
    await tick();
    assert.deepStrictEqual(log.slice(3).sort(), ['inner', 'outer']);
  });

  itDiffers('delivers the rest after a handler that throws', async () => {
    const { receiver, log, write } = observed();
    receiver.once('message', () => {
      throw new Error('thrown');
    });
    assert.throws(() => write('first', A, B), /thrown/);
    write('second', frame(OP.TEXT, 'c'));
    await tick();
    assert.deepStrictEqual(log.slice(0, 3), [
      'message a',
      'message b',
      'message c'
    ]);
  });

  describe('without synchronous events', () => {
    const options = { allowSynchronousEvents: false };

    /** Waits until all is done; '|' in the log parts the ticks. */
    async function ticks(log) {
      for (let i = 0; i < 8; i++) {
        await tick();
        log.push('|');
      }
      return log.join(' ').replace(/[ |]+$/, '');
    }

    it('emits one message, ping or pong a tick', async () => {
      const { log, write } = observed(options);
      write('1', A, frame(OP.PING, 'p'), frame(OP.PONG, 'q'), B);
      write('2', frame(OP.TEXT, 'c'));
      assert.deepStrictEqual(log, []);
      assert.strictEqual(
        await ticks(log),
        'message a | ping p | pong q | message b 1 | message c 2'
      );
    });

    it('handles a close frame on the tick of the event before it', async () => {
      const { log, write } = observed(options);
      write('1', A, CLOSE, B);
      assert.deepStrictEqual(log, []);
      assert.strictEqual(
        await ticks(log),
        'message a conclude 1000 1 finish close'
      );
    });

    it('handles a close frame that comes first at once', () => {
      const { log, write } = observed(options);
      write('1', CLOSE);
      assert.deepStrictEqual(log, ['conclude 1000']);
    });

    it('handles an error on the tick of the event before it', async () => {
      const { log, write } = observed(options);
      write('1', A, B, BROKEN);
      assert.strictEqual(
        await ticks(log),
        'message a | message b 1 WS_ERR_INVALID_OPCODE ' +
          'error WS_ERR_INVALID_OPCODE close'
      );
    });

    it('delivers what came before `end()`', async () => {
      const { receiver, log, write } = observed(options);
      write('1', A, B);
      receiver.end();
      await closed(receiver);
      assert.deepStrictEqual(log, [
        'message a',
        'message b',
        '1',
        'finish',
        'close'
      ]);
    });

    it('delivers many messages in order', async () => {
      const { receiver, log } = observed(options);
      const texts = Array.from({ length: 600 }, (_, i) => `message ${i}`);
      for (let i = 0; i < 600; i += 300) {
        receiver.write(
          Buffer.concat(
            texts
              .slice(i, i + 300)
              .map((text) => frame(OP.TEXT, text.split(' ')[1]))
          )
        );
      }
      while (log.length < 600) await sleep(1);
      assert.deepStrictEqual(log, texts);
    });
  });
});
