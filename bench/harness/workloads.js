'use strict';

// The workloads, by name: what the load generator does, and what the program
// under test has to do with it as a server or, in that `role`, as clients.

const KIB = 1024;

/**
 * Names a size as the workloads do.
 *
 * @param {number} bytes the size
 * @return {string} the size with a binary unit
 */
function sizeName(bytes) {
  if (bytes < KIB) return `${bytes}B`;
  return bytes < KIB * KIB ? `${bytes / KIB}KiB` : `${bytes / KIB / KIB}MiB`;
}

/**
 * Messages that come back on the connection that sent them.
 *
 * @param {number} payload bytes of a message
 * @param {number} connections open connections
 * @param {number} inFlight messages on their way on each
 * @return {Object} the workload
 */
function echo(payload, connections, inFlight) {
  return {
    name: `echo-${sizeName(payload)}-c${connections}-f${inFlight}`,
    role: 'server',
    mode: 'echo',
    kind: 'load',
    unit: 'message',
    program: 'echo',
    parameters: { payload, connections, 'in-flight': inFlight }
  };
}

/**
 * Messages of 64 bytes from one connection to all others.
 *
 * @param {number} connections connections that receive
 * @param {number} inFlight messages that not all have got yet
 * @return {Object} the workload
 */
function broadcast(connections, inFlight) {
  return {
    name: `broadcast-${connections}-f${inFlight}`,
    role: 'server',
    mode: 'broadcast',
    kind: 'load',
    unit: 'delivery',
    program: 'broadcast',
    parameters: { payload: 64, connections, 'in-flight': inFlight }
  };
}

/**
 * Messages of clients, all in one process, to a server that echoes them.
 *
 * @param {number} payload bytes of a message
 * @param {number} connections open connections
 * @param {number} inFlight messages on their way on each
 * @return {Object} the workload
 */
function client(payload, connections, inFlight) {
  return {
    name: `client-${sizeName(payload)}-c${connections}-f${inFlight}`,
    role: 'client',
    kind: 'load',
    unit: 'message',
    program: 'echo-server',
    parameters: { payload, connections, 'in-flight': inFlight }
  };
}

/**
 * Connections that rest after some messages.
 *
 * @param {number} connections open connections
 * @param {number} smoke open connections if it is to be tiny: still enough to be
 *     far above the noise
 * @return {Object} the workload
 */
function idle(connections, smoke) {
  return {
    name: `idle-${connections}`,
    role: 'server',
    mode: 'echo',
    kind: 'memory',
    unit: 'connection',
    program: 'idle',
    parameters: { payload: 64, connections },
    smoke: { connections: smoke }
  };
}

/**
 * Processes that load the package, and end.
 *
 * @param {boolean} hasBufferUtil whether `ws` finds `bufferutil`: it has less to
 *     load without it, which is how it is installed by itself
 * @return {Object} the workload
 */
function loading(hasBufferUtil) {
  return {
    name: `require${hasBufferUtil ? '-bufferutil' : ''}`,
    kind: 'loading',
    unit: 'process',
    // Its server is a part of Bun.
    without: ['bun'],
    hasBufferUtil
  };
}

/**
 * The same workload with compressed messages.
 *
 * @param {string} takeover whether messages refer to earlier ones: `takeover` or
 *     `none`
 * @param {Object} workload the workload
 * @param {Object} [parameters] what else is different
 * @return {Object} the workload
 */
function deflate(takeover, workload, parameters) {
  const { name, kind } = workload;

  return {
    ...workload,
    name: `deflate-${name}${takeover === 'none' ? '-none' : ''}`,
    kind: kind === 'load' ? 'deflate' : kind,
    deflate: takeover,
    parameters: { ...workload.parameters, ...parameters, deflate: takeover }
  };
}

/**
 * Both workloads with compressed messages.
 *
 * @param {Object} workload the workload
 * @param {Object} [parameters] what else is different
 * @return {Object[]} the one with context takeover and the one without
 */
function withAndWithout(workload, parameters) {
  return ['takeover', 'none'].map((takeover) =>
    deflate(takeover, workload, parameters)
  );
}

/** All of them, in the order in which they run. */
const workloads = [
  echo(64, 1, 1),
  echo(64, 64, 1),
  echo(64, 1, 16),
  echo(64, 64, 16),
  echo(KIB, 64, 1),
  echo(KIB, 64, 16),
  echo(64 * KIB, 16, 1),
  echo(KIB * KIB, 4, 1),
  broadcast(200, 1),
  broadcast(200, 16),
  client(64, 64, 1),
  client(64, 64, 16),
  {
    name: 'connect',
    role: 'server',
    mode: 'echo',
    kind: 'load',
    unit: 'connection',
    program: 'connect',
    parameters: { payload: 64, connections: 32 }
  },
  idle(10000, 500),
  loading(false),
  loading(true),
  ...withAndWithout(echo(200, 32, 1)),
  ...withAndWithout(echo(KIB, 32, 1)),
  ...withAndWithout(echo(16 * KIB, 16, 1)),
  ...withAndWithout(echo(KIB * KIB, 4, 1)),
  ...withAndWithout(broadcast(200, 1), { payload: KIB }),
  deflate('none', broadcast(200, 16), { payload: KIB }),
  ...withAndWithout(idle(1000, 50), { payload: KIB, messages: 20 })
];

/**
 * Picks workloads by patterns in which `*` stands for any text.
 *
 * @param {string[]} patterns the patterns; none of them means all workloads
 * @return {Object[]} the workloads that match one of them
 * @throws {Error} if a pattern matches nothing
 */
function select(patterns) {
  if (patterns.length === 0) return workloads;

  const chosen = new Set();

  for (const pattern of patterns) {
    const parts = pattern.split('*').map((part) => part.replace(/\W/g, '\\$&'));
    const regex = new RegExp(`^${parts.join('.*')}$`);
    const found = workloads.filter(({ name }) => regex.test(name));

    if (found.length === 0) throw new Error(`no workload matches ${pattern}`);
    for (const workload of found) chosen.add(workload);
  }
  return workloads.filter((workload) => chosen.has(workload));
}

/**
 * Makes the load generator's arguments for a workload.
 *
 * @param {Object} workload the workload
 * @param {Object} times `warmup` and `seconds`
 * @param {boolean} smoke whether to keep it tiny
 * @return {string[]} the arguments, without those that name the other process
 */
function loadArguments(workload, times, smoke) {
  const { program, parameters, smoke: tiny } = workload;
  const options = { ...parameters, ...(smoke && tiny), ...times };

  return [
    program,
    ...Object.entries(options).flatMap(([name, value]) => [
      `--${name}`,
      String(value)
    ])
  ];
}

/**
 * Makes the arguments of the program under test for a workload.
 *
 * @param {Object} workload the workload
 * @return {string[]} the arguments
 */
function subjectArguments({ role, mode, deflate: takeover, parameters }) {
  if (role === 'client') {
    const { connections, payload, 'in-flight': inFlight } = parameters;

    return [connections, inFlight, payload].map(String);
  }
  return takeover === undefined ? [mode] : [mode, takeover];
}

module.exports = { loadArguments, select, subjectArguments };
