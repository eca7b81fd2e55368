'use strict';

// What a program does to the socket of a connection that the addon reads and
// writes: nothing is lost then, and everything stays in order.

const assert = require('node:assert');
const net = require('node:net');
const { describe, it } = require('node:test');
const { PassThrough } = require('node:stream');

const { roles } = require('./support/connections');
const { oracle } = require('./support/ferrows');
const {
  adopted,
  forced,
  assertStream,
  chunkOf,
  collect,
  isNative,
  numbered,
  onlyNative,
  textsOf
} = require('./support/native');

/** Messages in one chunk, which are several slices. */
const MANY = 700;

/**
 * What a program may do. `returns`: Node reads and writes from then on;
 * `undo`: done at the end of a test; `differs`: not with `ws`.
 */
const ACTS = {
  '`ws.pause()` and `ws.resume()`': {
    act: ({ ws }) => {
      ws.pause();
      setImmediate(() => ws.resume());
    },
    returns: 'for a while'
  },
  '`ws.pause()` and `ws.resume()` at once': {
    act: ({ ws }) => {
      ws.pause();
      ws.resume();
    },
    returns: 'for a while'
  },
  '`_socket.pause()` and `_socket.resume()`': {
    act: ({ socket }) => {
      socket.pause();
      setImmediate(() => socket.resume());
    },
    returns: 'for a while'
  },
  '`ws._receiver`': { act: ({ ws }) => assert.ok(ws._receiver) },
  'a listener of `data`': { act: ({ socket }) => socket.on('data', () => {}) },
  'a listener of `data`, once': {
    act: ({ socket }) => socket.once('data', () => {})
  },
  'a listener of `readable` that reads': {
    act: ({ socket }) =>
      socket.on('readable', () => {
        while (socket.read() !== null);
      })
  },
  '`pipe()`': {
    act: ({ socket }) => socket.pipe(new PassThrough()).resume()
  },
  '`setEncoding()`': {
    // Node's server forbids it, on the socket itself.
    act: ({ socket }) =>
      Object.getPrototypeOf(socket).setEncoding.call(socket, 'latin1'),
    differs: true
  },
  '`setTimeout()`': {
    act: ({ socket }) => socket.setTimeout(20000),
    undo: ({ socket }) => socket.setTimeout(0)
  },
  '`cork()` and `uncork()`': {
    act: ({ socket }) => {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
  },
  '`removeAllListeners()`': {
    act: ({ socket }) => socket.removeAllListeners('timeout')
  },
  ...Object.fromEntries(
    ['write', '_write', 'destroy', 'end', 'pause', 'cork'].map((name) => [
      `a \`${name}\` of its own`,
      {
        act: ({ socket }) => {
          const method = socket[name];
          socket[name] = function (...args) {
            return method.apply(this, args);
          };
          if (name !== 'cork') return;
          socket.cork();
          setImmediate(() => socket.uncork());
        }
      }
    ])
  ),
  '`ref()` and `unref()`': {
    act: ({ socket }) => socket.unref().ref(),
    returns: false
  },
  '`setNoDelay()` and `setKeepAlive()`': {
    act: ({ socket }) => socket.setNoDelay(true).setKeepAlive(true, 1000),
    returns: false
  },
  'listeners of other events': {
    act: ({ socket }) =>
      socket
        .on('drain', () => {})
        .once('timeout', () => {})
        .prependListener('end', () => {}),
    returns: false
  }
};

/**
 * Opens a connection that is adopted.
 *
 * @param {TestContext} t the test
 * @param {string} role that of the WebSocket
 * @return {Promise<Object>} with the WebSocket, its peer, and what it gets
 */
async function open(t, role) {
  const { ws, peer } = await roles[role](t);
  await adopted(ws);
  const inbox = collect(ws);
  const write = (texts) => peer.socket.write(chunkOf(texts, role));
  return { inbox, peer, socket: ws._socket, write, ws };
}

/**
 * Says something in both directions, after an act.
 *
 * @param {Object} stage what `open()` gave
 * @param {Object} what the act's row, and what was said before
 */
async function check(stage, { returns = true, undo, told = [], said = [] }) {
  const { inbox, peer, write, ws } = stage;
  if (returns === true) assertStream(ws);
  const called = [];
  for (const text of numbered('after', 5)) {
    ws.send(text, (err) => called.push(err ? `${err}` : text));
  }
  write(numbered('last', 5));
  await inbox.came(told.length + 5);
  await peer.framesCame(said.length + 5);
  assert.deepStrictEqual(inbox.texts, [...told, ...numbered('last', 5)]);
  assert.deepStrictEqual(textsOf(peer.frames), [
    ...said,
    ...numbered('after', 5)
  ]);
  // A callback may come a moment after the bytes.
  for (let i = 0; i < 50 && called.length < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepStrictEqual(called, numbered('after', 5));
  if (returns === 'for a while' || returns === false) await adopted(ws);
  undo?.(stage);
}

for (const role of Object.keys(roles)) {
  describe(`A connection of a ${role} survives`, { timeout: 20000 }, () => {
    for (const [name, row] of Object.entries(ACTS)) {
      const options = { skip: oracle && row.differs && 'not with ws' };

      it(`${name} when nothing is under way`, options, async (t) => {
        const stage = await open(t, role);
        stage.write(['a', 'b']);
        await stage.inbox.came(2);
        row.act(stage);
        await check(stage, { ...row, told: ['a', 'b'] });
      });

      it(`${name} with bytes in the kernel`, options, async (t) => {
        const stage = await open(t, role);
        stage.write(numbered('told', MANY));
        row.act(stage);
        await check(stage, { ...row, told: numbered('told', MANY) });
      });

      it(`${name} with a part of a frame`, options, async (t) => {
        const stage = await open(t, role);
        const bytes = chunkOf(['first', 'second'], role);
        stage.peer.socket.write(bytes.subarray(0, bytes.length - 3));
        await stage.inbox.came(1);
        row.act(stage);
        stage.peer.socket.write(bytes.subarray(bytes.length - 3));
        await check(stage, { ...row, told: ['first', 'second'] });
      });

      it(`${name} while frames are kept`, options, async (t) => {
        const stage = await open(t, role);
        for (const text of numbered('said', 5)) stage.ws.send(text);
        row.act(stage);
        await check(stage, { ...row, said: numbered('said', 5) });
      });

      it(`${name} in the middle of a chunk`, options, async (t) => {
        const stage = await open(t, role);
        const { inbox, write, ws } = stage;
        ws.on('message', (data) => {
          const text = data.toString();
          if (text.startsWith('told')) ws.send(`re ${text}`);
          if (text === 'told20') row.act(stage);
        });
        const told = numbered('told', MANY);
        write(told);
        await inbox.came(MANY);
        await check(stage, { ...row, told, said: told.map((s) => `re ${s}`) });
      });
    }
  });

  describe(`The socket of a ${role}`, { timeout: 20000 }, () => {
    it('is adopted again, however long what was read takes', async (t) => {
      const stage = await open(t, role);
      const { inbox, write, ws } = stage;
      ws.on('message', (data) => {
        const text = data.toString();
        if (!text.startsWith('told')) return;
        ws.send(`re ${text}`);
        if (text === 'told5')
          ACTS['`ws.pause()` and `ws.resume()` at once'].act(stage);
        // So long that there is a slice for each.
        const end = performance.now() + 1;
        while (performance.now() < end);
      });
      const told = numbered('told', MANY);
      write(told);
      await inbox.came(MANY);
      const said = told.map((text) => `re ${text}`);
      await check(stage, { returns: 'for a while', told, said });
    });

    it('takes bytes between sends, without a hand-back', async (t) => {
      const { inbox, peer, socket, write, ws } = await open(t, role);
      const mine = role === 'server' ? 'client' : 'server';
      const called = [];
      const log = (text) => () => called.push(text);
      ws.send('a', log('a'));
      ws.send('b', log('b'));
      socket.write(chunkOf(['raw'], mine), log('raw'));
      ws.send('c', log('c'));
      socket.write(chunkOf(['raw'], mine));
      ws.send('d', log('d'));
      assert.deepStrictEqual(textsOf(await peer.framesCame(6)), [
        ...['a', 'b', 'raw', 'c', 'raw', 'd']
      ]);
      write(['e']);
      await inbox.came(1);
      assert.deepStrictEqual(called, ['a', 'b', 'raw', 'c', 'd']);
      await adopted(ws);
    });

    // A thread may have read the rest by then.
    const skip = forced === 'tokio' && 'the rest may be there first';
    it(
      'reads what is unshifted or pushed before the rest',
      { skip },
      async (t) => {
        const { inbox, socket, write, ws } = await open(t, role);
        write(['last']);
        socket.unshift(chunkOf(['unshifted'], role));
        assertStream(ws);
        await inbox.came(2);
        assert.deepStrictEqual(inbox.texts, ['unshifted', 'last']);
        await adopted();
        socket.push(chunkOf(['pushed'], role));
        await inbox.came(3);
        write(['more']);
        await inbox.came(4);
        assert.deepStrictEqual(inbox.texts.slice(2), ['pushed', 'more']);
      }
    );

    it('shows all bytes to a `write` of all sockets', async (t) => {
      const { peer, ws } = await open(t, role);
      const { write } = net.Socket.prototype;
      const seen = [];
      ws.send('before');
      ws.send('kept');
      net.Socket.prototype.write = function (chunk, ...rest) {
        if (this === ws._socket) seen.push(Buffer.from(chunk));
        return write.call(this, chunk, ...rest);
      };
      t.after(() => (net.Socket.prototype.write = write));
      for (const text of numbered('after', 5)) ws.send(text);
      await peer.framesCame(7);
      assert.deepStrictEqual(textsOf(peer.frames), [
        ...['before', 'kept', ...numbered('after', 5)]
      ]);
      const all = Buffer.concat(seen);
      assert.ok(all.length > 0);
      assert.deepStrictEqual(peer.bytes.subarray(-all.length), all);
      assertStream(ws);
    });

    it('is adopted again and again', onlyNative, async (t) => {
      const { inbox, peer, write, ws } = await open(t, role);
      for (let i = 0; i < 100; i++) {
        write([`told${i}`]);
        ws.send(`said${i}`);
        ws.pause();
        assert.ok(!isNative(ws));
        if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        ws.resume();
        if (i % 3 === 0) await adopted(ws);
      }
      await inbox.came(100);
      await peer.framesCame(100);
      assert.deepStrictEqual(inbox.texts, numbered('told', 100));
      assert.deepStrictEqual(textsOf(peer.frames), numbered('said', 100));
    });
  });
}
