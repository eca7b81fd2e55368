'use strict';

// The two processes of a run, the server and the load generator, each on a core
// of its own if the machine allows it.

const { execFile, spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const readline = require('node:readline');
const { promisify } = require('node:util');

const { cargoBuild } = require('../../scripts/setup');

/** Longest time that a server may take to listen or to end, in ms. */
const SERVER_TIMEOUT = 10000;

/** Time that a run may take beyond its warm-up and measured time, in ms. */
const LOAD_TIMEOUT = 60000;

/**
 * Finds the cores that this process may run on.
 *
 * @return {number[]} their numbers
 */
function allowedCores() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status);

  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);

    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * Chooses a core for each process.
 *
 * @return {Object|null} the cores of `server` and `load`; `null` if there are
 *     less than two or no `taskset`
 */
function chooseCores() {
  const [server, load] = allowedCores();
  const { error } = spawnSync('taskset', ['--version']);

  return load === undefined || error ? null : { server, load };
}

/**
 * Pins a command to a core.
 *
 * @param {number|undefined} core the core; `undefined` for any
 * @param {string[]} command the program and its arguments
 * @return {string[]} the program and arguments to start in its place
 */
function pinned(core, command) {
  return core === undefined
    ? command
    : ['taskset', '-c', String(core), ...command];
}

/** Builds the load generator. */
function buildLoad() {
  return cargoBuild('ferrows-bench').find(({ executable }) => executable)
    .executable;
}

/** A server in a process of its own. */
class Server {
  /**
   * Starts a server.
   *
   * @param {Object} peer the peer that it is
   * @param {string[]} args the server's arguments
   * @param {number} [core] the core to run on
   * @return {Promise<Server>} the server, which listens
   */
  static async start(peer, args, core) {
    const command = [peer.command, peer.script, ...args];
    const [program, ...rest] = pinned(core, command);
    // `taskset` becomes the server, so that the process is the server's.
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    const server = new Server(child);

    try {
      server.port = await server.readPort();
    } catch (err) {
      await server.stop();
      throw new Error(`the server of ${peer.name} did not start`, {
        cause: err
      });
    }
    return server;
  }

  /**
   * @param {ChildProcess} child the server's process
   */
  constructor(child) {
    this.child = child;
    this.port = 0;
    /** What the server has found out about itself, complete when it stopped. */
    this.figures = {};
    // Not `exit`, which does not wait for what was printed.
    this.exited = new Promise((resolve) => {
      child.once('close', resolve).once('error', resolve);
    });
  }

  /**
   * Reads the line that names the port; what follows are figures.
   *
   * @return {Promise<number>} the port
   */
  async readPort() {
    const lines = readline.createInterface({ input: this.child.stdout });
    const ended = this.exited.then(() => Promise.reject(new Error('it ended')));
    const signal = AbortSignal.timeout(SERVER_TIMEOUT);
    const [line] = await Promise.race([once(lines, 'line', { signal }), ended]);

    lines.on('line', (text) => Object.assign(this.figures, JSON.parse(text)));
    return Number(line);
  }

  /** Ends the server, by force if it does not comply. */
  async stop() {
    this.child.stdin.destroy();

    const timer = setTimeout(() => this.child.kill('SIGKILL'), SERVER_TIMEOUT);

    await this.exited;
    clearTimeout(timer);
  }
}

/**
 * Runs the load generator against a server.
 *
 * @param {string} program its path
 * @param {Server} server the server
 * @param {string[]} args what to do
 * @param {Object} times `warmup` and `seconds`
 * @param {number} [core] the core to run on
 * @return {Promise<Object>} its figures
 */
async function runLoad(program, server, args, times, core) {
  const target = ['--port', server.port, '--pid', server.child.pid];
  const command = [program, ...args, ...target.map(String)];
  const [file, ...rest] = pinned(core, command);

  try {
    const { stdout } = await promisify(execFile)(file, rest, {
      timeout: LOAD_TIMEOUT + 1e3 * (times.warmup + times.seconds),
      killSignal: 'SIGKILL'
    });

    return JSON.parse(stdout);
  } catch (err) {
    const reason = err.killed ? 'the load took too long' : err.stderr?.trim();

    throw new Error(reason || err.message);
  }
}

module.exports = { Server, buildLoad, chooseCores, runLoad };
