'use strict';

// Makes single executable applications as docs/runtimes.md says, with the
// programs and commands that are written there, and runs them.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { ROOT } = require('../toolchain');
const { ensure, nodePackage, PACKAGES } = require('./packages');
const { run } = require('./suite');

/** The versions of Node.js that become applications. */
const MAJORS = ['20', '24'];

/** Where to put the addon; the headings of the ways to do it. */
const WAYS = ['beside the executable', 'in the executable'];

/** What the package consists of where it is installed. */
const INSTALLED = ['package.json', 'index.js', 'binding.js', 'lib'];

/** What a program of the documents goes on with. */
const ECHO = `
const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  const ws = new WebSocket('ws://127.0.0.1:' + wss.address().port);
  let left = 12;
  ws.on('open', () => ws.send('hello'));
  ws.on('message', (data) => {
    if (--left > 0) return ws.send(data);
    console.log(data + ' over ' + ws.transport);
    ws.close();
  });
  ws.on('close', () => wss.close());
});
wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
`;

/** What it prints. */
const PRINTED = /^hello over (loop|tokio)\n$/;

/** Fetches what is needed. */
function install() {
  for (const major of MAJORS) ensure(nodePackage(major));
  for (const name of ['esbuild', 'postject']) ensure(PACKAGES[name]);
}

/**
 * Finds the pieces of a recipe in the documents.
 *
 * @param {string} way the heading
 * @return {{js: string, json: string, sh: string}} blocks of code by language
 */
function recipe(way) {
  const text = fs.readFileSync(path.join(ROOT, 'docs', 'runtimes.md'), 'utf8');
  const [, section] = text.split(`### The addon ${way}\n`);
  const blocks = section
    .split(/^##/m, 1)[0]
    .matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return Object.fromEntries([...blocks].map(([, kind, code]) => [kind, code]));
}

/**
 * Makes a project that has the package, and the tools.
 *
 * @param {string} home its folder
 * @param {{js: string, json: string}} files its program and configuration
 */
function makeProject(home, { js, json }) {
  const modules = path.join(home, 'node_modules');
  for (const name of INSTALLED) {
    fs.cpSync(path.join(ROOT, name), path.join(modules, 'ferrows', name), {
      recursive: true
    });
  }
  // Where a package manager puts the addon.
  const [addon] = fs
    .readdirSync(ROOT)
    .filter((name) => /^ferrows\.[\w-]+\.node$/.test(name));
  const platform = addon.split('.')[1];
  const target = path.join(modules, `ferrows-${platform}`);
  fs.cpSync(path.join(ROOT, 'npm', platform), target, { recursive: true });
  fs.copyFileSync(path.join(ROOT, addon), path.join(target, addon));

  fs.mkdirSync(path.join(modules, '.bin'));
  const esbuild = path.join(ensure(PACKAGES.esbuild), '..', '..', 'bin');
  for (const [name, file] of [
    ['esbuild', path.join(esbuild, 'esbuild')],
    ['postject', ensure(PACKAGES.postject)]
  ]) {
    fs.symlinkSync(file, path.join(modules, '.bin', name));
  }
  fs.writeFileSync(path.join(home, 'package.json'), '{ "private": true }\n');
  fs.writeFileSync(path.join(home, 'main.js'), js + ECHO);
  fs.writeFileSync(path.join(home, 'sea.json'), json);
}

/**
 * Makes an application and runs it.
 *
 * @param {string} way the heading of the recipe
 * @param {string} node the program that it is made of
 * @return {Promise<?string>} what is wrong
 */
async function attempt(way, node) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-'));
  const temporary = path.join(home, 'tmp');
  try {
    const { sh, ...files } = recipe(way);
    makeProject(home, files);
    fs.mkdirSync(temporary);
    const made = await run('bash', ['-e', '-c', sh], {
      cwd: home,
      env: { PATH: `${path.dirname(node)}:${process.env.PATH}` }
    });
    if (made.code !== 0) return `${made.stdout}${made.stderr}`;
    // Nothing but what is to be handed out.
    fs.rmSync(path.join(home, 'node_modules'), { recursive: true });
    const { code, stdout, stderr } = await run(
      path.join(home, 'dist', 'app'),
      [],
      { cwd: os.tmpdir(), env: { TMPDIR: temporary }, timeout: 60e3 }
    );
    if (fs.readdirSync(temporary).length > 0) return 'it leaves files behind';
    if (code === 0 && PRINTED.test(stdout)) return null;
    return `it ended with ${code}: ${stdout}${stderr}`;
  } finally {
    fs.rmSync(home, { recursive: true });
  }
}

/** @return {Promise<string[]>} what does not work */
async function runAll() {
  if (process.platform !== 'linux') {
    console.log('  skipped: the commands are those for Linux');
    return [];
  }
  const failures = [];
  for (const major of MAJORS) {
    for (const way of WAYS) {
      const wrong = await attempt(way, ensure(nodePackage(major)));
      console.log(
        `  Node.js ${major}, the addon ${way}: ${wrong === null ? 'ok' : 'FAILED'}`
      );
      if (wrong !== null) failures.push(wrong);
    }
  }
  return failures;
}

module.exports = { install, run: runAll };
