'use strict';

// The report of the benchmark: what is kept as JSON, and its head for people.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** Where each report is kept. */
const RESULTS = path.join(__dirname, '..', 'results');

/**
 * Describes what the figures depend on.
 *
 * @param {Object|null} cores the cores of the processes
 * @return {Object} the machine
 */
function describeMachine(cores) {
  const cpus = os.cpus();

  return {
    cpu: cpus[0].model,
    cores: cpus.length,
    pinned: cores,
    memory: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node
  };
}

/**
 * Puts a report together.
 *
 * @param {Object} run what was run: `date`, `cores`, `competitors`, `options`,
 *     the number of `failures` and all `results`
 * @return {Object} the report
 */
function compose({ date, cores, competitors, options, failures, results }) {
  return {
    date,
    machine: describeMachine(cores),
    peers: Object.fromEntries(
      competitors.map(({ name, version }) => [name, version])
    ),
    repeat: options.repeat,
    ...options.times,
    smoke: options.smoke,
    failures,
    results: results.map(({ workload, peer, ...rest }) => ({
      workload: workload.name,
      peer: peer.name,
      ...rest
    }))
  };
}

/**
 * Writes a report as JSON.
 *
 * @param {Object} report the report
 * @param {string} [file] where to write it too
 */
function write(report, file) {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const name = `${report.date.replace(/[:.]/g, '-')}.json`;

  fs.mkdirSync(RESULTS, { recursive: true });
  fs.writeFileSync(path.join(RESULTS, name), text);
  if (file !== undefined) fs.writeFileSync(file, text);
}

/**
 * Says which of the workloads compress.
 *
 * @param {Object[]} list the workloads
 * @return {string} the text
 */
function describeCompression(list) {
  const count = list.filter(({ deflate }) => deflate !== undefined).length;

  if (count === 0) return 'no compression';
  return count < list.length
    ? 'permessage-deflate in deflate-* only'
    : 'permessage-deflate';
}

/**
 * Writes what stands above the tables.
 *
 * @param {Object} report the report
 * @param {Object[]} list the workloads
 * @return {string} some lines
 */
function head({ date, machine, peers, repeat, warmup, seconds }, list) {
  return (
    `${machine.cpu}, ${machine.cores} cores` +
    `${machine.pinned ? '' : ' (not pinned)'}, ${machine.system}, ` +
    `Node.js ${machine.node}\n` +
    `${Object.entries(peers)
      .map((pair) => pair.join(' '))
      .join(', ')}\n` +
    `${describeCompression(list)}, ${repeat} x ${seconds} s ` +
    `after ${warmup} s, ${date}`
  );
}

module.exports = { compose, head, write };
