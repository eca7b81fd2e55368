'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { before, describe, it } = require('node:test');

const { WebSocket } = require('../support/ferrows');
const { closed, listen } = require('../support/server');
const { loadModule } = require('./home');

/** The type of messages that bring documents together. */
const SYNC = 0;

describe('y-websocket', { timeout: 20e3 }, () => {
  let decoding, encoding, sync, WebsocketProvider, Y;

  before(async () => {
    decoding = await loadModule('lib0/decoding');
    encoding = await loadModule('lib0/encoding');
    sync = await loadModule('y-protocols/sync');
    ({ WebsocketProvider } = await loadModule('y-websocket'));
    Y = await loadModule('yjs');
  });

  /**
   * Encodes a message about the state of a document.
   *
   * @param {function(Encoder)} write writes its body
   * @return {Uint8Array} the message
   */
  function syncMessage(write) {
    const encoder = encoding.createEncoder();

    encoding.writeVarUint(encoder, SYNC);
    write(encoder);
    return encoding.toUint8Array(encoder);
  }

  /**
   * Shares a document with all clients of a server.
   *
   * @param {WebSocketServer} wss the server
   * @param {Y.Doc} doc the document
   */
  function share(wss, doc) {
    doc.on('update', (update, origin) => {
      const message = syncMessage((encoder) => {
        sync.writeUpdate(encoder, update);
      });

      for (const ws of wss.clients) if (ws !== origin) ws.send(message);
    });
    wss.on('connection', (ws) => {
      ws.binaryType = 'arraybuffer';
      ws.on('message', (data) => {
        const decoder = decoding.createDecoder(new Uint8Array(data));

        if (decoding.readVarUint(decoder) !== SYNC) return;

        const reply = syncMessage((encoder) => {
          sync.readSyncMessage(decoder, encoder, doc, ws);
        });

        // A message of one byte says nothing.
        if (reply.length > 1) ws.send(reply);
      });
      ws.send(syncMessage((encoder) => sync.writeSyncStep1(encoder, doc)));
    });
  }

  it('brings three documents together, also after a break', async (t) => {
    const wss = await listen();
    const url = `ws://127.0.0.1:${wss.address().port}`;
    const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
    const [shared, ...copies] = docs;

    share(wss, shared);
    shared.getText('t').insert(0, 'iron');

    const providers = copies.map(
      (doc) =>
        new WebsocketProvider(url, 'room', doc, {
          WebSocketPolyfill: WebSocket,
          disableBc: true
        })
    );

    t.after(async () => {
      for (const provider of providers) provider.destroy();
      for (const doc of docs) doc.destroy();
      await closed(wss);
    });

    /** Waits until all documents say the same. */
    async function agree(text) {
      const texts = () => docs.map((doc) => doc.getText('t').toString());

      for (const [i, doc] of docs.entries()) {
        while (texts()[i] !== text) await once(doc, 'update');
      }
      assert.deepStrictEqual(texts(), [text, text, text]);
    }

    await agree('iron');
    copies[0].getText('t').insert(4, ' and oxide');
    await agree('iron and oxide');

    for (const ws of wss.clients) ws.terminate();
    copies[1].getText('t').delete(0, 9);
    await agree('oxide');
  });
});
