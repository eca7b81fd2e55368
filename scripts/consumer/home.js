'use strict';

// Where consumers live: a temporary directory that has all that their package
// managers write, and an environment that has nothing of the user's.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** How long a command may take, in milliseconds. */
const TIMEOUT = 120e3;

/** The exit status of a shell when a signal ends a command, without it. */
const SIGNALLED = 128;

/** A home, and the processes that run in it. */
class Home {
  constructor() {
    this.root = fs.mkdtempSync(
      path.join(fs.realpathSync(os.tmpdir()), 'ferrows-consumer-')
    );
    this.processes = new Set();

    for (const name of ['bin', 'tmp']) fs.mkdirSync(this.path(name));
    // Node and nothing else: no cargo, no compiler, no git.
    fs.symlinkSync(process.execPath, this.path('bin', 'node'));

    // This is called at the end in any case, also by the signals below.
    process.on('exit', () => this.remove());
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
      process.on(signal, () =>
        process.exit(SIGNALLED + os.constants.signals[signal])
      );
    }
  }

  /**
   * Names a file in it.
   *
   * @param {...string} parts the path's parts
   * @return {string} the path
   */
  path(...parts) {
    return path.join(this.root, ...parts);
  }

  /** Ends all processes and removes all files. */
  remove() {
    for (const child of this.processes) child.kill('SIGKILL');
    this.processes.clear();
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * Makes a directory with files.
   *
   * @param {string} name its name
   * @param {Object<string, (string|Object)>} files what is in it; objects
   *     become JSON
   * @return {string} its path
   */
  write(name, files) {
    const directory = this.path(name);

    for (const [file, contents] of Object.entries(files)) {
      const target = path.join(directory, file);

      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(
        target,
        typeof contents === 'string'
          ? contents
          : `${JSON.stringify(contents, null, 2)}\n`
      );
    }
    return directory;
  }

  /**
   * Runs a program of Node's to its end.
   *
   * @param {string[]} args Node's arguments
   * @param {Object} options
   * @param {string} options.cwd where
   * @param {Object} [options.env] variables beside those of the home
   * @param {string} [options.node] another Node
   * @return {Promise<{status: ?number, stdout: string, stderr: string}>} how it
   *     ended; the status is null if that was by a signal
   */
  run(args, { cwd, env, node = process.execPath }) {
    const child = spawn(node, args, {
      cwd,
      env: { ...this.environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT,
      killSignal: 'SIGKILL'
    });
    const output = { stdout: '', stderr: '' };

    this.processes.add(child);
    for (const name of ['stdout', 'stderr']) {
      child[name]
        .setEncoding('utf8')
        .on('data', (text) => (output[name] += text));
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => {
        this.processes.delete(child);
        resolve({ status, ...output });
      });
    });
  }

  /**
   * Runs a program which has to succeed.
   *
   * @param {string[]} args Node's arguments
   * @param {Object} options as for `run()`
   * @return {Promise<string>} what it printed
   * @throws {Error} with all that it printed, if it fails
   */
  async succeed(args, options) {
    const { status, stdout, stderr } = await this.run(args, options);

    if (status === 0) return stdout;
    throw new Error(
      `exit status ${status} of: node ${args.join(' ')}\n${stdout}${stderr}`
    );
  }

  /**
   * The variables of all programs. Whoever asks for something over the network
   * is sent to a proxy which is not there, unless it is on this machine.
   *
   * @return {Object} the variables
   */
  environment() {
    const proxy = 'http://127.0.0.1:9';
    const env = {
      HOME: this.root,
      PATH: this.path('bin'),
      TMPDIR: this.path('tmp'),
      XDG_CACHE_HOME: this.path('cache'),
      XDG_CONFIG_HOME: this.path('config'),
      XDG_DATA_HOME: this.path('data'),
      XDG_STATE_HOME: this.path('state'),
      // Not `CI`, with which lockfiles have to be there already.
      NO_COLOR: '1'
    };

    for (const name of ['http_proxy', 'https_proxy']) {
      env[name] = env[name.toUpperCase()] = proxy;
    }
    env.no_proxy = env.NO_PROXY = '127.0.0.1,localhost';
    return env;
  }
}

module.exports = Home;
