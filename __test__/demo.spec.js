'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const playwright = require('playwright-core/package.json');

const { Demo } = require('../demo/server');
const { isAtLeast } = require('../scripts/toolchain');
const { WebSocket, WebSocketServer, oracle } = require('./support/ferrows');

/** What Chromium is called by those who package it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** How long anything on the page may take, in milliseconds. */
const TIMEOUT = 15e3;

/**
 * Finds Chromium: the one that the variable CHROMIUM names, or one on the path.
 *
 * @return {string|undefined} its path
 */
function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return process.env.PATH.split(path.delimiter)
    .flatMap((directory) => NAMES.map((name) => path.join(directory, name)))
    .find((file) => fs.existsSync(file));
}

/**
 * Says why the page cannot be driven here.
 *
 * @return {string|boolean} the reason, or false if it can
 */
function whyNoBrowser() {
  const minimum = playwright.engines.node.replace('>=', '');

  if (!isAtLeast(process.versions.node, minimum)) {
    return `Playwright needs Node.js ${minimum} or newer`;
  }
  if (findChromium() === undefined) {
    return 'no Chromium: install it, or name it by the variable CHROMIUM';
  }
  return false;
}

/**
 * Collects the messages of a chat connection until there are enough.
 *
 * @param {WebSocket} ws the connection
 * @param {number} count how many to wait for
 * @return {Promise<Object[]>} resolves with the parsed messages
 */
function messages(ws, count) {
  const list = [];

  return new Promise((resolve, reject) => {
    ws.on('error', reject);
    ws.on('message', (data) => {
      list.push(JSON.parse(data));
      if (list.length === count) resolve(list);
    });
  });
}

describe('the demo', { timeout: 60e3 }, () => {
  let demo;
  let url;

  before(async () => {
    demo = new Demo(WebSocketServer);
    url = await demo.listen(0, '127.0.0.1');
  });

  after(() => demo.close());

  it('answers 404 to requests and upgrades at other paths', async () => {
    const { status } = await fetch(`${url}missing`);
    const ws = new WebSocket(`${url.replace('http', 'ws')}missing`);
    const err = await new Promise((resolve) => ws.on('error', resolve));

    assert.strictEqual(status, 404);
    assert.strictEqual(err.message, 'Unexpected server response: 404');
  });

  it('drops chat messages that make no sense', async () => {
    const ws = new WebSocket(`${url.replace('http', 'ws')}chat`);
    const received = messages(ws, 2);

    ws.on('open', () => {
      for (const nonsense of ['{', '1', 'null', '{"name":1,"text":"x"}']) {
        ws.send(nonsense);
      }
      ws.send('{"name":"Ann","text":"  "}');
      ws.send(JSON.stringify({ name: ' ', text: 'x'.repeat(600) }));
    });

    const [people, { time, ...said }] = await received;

    assert.deepStrictEqual(people, { type: 'people', count: 1 });
    assert.ok(Math.abs(Date.now() - time) < TIMEOUT);
    assert.deepStrictEqual(said, {
      type: 'message',
      name: 'Anonymous',
      text: 'x'.repeat(500)
    });
    ws.close();
    await once(ws, 'close');
  });

  const signals =
    (oracle && 'the command runs on ferrows') ||
    (process.platform === 'win32' && 'there are no signals on Windows');

  it('finds a free port, and ends at a signal', { skip: signals }, async () => {
    const { port } = new URL(url);
    const child = spawn(process.execPath, ['demo/server.js'], {
      cwd: path.join(__dirname, '..'),
      env: { ...process.env, PORT: port },
      stdio: ['ignore', 'pipe', 'inherit']
    });
    let output = '';

    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes('Ctrl-C')) break;
    }

    const [, address] = /is at http:\/\/(\S+)/.exec(output);
    const ws = new WebSocket(`ws://${address}chat`);

    assert.notStrictEqual(address, `127.0.0.1:${port}/`);
    await once(ws, 'open');
    child.kill('SIGINT');

    const [[code, reason], [status]] = await Promise.all([
      once(ws, 'close'),
      once(child, 'exit')
    ]);

    assert.strictEqual(code, 1001);
    assert.strictEqual(String(reason), 'The demo ends');
    assert.strictEqual(status, 0);
  });

  describe('in a browser', { skip: whyNoBrowser() }, () => {
    let browser;
    let context;
    const errors = [];

    /**
     * Opens the page in another tab.
     *
     * @return {Promise} resolves with the tab once both panels are connected
     */
    async function openTab() {
      const tab = await context.newPage();

      tab.setDefaultTimeout(TIMEOUT);
      tab.on('pageerror', (err) => errors.push(err.message));
      tab.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await tab.goto(url);
      await tab.waitForFunction(
        () => document.querySelectorAll('[data-state="open"]').length === 2
      );
      return tab;
    }

    /**
     * Waits until a figure of the echo panel is a number above a bound.
     *
     * @param {Object} tab the tab
     * @param {string} id the figure's element
     * @param {number} bound the bound
     * @return {Promise} resolves when it is
     */
    function waitForFigure(tab, id, bound) {
      return tab.waitForFunction(
        ([id, bound]) => {
          const text = document.getElementById(id).textContent;

          return Number(text.replaceAll(',', '')) > bound;
        },
        [id, bound]
      );
    }

    before(async () => {
      const { chromium } = require('playwright-core');

      browser = await chromium.launch({
        executablePath: findChromium(),
        args: [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync'
        ]
      });
      context = await browser.newContext({ locale: 'en-US' });
    });

    after(() => browser?.close());

    it('shows a chat message in every tab', async () => {
      const [first, second] = [await openTab(), await openTab()];
      const text = 'Grüße <b>aus</b> 東京 🚀';

      await first.waitForFunction(() =>
        document.querySelector('#chat .status').textContent.includes('2 here')
      );
      await first.fill('#name', 'Ann');
      await first.fill('#text', text);
      await first.press('#text', 'Enter');

      for (const tab of [first, second]) {
        const item = tab.locator('#messages li', { hasText: text });

        await item.waitFor();
        assert.strictEqual(await item.locator('b').textContent(), 'Ann');
        await tab.close();
      }
    });

    it('shows the round-trip time and the messages per second', async () => {
      const tab = await openTab();

      await waitForFigure(tab, 'rtt', 0);
      await waitForFigure(tab, 'median', 0);
      await waitForFigure(tab, 'rate', 0);
      await tab.close();
    });

    it('echoes many messages a second under load, until stopped', async () => {
      const tab = await openTab();

      await tab.selectOption('#size', '1024');
      await tab.fill('#in-flight', '6');
      assert.strictEqual(await tab.textContent('#in-flight-value'), '64');

      await tab.click('text=Start load');
      await waitForFigure(tab, 'rate', 200);
      await waitForFigure(tab, 'median', 0);

      // A click would wait for a page that has nothing to do.
      await tab.dispatchEvent('text=Stop load', 'click');
      await tab.waitForFunction(
        () => Number(document.getElementById('rate').textContent) < 20
      );
      await tab.close();
    });

    it('connects again when the server closed the connection', async () => {
      const tab = await openTab();

      for (const endpoint of demo.endpoints.values()) {
        for (const client of endpoint.clients) client.close(1012);
      }
      await tab.waitForSelector('[data-state="closed"]');
      await tab.waitForFunction(
        () => document.querySelectorAll('[data-state="open"]').length === 2
      );
      await tab.close();
    });

    it('makes no errors on the page', () => {
      assert.deepStrictEqual(errors, []);
    });
  });
});
