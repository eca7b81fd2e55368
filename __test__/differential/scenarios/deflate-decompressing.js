'use strict';

// What the class PerMessageDeflate decompresses by itself, good and bad.

const { extensions } = require('../extension-stage');
const brokenDeflate = require('../../support/broken-deflate');
const { Deflater } = require('../../support/deflate');

/** A server that forgets what it has written. */
const FORGETFUL = { server_no_context_takeover: [true] };

/** A message that refers to nothing. */
const FRESH = new Deflater().message('fresh');

/** The same with a final block: a stream at its end. */
const FINAL = new Deflater().final('final');

/** A message of 3, 5 and 6 bytes. */
const [ABC, ABCDE, ABCDEF] = ['abc', 'abcde', 'abcdef'].map((text) =>
  new Deflater().message(text)
);

/**
 * Decompresses with memory and without.
 *
 * @param {ExtensionStage} stage the stage
 * @param {...(Buffer|Object)} parts see `ExtensionStage#decompress()`
 */
async function bothWays(stage, ...parts) {
  for (const params of [{}, FORGETFUL]) {
    stage.note(`-- ${Object.keys(params)}`);
    await stage.decompress(stage.negotiated({}, params), ...parts);
  }
}

const scenarios = {
  stages: extensions,

  async 'messages with memory'(stage) {
    const deflater = new Deflater();
    const texts = ['hello world', 'hello world', 'hello', '', 'hello world'];
    const messages = texts.map((text) => deflater.message(text));
    await stage.decompress(stage.negotiated(), ...messages);
  },

  async 'messages that need a memory'(stage) {
    const deflater = new Deflater();
    const messages = [1, 2].map((i) => deflater.message(`hello world ${i}`));
    await bothWays(stage, ...messages, messages[0]);
  },

  async 'memory of each side'(stage) {
    for (const isServer of [false, true]) {
      for (const name of ['client', 'server']) {
        const params = { [`${name}_no_context_takeover`]: [true] };
        const deflater = new Deflater();
        const messages = [1, 2].map((i) => deflater.message(`memory ${i}`));
        stage.note(`-- ${isServer} ${name}`);
        const extension = stage.negotiated({ isServer }, params);
        await stage.decompress(extension, ...messages);
      }
    }
  },

  async 'parts of messages'(stage) {
    const deflater = new Deflater();
    await bothWays(
      stage,
      { part: deflater.part('flushed ') },
      { part: Buffer.alloc(0) },
      { part: deflater.part('twice ') },
      deflater.message('and done'),
      FRESH
    );
  },

  async 'a message cut anywhere'(stage) {
    const bytes = new Deflater().message('cut anywhere, where it is cut');
    for (let size = 1; size < 5; size++) {
      const extension = stage.negotiated();
      let text = '';
      for (let at = 0; at < bytes.length; at += size) {
        const fin = at + size >= bytes.length;
        const chunk = bytes.subarray(at, at + size);
        await new Promise((resolve) => {
          extension.decompress(chunk, fin, (err, data) => {
            text += err ?? data;
            resolve();
          });
        });
      }
      stage.note(`${size} ${text}`);
    }
  },

  async 'a message that is not complete'(stage) {
    await bothWays(stage, Buffer.from('4a', 'hex'), FRESH, FRESH);
  },

  async 'no bytes'(stage) {
    const none = Buffer.alloc(0);
    await bothWays(stage, { part: none }, Buffer.of(0), none, FRESH);
  },

  async 'a final block'(stage) {
    await bothWays(stage, FINAL, FRESH, FINAL, FINAL, FRESH);
  },

  async 'a final block, and the byte that RFC 7692 adds'(stage) {
    const padded = Buffer.concat([FINAL, Buffer.of(0)]);
    await bothWays(stage, padded, FRESH, padded, FRESH);
  },

  async 'a final block between messages that refer to others'(stage) {
    const deflater = new Deflater();
    const messages = [1, 2].map((i) => deflater.message(`hello world ${i}`));
    await stage.decompress(stage.negotiated(), messages[0], FINAL, messages[1]);
  },

  async 'more behind a final block, in the same frame'(stage) {
    const garbage = Buffer.from('07ffffff', 'hex');
    await bothWays(stage, Buffer.concat([FINAL, FRESH]), FRESH);
    await bothWays(stage, Buffer.concat([FINAL, garbage]), FRESH);
    await bothWays(stage, Buffer.concat([FINAL, FINAL]), FRESH);
  },

  async 'more behind a final block, in the next frame'(stage) {
    await bothWays(stage, { part: FINAL }, FRESH, FRESH);
    await bothWays(stage, { part: FINAL }, { part: FRESH }, FRESH, FRESH);
    await bothWays(stage, { part: FINAL }, Buffer.alloc(0), FRESH);
    await bothWays(stage, { part: FINAL }, { part: Buffer.alloc(0) }, FRESH);
  },

  async 'more behind a final block, in both frames'(stage) {
    const padded = Buffer.concat([FINAL, Buffer.of(0)]);
    await bothWays(stage, { part: padded }, FRESH, FRESH);
    await bothWays(stage, { part: padded }, Buffer.alloc(0), FRESH);
    await bothWays(stage, { part: padded }, { part: FINAL }, FRESH, FRESH);
  },

  async 'all that can be wrong'(stage) {
    for (const { name, bytes } of brokenDeflate) {
      stage.note(`-- ${name}`);
      await stage.decompress(stage.negotiated(), bytes, FRESH);
      await stage.decompress(stage.negotiated(), { part: bytes }, FRESH);
    }
  },

  async 'all that can be wrong, behind a message'(stage) {
    for (const { name, bytes } of brokenDeflate) {
      stage.note(`-- ${name}`);
      const part = new Deflater().part('a');
      const extension = stage.negotiated();
      await stage.decompress(extension, Buffer.concat([part, bytes]), FRESH);
    }
  },

  async 'at maxPayload, and over it'(stage) {
    for (const maxPayload of [5, 0, -1, undefined]) {
      stage.note(`-- ${maxPayload}`);
      const extension = stage.negotiated({ maxPayload });
      await stage.decompress(extension, ABCDE, ABCDEF, ABC);
    }
  },

  async 'maxPayload of parts'(stage) {
    const deflater = new Deflater();
    await stage.decompress(
      stage.negotiated({ maxPayload: 5 }),
      { part: deflater.part('abc') },
      { part: deflater.part('defgh') },
      { part: deflater.part('ijklmn') },
      ABC
    );
  },

  async 'much more than maxPayload'(stage) {
    const bomb = new Deflater().message(Buffer.alloc(3e6));
    for (const maxPayload of [1, 16384, 3e6 - 1]) {
      await stage.decompress(
        stage.negotiated({ maxPayload }),
        bomb,
        ABC.slice()
      );
    }
    await stage.decompress(stage.negotiated({ maxPayload: 3e6 }), bomb);
  },

  async 'the same memory again'(stage) {
    const deflater = new Deflater();
    const extension = stage.negotiated();
    for (let i = 0; i < 50; i++) {
      const message = deflater.message(`message ${i} of many that are alike`);
      await stage.decompress(extension, message);
    }
  }
};

for (const bits of [8, 9, 10, 12, 15]) {
  scenarios[`a window of ${bits} bits`] = async (stage) => {
    // Comes again from further away each time.
    const word = 'a word that comes again';
    const data = [100, 200, 300, 600, 1200, 5000, 20000]
      .map((length, i) => word + String.fromCharCode(97 + i).repeat(length))
      .join('');
    const deflater = new Deflater({ windowBits: bits });
    const messages = [data, word, data].map((text) => deflater.message(text));
    const params = { server_max_window_bits: [`${bits}`] };
    await stage.decompress(stage.negotiated({}, params), ...messages);
  };
}

for (const [name, zlibInflateOptions] of Object.entries({
  'small chunks': { chunkSize: 64 },
  'another window': { windowBits: 8 },
  'options of another direction': { level: 1, memLevel: 1, strategy: 2 }
})) {
  scenarios[`with ${name}`] = async (stage) => {
    const deflater = new Deflater();
    const data = Buffer.alloc(5000, 'abcdefghijklmnopqrstuvwxyz');
    const messages = [data, 'abcdefg', data].map((x) => deflater.message(x));
    const extension = stage.negotiated({ zlibInflateOptions });
    await stage.decompress(extension, ...messages);
  };
}

scenarios['with a dictionary'] = async (stage) => {
  const dictionary = Buffer.from('a dictionary that both sides know');
  const text = 'know that both sides know a dictionary';
  for (const params of [{}, FORGETFUL]) {
    const takeover = params !== FORGETFUL;
    const deflater = new Deflater({ dictionary, takeover });
    const messages = [1, 2, 3].map((i) => deflater.message(`${text} ${i}`));
    const options = { zlibInflateOptions: { dictionary } };
    await stage.decompress(stage.negotiated(options, params), ...messages);
  }
};

module.exports = scenarios;
