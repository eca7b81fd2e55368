'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { EventEmitter } = require('node:events');
const { describe, it } = require('node:test');
const path = require('node:path');
const { Writable } = require('node:stream');
const { promisify } = require('node:util');

const ferrows = require('./support/ferrows');

const { lib, oracle, WebSocket } = ferrows;

/** How a program names the package. */
const NAME = oracle ? 'ws' : 'ferrows';

/** The names that the class has besides its constants. */
const EXPORTS = [
  'PerMessageDeflate',
  'Receiver',
  'Sender',
  'Server',
  'WebSocket',
  'WebSocketServer',
  'createWebSocketStream',
  'extension',
  'subprotocol'
];

/**
 * Runs a program in a process of its own, below the package.
 *
 * @param {string} program the program; `NAME` in it names the package
 * @param {string[]} [args] options for Node
 * @return {Promise<*>} what the program printed as JSON
 */
async function run(program, args = []) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, '--eval', program.replaceAll('NAME', `'${NAME}'`)],
    { cwd: path.join(__dirname, '..'), timeout: 30e3 }
  );

  return JSON.parse(stdout);
}

describe('package', () => {
  it('gives the WebSocket class to `require`', async () => {
    const names = await run(
      'console.log(JSON.stringify(Object.keys(require(NAME))))'
    );

    assert.deepStrictEqual(
      names.sort(),
      [...EXPORTS, 'CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].sort()
    );
  });

  it('gives names, and the class as default, to `import`', async () => {
    const [names, same] = await run(
      `import * as module from NAME;
      import { createRequire } from 'node:module';
      const WebSocket = createRequire(process.cwd() + '/x.js')(NAME);
      console.log(JSON.stringify([
        Object.keys(module),
        Object.entries(module).every(([name, value]) =>
          value === (name === 'default' ? WebSocket : WebSocket[name]))
      ]))`,
      ['--input-type=module']
    );

    assert.deepStrictEqual(
      names.sort(),
      [...EXPORTS.filter((name) => name !== 'Server'), 'default'].sort()
    );
    assert.strictEqual(same, true);
  });

  it('gives a function that throws to bundlers for the browser', async () => {
    const message = await run(
      'try { require(NAME)() } catch (err) ' +
        '{ console.log(JSON.stringify(String(err))) }',
      ['--conditions=browser']
    );

    assert.strictEqual(
      message,
      'Error: ws does not work in the browser. Browser clients must use the ' +
        'native WebSocket object'
    );
  });

  it('exports its package.json and no other file', async () => {
    const [name, code] = await run(
      `const found = [require(NAME + '/package.json').name];
      try { require(NAME + '/lib/websocket') }
      catch (err) { found.push(err.code) }
      console.log(JSON.stringify(found))`
    );

    assert.strictEqual(name, NAME);
    assert.strictEqual(code, 'ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('lets a program end that only loads it', async () => {
    assert.strictEqual(await run('require(NAME); console.log(1)'), 1);
  });

  it('can be loaded by worker threads', async () => {
    const state = await run(
      `const { Worker } = require('node:worker_threads');
      require(NAME);
      new Worker("require('worker_threads').parentPort.postMessage(" +
        "require('" + NAME + "').OPEN)", { eval: true })
        .on('message', (state) => console.log(JSON.stringify(state)))`
    );

    assert.strictEqual(state, 1);
  });
});

describe('classes', () => {
  it('are the same under all their names', () => {
    assert.strictEqual(WebSocket.WebSocket, WebSocket);
    assert.strictEqual(ferrows.Server, ferrows.WebSocketServer);
  });

  for (const [name, arity, Base] of [
    ['WebSocket', 3, EventEmitter],
    ['WebSocketServer', 2, EventEmitter],
    ['Receiver', 0, Writable],
    ['Sender', 3, Object],
    ['PerMessageDeflate', 1, Object]
  ]) {
    it(`has ${name} as it is in ws`, () => {
      const Class = ferrows[name];

      assert.strictEqual(Class.name, name);
      assert.strictEqual(Class.length, arity);
      assert.ok(Class.prototype instanceof Base);
      assert.throws(() => Class(), TypeError);
    });
  }

  it('has constants for the states', () => {
    for (const owner of [WebSocket, WebSocket.prototype]) {
      for (const [value, name] of [
        'CONNECTING',
        'OPEN',
        'CLOSING',
        'CLOSED'
      ].entries()) {
        assert.deepStrictEqual(Object.getOwnPropertyDescriptor(owner, name), {
          value,
          writable: false,
          enumerable: true,
          configurable: false
        });
      }
    }
  });

  it('has a PerMessageDeflate with the methods of that of ws', () => {
    const { PerMessageDeflate } = ferrows;
    const { accept, cleanup, compress, decompress, offer } =
      PerMessageDeflate.prototype;

    assert.deepStrictEqual(
      [accept, cleanup, compress, decompress, offer].map((fn) => fn.length),
      [1, 0, 3, 3, 0]
    );
    const name = Object.getOwnPropertyDescriptor(
      PerMessageDeflate,
      'extensionName'
    );
    assert.strictEqual(name.get(), 'permessage-deflate');
    assert.strictEqual(name.set, undefined);
    assert.strictEqual(name.enumerable, false);
  });

  it('has functions with the arity of those of ws', () => {
    assert.strictEqual(ferrows.createWebSocketStream.length, 2);
    assert.strictEqual(ferrows.createWebSocketStream, lib('stream'));
    assert.deepStrictEqual(Object.keys(ferrows.extension).sort(), [
      'format',
      'parse'
    ]);
    assert.deepStrictEqual(Object.keys(ferrows.subprotocol), ['parse']);
  });
});

describe('lib', () => {
  it('has the files of ws, and what they export', () => {
    const names = (file) => Object.keys(lib(file)).sort();

    assert.strictEqual(lib('websocket'), WebSocket);
    assert.strictEqual(lib('websocket-server'), ferrows.WebSocketServer);
    assert.strictEqual(lib('receiver'), ferrows.Receiver);
    assert.strictEqual(lib('sender'), ferrows.Sender);
    assert.strictEqual(lib('permessage-deflate'), ferrows.PerMessageDeflate);
    assert.strictEqual(lib('extension'), ferrows.extension);
    assert.strictEqual(lib('subprotocol'), ferrows.subprotocol);
    assert.strictEqual(lib('limiter').name, 'Limiter');
    assert.deepStrictEqual(names('event-target'), [
      'CloseEvent',
      'ErrorEvent',
      'Event',
      'EventTarget',
      'MessageEvent'
    ]);
    assert.deepStrictEqual(names('validation'), [
      'isBlob',
      'isValidStatusCode',
      'isValidUTF8',
      'tokenChars'
    ]);
    assert.deepStrictEqual(names('buffer-util'), [
      'concat',
      'mask',
      'toArrayBuffer',
      'toBuffer',
      'unmask'
    ]);
  });

  it('has the constants of ws', () => {
    const { EMPTY_BUFFER, NOOP, ...rest } = lib('constants');

    assert.ok(Buffer.isBuffer(EMPTY_BUFFER));
    assert.strictEqual(EMPTY_BUFFER.length, 0);
    assert.strictEqual(NOOP(), undefined);
    for (const name of Object.keys(rest)) {
      if (typeof rest[name] === 'symbol') rest[name] = rest[name].description;
    }
    assert.deepStrictEqual(rest, {
      BINARY_TYPES: ['nodebuffer', 'arraybuffer', 'fragments', 'blob'],
      CLOSE_TIMEOUT: 30000,
      GUID: '258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
      hasBlob: true,
      kForOnEventAttribute: 'kIsForOnEventAttribute',
      kListener: 'kListener',
      kStatusCode: 'status-code',
      kWebSocket: 'websocket'
    });
  });
});
