'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');

const plot = require('../bench/harness/plot');
const statistics = require('../bench/harness/statistics');

/**
 * Makes the result of a peer.
 *
 * @param {string} workload the workload's name
 * @param {string} peer the peer's name
 * @param {number[]} [values] the ratio in each round; none for idle connections
 * @return {Object} the result
 */
function result(workload, peer, values) {
  const figures = values && { cpuMicros: statistics.range(values) };

  return { workload, peer, runs: [], summary: {}, ratios: figures ?? {} };
}

/**
 * Makes a report.
 *
 * @param {Object} [changes] what is different
 * @return {Object} the report
 */
function report(changes) {
  return {
    date: '2026-01-02T03:04:05.678Z',
    machine: {
      cpu: 'A <fast> & "new" one',
      cores: 2,
      pinned: { subject: 0, load: 1 },
      memory: 1,
      system: 'Linux 6 x64',
      node: '20.1.2'
    },
    peers: { ferrows: '0.1.0', 'ferrows:loop': '0.1.0', ws: '8', bun: '1' },
    repeat: 3,
    warmup: 1,
    seconds: 2,
    smoke: false,
    failures: 0,
    results: [
      result('echo-64B-c64-f1', 'ferrows', [0.5, 0.4, 0.6]),
      result('echo-64B-c64-f1', 'ferrows:loop', [0.25, 0.25, 0.25]),
      result('echo-64B-c64-f1', 'ws', [1, 1, 1]),
      result('connect', 'ferrows', [1.5, 1.5, 1.5]),
      result('connect', 'ws', [1, 1, 1]),
      result('idle-10000', 'ws')
    ],
    ...changes
  };
}

/**
 * Lists the elements of a well-formed document.
 *
 * @param {string} svg the document
 * @return {Object[]} for each the `name`, its `attributes` and its own `text`
 */
function elements(svg) {
  const tag = /<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>([^<]*)/gy;
  const list = [];
  const open = [];
  let end = 0;

  for (const [all, closing, name, attributes, empty, text] of svg.matchAll(
    tag
  )) {
    end += all.length;
    assert.doesNotMatch(text.replace(/&#\d+;/g, ''), /&/);
    if (closing) {
      assert.strictEqual(open.pop(), name);
      continue;
    }
    if (!empty) open.push(name);
    list.push({
      name,
      attributes: Object.fromEntries(
        [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, ...it]) => it)
      ),
      text
    });
  }
  assert.strictEqual(end, svg.length);
  assert.deepStrictEqual(open, []);
  return list;
}

/**
 * Finds the bars of a peer.
 *
 * @param {string} svg the document
 * @param {string} kind the class of the peer's bars
 * @return {number[]} their widths, without that of the legend
 */
function widths(svg, kind) {
  return elements(svg)
    .filter(({ name, attributes }) => {
      return name === 'rect' && attributes.class === kind;
    })
    .slice(1)
    .map(({ attributes }) => Number(attributes.width));
}

describe('plot', () => {
  it('is the same for the same report', () => {
    assert.strictEqual(plot(report()), plot(report()));
  });

  it('has a bar for each peer of each workload, as long as its ratio', () => {
    const svg = plot(report());
    const [one, other] = widths(svg, 'peer-ws');
    const near = (width, ratio) =>
      assert.ok(Math.abs(width - ratio * one) < 0.2, `${width} of ${one}`);

    assert.strictEqual(one, other);
    assert.deepStrictEqual(widths(svg, 'peer-bun'), []);

    const [echo, connect] = widths(svg, 'peer-ferrows');
    const [loop, ...rest] = widths(svg, 'peer-ferrows-loop');

    near(echo, 0.5);
    near(connect, 1.5);
    near(loop, 0.25);
    assert.deepStrictEqual(rest, []);
  });

  it('names the workloads, the axis, and the ratios with their spread', () => {
    const texts = elements(plot(report())).map(({ text }) => text.trim());

    for (const text of [
      'echo-64B-c64-f1',
      'connect',
      'ferrows:loop',
      '0.50 (0.40–0.60)',
      '0.25',
      '1.50',
      '1.00'
    ]) {
      assert.ok(texts.includes(text), text);
    }
    assert.ok(texts.some((text) => text.endsWith('ratio to ws (ws = 1.0)')));
    assert.ok(!texts.includes('idle-10000'));
  });

  it('says where the figures come from, and how far rounds lie apart', () => {
    const caption = (changes) =>
      elements(plot(report(changes)))
        .filter(({ attributes }) => attributes.class === 'soft')
        .map(({ text }) => text.trim())
        .join(' ');
    const text = caption();

    assert.match(text, /A &#60;fast&#62; &#38; &#34;new&#34; one, 2 cores/);
    assert.match(
      text,
      /Linux 6 x64, Node\.js 20\.1\.2; ferrows 0\.1\.0, ws 8\./
    );
    assert.match(text, /2026-01-02, 2 s for each run\.$/);
    assert.match(text, /medians of 3 rounds; .* is 0 % of a bar .*, and 40 %/);
    assert.ok(!text.includes('bun'));
    assert.match(caption({ repeat: 1 }), /One round, so that/);
    assert.match(caption({ smoke: true }), /A trial run/);
  });

  it('has colours for a light and for a dark page', () => {
    const svg = plot(report());
    const [light, dark] = svg
      .slice(svg.indexOf('<style>'), svg.indexOf('</style>'))
      .split('@media (prefers-color-scheme:dark)');
    const fills = (css) => css.match(/^\.[\w-]+\{(fill|stroke):#\w{6}\}$/gm);
    const names = (list) => list.map((rule) => rule.split('{')[0]);

    assert.deepStrictEqual(names(fills(light)), names(fills(dark)));
    fills(light).forEach((rule, i) => assert.notEqual(rule, fills(dark)[i]));
    for (const { attributes } of elements(svg)) {
      for (const key of Object.keys(attributes)) {
        assert.ok(!['fill', 'stroke', 'style'].includes(key), key);
      }
    }
  });

  it('keeps everything within its bounds', () => {
    for (const factor of [0.01, 1, 7, 300]) {
      const results = [
        result('deflate-broadcast-200-f16-none', 'bun', [factor, 2 * factor]),
        result('deflate-broadcast-200-f16-none', 'ws', [1, 1])
      ];
      const svg = plot(report({ results }));
      const [{ attributes: page }, ...rest] = elements(svg);

      for (const { attributes } of rest) {
        if (attributes.class === 'page') continue;
        for (const [places, side] of [
          [['x', 'x1', 'x2'], 'width'],
          [['y', 'y1', 'y2'], 'height']
        ]) {
          for (const place of places) {
            const start = Number(attributes[place] ?? 0);
            const end = start + Number(attributes[side] ?? 0);

            assert.ok(
              start >= 0 && end < Number(page[side]),
              `${place}=${end}`
            );
          }
        }
      }
    }
  });

  it('refuses a report without ratios to ws', () => {
    const results = [result('connect', 'ferrows'), result('connect', 'bun')];

    assert.throws(() => plot(report({ results })), {
      message: 'no CPU time is compared with ws'
    });
  });
});

describe('--plot', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-plot-'));
  const from = path.join(directory, 'report.json');
  const file = path.join(directory, 'report.svg');
  const script = path.join(__dirname, '..', 'scripts', 'bench.js');
  const run = (...args) =>
    spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

  fs.writeFileSync(from, JSON.stringify(report()));
  after(() => fs.rmSync(directory, { recursive: true }));

  it('draws the report that --from names', () => {
    const { status, stderr } = run('--plot', file, '--from', from);

    assert.strictEqual(status, 0, stderr);
    assert.strictEqual(fs.readFileSync(file, 'utf8'), plot(report()));
  });

  it('draws only the workloads and peers that are asked for', () => {
    const only = ['--workload', 'conn*', '--peer', 'ferrows'];
    const { status, stderr } = run('--plot', file, '--from', from, ...only);
    const results = report().results.filter(
      ({ workload, peer }) => workload === 'connect' && peer === 'ferrows'
    );

    assert.strictEqual(status, 0, stderr);
    assert.strictEqual(
      fs.readFileSync(file, 'utf8'),
      plot(report({ results }))
    );
  });

  it('refuses what makes no sense', () => {
    for (const [args, message] of [
      [['--from', from], /--from needs --plot/],
      [['--plot', file, '--from', `${from}x`], /cannot read .*ENOENT/],
      [['--plot', file, '--from', from, '--peer', 'bun'], /cannot draw: no CPU/]
    ]) {
      const { status, stderr } = run(...args);

      assert.strictEqual(status, 1);
      assert.match(stderr, message);
    }
  });
});
