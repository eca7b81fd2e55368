'use strict';

// A registry on this machine, of verdaccio's. It knows what is published to it,
// and passes on requests for the few packages that consumers need besides.

const { fork } = require('node:child_process');
const path = require('node:path');

/** What it asks another registry for. */
const PASSED_ON = ['typescript', '@types/node', 'undici-types'];

/** How long it may take to start, in milliseconds. */
const TIMEOUT = 60e3;

/**
 * Makes verdaccio's configuration.
 *
 * @param {string} storage the directory for packages
 * @param {string} upstream the address of the other registry
 * @return {Object} the configuration
 */
function configure(storage, upstream) {
  const own = { access: '$all', publish: '$all', unpublish: '$all' };
  const packages = {};

  for (const name of PASSED_ON) packages[name] = { ...own, proxy: 'upstream' };

  return {
    storage,
    uplinks: { upstream: { url: upstream, timeout: '60s', cache: true } },
    packages: { ...packages, '**': own },
    security: { api: { legacy: true } },
    auth: { htpasswd: { file: path.join(storage, 'htpasswd') } },
    web: { enable: false },
    max_body_size: '50mb',
    log: { type: 'stdout', format: 'pretty', level: 'warn' },
    // for `runServer()`, which has no other way to know
    configPath: path.join(storage, 'config.yaml'),
    self_path: path.join(storage, 'config.yaml')
  };
}

/**
 * Starts the registry, in a process that ends with this one.
 *
 * @param {Home} home where it keeps its files
 * @param {string} upstream the address of the other registry
 * @return {Promise<string>} its address
 */
function startRegistry(home, upstream) {
  const child = fork(path.join(__dirname, 'registry-process.js'), {
    cwd: home.root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  });
  let output = '';

  home.processes.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  child.send(configure(home.path('registry'), upstream));

  return new Promise((resolve, reject) => {
    const timer = setTimeout(fail, TIMEOUT, 'it does not start');

    /**
     * Says why there is no registry.
     *
     * @param {string} why the reason
     */
    function fail(why) {
      clearTimeout(timer);
      reject(new Error(`no registry: ${why}\n${output}`));
    }

    child.on('error', (err) => fail(err.message));
    child.on('exit', (status) => fail(`it ended with exit status ${status}`));
    child.on('message', (port) => {
      clearTimeout(timer);
      // It must not keep this process alive.
      child.unref();
      child.channel.unref();
      child.stdout.unref();
      child.stderr.unref();
      resolve(`http://127.0.0.1:${port}/`);
    });
  });
}

module.exports = startRegistry;
