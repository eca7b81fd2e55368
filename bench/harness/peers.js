'use strict';

// What is compared. Each peer has a program below `servers` and one below
// `clients`, run by the command that fits it.

const { spawnSync } = require('node:child_process');
const path = require('node:path');

/**
 * Asks a command for its version.
 *
 * @param {string} command the command
 * @return {string|null} the version; `null` if there is no such command
 */
function commandVersion(command) {
  const { status, stdout } = spawnSync(command, ['--version'], {
    encoding: 'utf8'
  });

  return status === 0 ? stdout.trim() : null;
}

/**
 * Finds Bun: the command, or the npm package if that is installed.
 *
 * @return {Object|null} `command` and `version`; `null` if it is not there
 */
function findBun() {
  const commands = ['bun'];

  try {
    const manifest = require.resolve('bun/package.json');

    commands.push(path.join(manifest, '..', require(manifest).bin.bun));
  } catch {
    // not installed: the command alone is looked for
  }
  for (const command of commands) {
    const version = commandVersion(command);

    if (version !== null) return { command, version };
  }
  return null;
}

/**
 * Finds a peer that Node.js runs.
 *
 * @param {Function} version gives the version of the package under test
 * @return {Function} gives `command` and `version`
 */
function onNode(version) {
  return () => ({ command: process.execPath, version: version() });
}

const wsVersion = () =>
  `${require('ws/package.json').version} + bufferutil ` +
  require('bufferutil/package.json').version;

const findFerrows = onNode(() => require('../../package.json').version);

/**
 * How to find each peer, in the order in which they take turns. What follows a
 * colon is the transport that ferrows is made to use; without it, ferrows
 * chooses.
 */
const finders = {
  ferrows: findFerrows,
  'ferrows:stream': findFerrows,
  'ferrows:loop': findFerrows,
  'ferrows:tokio': findFerrows,
  ws: onNode(wsVersion),
  bun: findBun
};

/** The peers that are compared unless others are asked for. */
const usual = Object.keys(finders).filter((name) => !name.includes(':'));

/**
 * Finds peers.
 *
 * @param {string[]} names their names; none means the usual ones that are
 *     installed
 * @return {Object[]} for each its `name`, `program`, `command`, `version` and,
 *     if it is given one, its `transport`
 * @throws {Error} if one that was asked for is unknown or not installed
 */
function select(names) {
  const wanted = names.length === 0 ? usual : names;

  for (const name of wanted) {
    if (!Object.hasOwn(finders, name)) throw new Error(`no peer named ${name}`);
  }

  const peers = [];

  for (const name of Object.keys(finders)) {
    if (!wanted.includes(name)) continue;

    const found = finders[name]();

    if (found !== null) {
      const [program, transport] = name.split(':');

      peers.push({ name, program, transport, ...found });
    } else if (names.length > 0) {
      throw new Error(`${name} is not installed`);
    }
  }
  return peers;
}

module.exports = { names: Object.keys(finders), select };
