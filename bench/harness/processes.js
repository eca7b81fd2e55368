'use strict';

// The two processes of a run, the program under test and the load generator,
// each on a core of its own if the machine allows it.

const { execFile, spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { promisify } = require('node:util');

const { cargoBuild } = require('../../scripts/addon');

/** Where the programs of the peers are. */
const ROOT = path.join(__dirname, '..');

/** Longest time that a program may take to listen or to end, in ms. */
const SUBJECT_TIMEOUT = 10000;

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
 * @return {Object|null} the cores of the `subject` and the `load`; `null` if
 *     there are less than two or no `taskset`
 */
function chooseCores() {
  const [subject, load] = allowedCores();
  const { error } = spawnSync('taskset', ['--version']);

  return load === undefined || error ? null : { subject, load };
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

/** The program under test, a server or clients, in a process of its own. */
class Subject {
  /**
   * Starts the program.
   *
   * @param {Object} peer the peer that it is
   * @param {string} role `server` or `client`
   * @param {string[]} args the program's arguments
   * @param {number} [core] the core to run on
   * @return {Promise<Subject>} the program; a server listens
   */
  static async start(peer, role, args, core) {
    const script = path.join(ROOT, `${role}s`, `${peer.program}.js`);
    const [program, ...rest] = pinned(core, [peer.command, script, ...args]);
    // `taskset` becomes the program, so that the process is the program's. A
    // variable that is `undefined` is not set.
    const child = spawn(program, rest, {
      env: { ...process.env, FERROWS_TRANSPORT: peer.transport },
      stdio: ['pipe', 'pipe', 'inherit']
    });
    const subject = new Subject(child);

    if (role === 'client') return subject;
    try {
      subject.port = await subject.readPort();
    } catch (err) {
      await subject.stop();
      throw new Error(`the server of ${peer.name} did not start`, {
        cause: err
      });
    }
    return subject;
  }

  /**
   * @param {ChildProcess} child the program's process
   */
  constructor(child) {
    this.child = child;
    /** Where it listens; `null` if it is the client. */
    this.port = null;
    /** What it has found out about itself, complete when it stopped. */
    this.figures = {};
    // Not `exit`, which does not wait for what was printed.
    this.exited = new Promise((resolve) => {
      child.once('close', resolve).once('error', resolve);
    });
    // It may have ended by itself; the load notices.
    child.stdin.on('error', () => {});
  }

  /**
   * Reads the line that names the port; what follows are figures.
   *
   * @return {Promise<number>} the port
   */
  async readPort() {
    const lines = readline.createInterface({ input: this.child.stdout });
    const ended = this.exited.then(() => Promise.reject(new Error('it ended')));
    const signal = AbortSignal.timeout(SUBJECT_TIMEOUT);
    const [line] = await Promise.race([once(lines, 'line', { signal }), ended]);

    lines.on('line', (text) => Object.assign(this.figures, JSON.parse(text)));
    return Number(line);
  }

  /**
   * Lets a client begin.
   *
   * @param {string} port the port of the server
   */
  connect(port) {
    this.child.stdin.write(`${port}\n`);
  }

  /** Ends the program, by force if it does not comply. */
  async stop() {
    this.child.stdin.destroy();

    const timer = setTimeout(() => this.child.kill('SIGKILL'), SUBJECT_TIMEOUT);

    await this.exited;
    clearTimeout(timer);
  }
}

/**
 * Runs the load generator against a server, or as the server of a client, to
 * which it then names its port on a line before the figures.
 *
 * @param {string} program its path
 * @param {Subject} subject the program under test
 * @param {string[]} args what to do
 * @param {Object} times `warmup` and `seconds`
 * @param {number} [core] the core to run on
 * @return {Promise<Object>} its figures
 */
async function runLoad(program, subject, args, times, core) {
  const { child, port } = subject;
  const target = ['--pid', child.pid, ...(port ? ['--port', port] : [])];
  const command = [program, ...args, ...target.map(String)];
  const [file, ...rest] = pinned(core, command);

  try {
    const running = promisify(execFile)(file, rest, {
      timeout: LOAD_TIMEOUT + 1e3 * (times.warmup + times.seconds),
      killSignal: 'SIGKILL'
    });

    if (port === null) {
      readline
        .createInterface({ input: running.child.stdout })
        .once('line', (line) => subject.connect(line));
    }

    const { stdout } = await running;

    return JSON.parse(stdout.trim().split('\n').pop());
  } catch (err) {
    const reason = err.killed ? 'the load took too long' : err.stderr?.trim();

    throw new Error(reason || err.message);
  }
}

module.exports = { ROOT, Subject, buildLoad, chooseCores, pinned, runLoad };
