'use strict';

// Checks that the programs in `examples/` do what they say.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { promisify } = require('node:util');

const {
  Client,
  echo,
  Example,
  EXAMPLES,
  proxy,
  Sandbox,
  serve
} = require('./support/examples');

const CERT = path.join(__dirname, 'fixtures', 'localhost.crt');
const KEY = path.join(__dirname, 'fixtures', 'localhost.key');

const ca = fs.readFileSync(CERT);

/** How long one test may take, in milliseconds. */
const timeout = 30e3;

/**
 * Says what a server answers to a handshake that it refuses.
 *
 * @param {TestContext} t the test
 * @param {string} url where to connect to
 * @param {Object} [options] the client's options
 * @return {Promise<number>} the status
 */
async function refusal(t, url, options) {
  const { ws } = new Client(t, url, options);
  const [request, response] = await once(ws, 'unexpected-response');

  request.destroy();
  return response.statusCode;
}

describe('examples', { timeout: 4 * timeout }, () => {
  let sandbox;

  before(() => {
    sandbox = new Sandbox();
  });

  after(() => sandbox.remove());

  /**
   * Starts an example on a free port.
   *
   * @param {TestContext} t the test, which stops it in the end
   * @param {...*} args the program, its arguments, its variables
   * @return {Example} the running example
   */
  const start = (t, ...args) => new Example(t, sandbox.examples, ...args);

  it('are all listed in their README', () => {
    const text = fs.readFileSync(path.join(EXAMPLES, 'README.md'), 'utf8');
    const programs = ['', 'typescript'].flatMap((directory) =>
      fs
        .readdirSync(path.join(EXAMPLES, directory))
        .filter((name) => /\.m?[jt]s$/.test(name))
        .map((name) => path.posix.join(directory, name))
    );
    const listed = [...text.matchAll(/^\| \[.*?\]\((.*?)\)/gm)];

    assert.deepStrictEqual(
      [...new Set(listed.map(([, file]) => file))].sort(),
      programs.sort()
    );
  });

  it('have a server that echoes', { timeout }, async (t) => {
    const example = start(t, 'server.js');
    const client = new Client(t, await example.url());

    await client.opened();
    client.ws.send('text');
    client.ws.send(Buffer.from('data'));
    assert.deepStrictEqual((await client.messages.next()).value, [
      Buffer.from('text'),
      false
    ]);
    assert.deepStrictEqual((await client.messages.next()).value, [
      Buffer.from('data'),
      true
    ]);
    client.ws.close(1000);
    await example.prints(/\ntext: text\n4 bytes\nclosed: 1000\n/);
  });

  it('have a client that sends text', { timeout }, async (t) => {
    const url = `ws://127.0.0.1:${await serve(t, echo)}`;

    assert.strictEqual(
      await start(t, 'client-text.js', [url, 'Grüße']).ends(),
      'received: Grüße\nclosed: 1000\n'
    );
  });

  it('have a client that sends binary data', { timeout }, async (t) => {
    const url = `ws://127.0.0.1:${await serve(t, echo)}`;

    assert.strictEqual(
      await start(t, 'client-binary.js', [url]).ends(),
      'received: Float64Array(3) [ 0.5, -1, 3.141592653589793 ]\n' +
        'closed: 1000\n'
    );
  });

  it('have a client that measures round trips', { timeout }, async (t) => {
    let pings = 0;
    const port = await serve(t, (ws) => ws.on('ping', () => pings++));
    const example = start(t, 'round-trip-time.js', [`ws://127.0.0.1:${port}`]);

    assert.match(
      await example.ends(),
      /^(round-trip time: \d+\.\d{3} ms\n){5}best: \d+\.\d{3} ms\n$/
    );
    assert.strictEqual(pings, 5);
  });

  describe('have a client as a stream', () => {
    it('that ends with its input', { timeout }, async (t) => {
      const kinds = [];
      const port = await serve(t, (ws) => {
        ws.on('message', (data, isBinary) => kinds.push(isBinary));
        echo(ws);
      });
      const example = start(t, 'streams.mjs', [`ws://127.0.0.1:${port}`]);

      example.child.stdin.write('first\n');
      await example.prints(/^first\n$/);
      example.child.stdin.end('Grüße\n');
      assert.strictEqual(await example.ends(), 'first\nGrüße\n');
      assert.deepStrictEqual(kinds, [false, false]);
    });

    it('that ends with the connection', { timeout }, async (t) => {
      const port = await serve(t, (ws) => ws.close());
      const example = start(t, 'streams.mjs', [`ws://127.0.0.1:${port}`]);

      assert.deepStrictEqual(await example.closed, [1, null]);
      assert.strictEqual(example.errors, 'Premature close\n');
    });
  });

  describe('have a client that goes through a proxy', () => {
    it('to an HTTP server', { timeout }, async (t) => {
      const target = `127.0.0.1:${await serve(t, echo)}`;
      const example = start(t, 'proxy.js', [
        await proxy(t, [target]),
        `ws://${target}`
      ]);

      assert.strictEqual(
        await example.ends(),
        `tunnel to ${target}\nreceived: through the tunnel\n`
      );
    });

    it('to an HTTPS server', { timeout }, async (t) => {
      const server = https.createServer({
        cert: ca,
        key: fs.readFileSync(KEY)
      });
      const target = `127.0.0.1:${await serve(t, echo, server)}`;
      const example = start(
        t,
        'proxy.js',
        [await proxy(t, [target]), `wss://${target}`],
        { NODE_EXTRA_CA_CERTS: CERT }
      );

      assert.strictEqual(
        await example.ends(),
        `tunnel to ${target}\nreceived: through the tunnel\n`
      );
    });

    it('and says so if that refuses', { timeout }, async (t) => {
      const example = start(t, 'proxy.js', [
        await proxy(t, []),
        'ws://127.0.0.1:1'
      ]);

      await example.closed;
      assert.strictEqual(example.errors, 'The proxy answered 403\n');
      assert.strictEqual(example.output, '');
    });
  });

  describe('have an external server', () => {
    it('with HTTP', { timeout }, async (t) => {
      const example = start(t, 'external-server.js');
      const url = await example.url();
      const page = await fetch(url.replace('ws:', 'http:'));
      const client = new Client(t, url);

      assert.strictEqual(await page.text(), 'a page\n');
      assert.strictEqual(await client.next(), 'welcome');
      client.ws.send('thanks');
      await example.prints(/\nreceived: thanks\n/);
    });

    it('with HTTPS', { timeout }, async (t) => {
      const example = start(t, 'external-server.js', [], { CERT, KEY });
      const url = await example.url();
      const client = new Client(t, url, { ca });

      assert.match(url, /^wss:/);
      assert.strictEqual(await client.next(), 'welcome');

      const request = https.get(url.replace('wss:', 'https:'), {
        agent: false,
        ca
      });
      const [response] = await once(request, 'response');

      assert.deepStrictEqual(await response.toArray(), [
        Buffer.from('a page\n')
      ]);
    });
  });

  it('have several servers on one HTTP server', { timeout }, async (t) => {
    const example = start(t, 'several-servers.js');
    const url = await example.url();
    const echoing = new Client(t, `${url}/echo?query`);
    const clock = new Client(t, `${url}/clock`);

    await echoing.opened();
    echoing.ws.send('hello');
    assert.strictEqual(await echoing.next(), 'hello');

    const times = [await clock.next(), await clock.next()].map(Date.parse);

    assert.ok(times[1] - times[0] > 500);
    assert.strictEqual(await refusal(t, `${url}/other`), 404);
    await example.prints(/\nrefused: \/other\n/);
  });

  it('have a server that asks who is there', { timeout }, async (t) => {
    const example = start(t, 'authentication.js', [], {
      PASSWORD: 'ä:b'
    });
    const url = await example.url();

    for (const auth of [undefined, 'ann:secret', 'bob:ä:b', 'ann']) {
      assert.strictEqual(await refusal(t, url, { auth }), 401);
    }

    const client = new Client(t, url, { auth: 'ann:ä:b' });

    assert.strictEqual(await client.next(), 'hello ann');
    client.ws.send('this is me');
    await example.prints(/\nann is here\nann says: this is me\n/);
  });

  for (const [file, toSender] of [
    ['broadcast.js', true],
    ['broadcast-others.js', false]
  ]) {
    const whom = toSender ? 'all' : 'all but the sender';

    it(`have a server that broadcasts to ${whom}`, { timeout }, async (t) => {
      const url = await start(t, file).url();
      const clients = [1, 2, 3].map(() => new Client(t, url));

      await Promise.all(clients.map((client) => client.opened()));
      for (const sender of clients) {
        sender.ws.send('to you');
        for (const client of clients) {
          if (client !== sender || toSender) {
            assert.strictEqual(await client.next(), 'to you');
          }
        }
      }

      // One that came back to its sender would be the next message of that one.
      clients[0].ws.send(Buffer.from('end'));
      for (const client of toSender ? clients : clients.slice(1)) {
        const { value } = await client.messages.next();

        assert.deepStrictEqual(value, [Buffer.from('end'), true]);
      }
      clients[1].ws.send('really');
      assert.strictEqual(await clients[0].next(), 'really');
    });
  }

  it('have a server that drops silent clients', { timeout }, async (t) => {
    const example = start(t, 'heartbeat-server.js', [], {
      INTERVAL: '500'
    });
    const url = await example.url();
    const silent = new Client(t, url, { autoPong: false });
    const talking = new Client(t, url, { autoPong: false });
    const answering = new Client(t, url);
    const chatter = setInterval(() => talking.ws.send('here'), 100);

    t.after(() => clearInterval(chatter));
    await talking.opened();
    assert.strictEqual((await once(silent.ws, 'close'))[0], 1006);
    await Promise.all(
      [talking, answering].map(async ({ ws }) => {
        await once(ws, 'ping');
        await once(ws, 'ping');
        assert.strictEqual(ws.readyState, ws.OPEN);
      })
    );
    assert.match(
      example.output,
      /\nno sign of life: terminated\nclosed: 1006\n$/
    );
  });

  it('have a client that notices silence', { timeout }, async (t) => {
    let pinged;
    let code;
    const port = await serve(t, (ws) => {
      ws.on('close', (value) => {
        code = value;
      });
      ws.ping();
      setTimeout(() => {
        pinged = Date.now();
        ws.ping();
      }, 800);
    });
    const example = start(
      t,
      'heartbeat-client.js',
      [`ws://127.0.0.1:${port}`],
      { INTERVAL: '100' }
    );

    assert.strictEqual(
      await example.ends(),
      'open\nping\nping\nno ping: terminated\nclosed: 1006\n'
    );
    // It waits for 1.1 s; the clocks may be a little apart.
    assert.ok(Date.now() - pinged > 1000);
    assert.strictEqual(code, 1006);
  });

  describe('have a server that knows remote addresses', () => {
    const headers = {
      'X-Forwarded-For': '192.0.2.66,203.0.113.1, 198.51.100.1'
    };

    it('of those who connect directly', { timeout }, async (t) => {
      const example = start(t, 'remote-address.js');
      const client = new Client(t, await example.url(), { headers });

      assert.strictEqual(await client.next(), 'you are 127.0.0.1');
    });

    it('of those behind proxies', { timeout }, async (t) => {
      const example = start(t, 'remote-address.js', [], {
        PROXIES: '127.0.0.1, 198.51.100.1'
      });
      const url = await example.url();
      const client = new Client(t, url, { headers });

      assert.strictEqual(await client.next(), 'you are 203.0.113.1');
      assert.strictEqual(await new Client(t, url).next(), 'you are 127.0.0.1');
      await example.prints(/\nfrom 203\.0\.113\.1\nfrom 127\.0\.0\.1\n/);
    });
  });

  it('have one in TypeScript', { timeout: 4 * timeout }, async (t) => {
    const { stdout, message = '' } = await promisify(execFile)(
      process.execPath,
      [
        require.resolve('typescript/bin/tsc'),
        '--project',
        path.join(EXAMPLES, 'typescript'),
        '--outDir',
        sandbox.path
      ]
    ).catch((err) => err);

    assert.strictEqual(stdout + message, '');

    const example = start(t, path.join(sandbox.path, 'chat.mjs'));
    const url = await example.url();
    const [ann, bob] = [new Client(t, url), new Client(t, url)];

    await Promise.all([ann.opened(), bob.opened()]);
    ann.ws.send('{"type":"join","name":"ann"}');
    assert.strictEqual(await ann.next(), '{"type":"welcome","name":"ann"}');
    ann.ws.send('{"type":"say","text":"hello"}');
    for (const client of [ann, bob]) {
      assert.strictEqual(await client.next(), '{"from":"ann","text":"hello"}');
    }

    bob.ws.send('{"type":"leave"}');
    assert.strictEqual((await once(bob.ws, 'close'))[0], 1007);
    await example.prints(/\nnot understood: TypeError: neither join nor say\n/);
  });
});
