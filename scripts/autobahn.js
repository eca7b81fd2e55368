'use strict';

// `npm run autobahn`: the Autobahn Testsuite against this package.
//
//   --role server|client   only as that (default: both, one after the other)
//   anything else          goes to autobahn/run.py: --short, --cases, --exclude,
//                          --jobs, --out, --compare ...
//
// Everything but OK and INFORMATIONAL is a failure.

const { spawnSync } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');

const setup = require('./setup');

const HERE = path.join(__dirname, 'autobahn');
const ROLES = ['server', 'client'];

/**
 * Takes `--role` out of the arguments.
 *
 * @param {string[]} args the arguments, which lose the option
 * @return {string[]} the roles to run
 * @throws {setup.SetupError} if it names no role
 */
function takeRoles(args) {
  const at = args.indexOf('--role');

  if (at === -1) return ROLES;

  const [, role] = args.splice(at, 2);

  if (!ROLES.includes(role)) {
    throw new setup.SetupError('--role takes server or client');
  }
  return [role];
}

/**
 * Completes the options for run.py.
 *
 * @param {string[]} args the options that the user gave
 * @return {string[]} those and the defaults of the others
 */
function withDefaults(args) {
  const given = (...names) =>
    args.some((arg) => names.includes(arg.split('=')[0]));
  const options = ['--strict', ...args];

  if (!given('--jobs')) {
    options.push(`--jobs=${Math.min(os.cpus().length, 4)}`);
  }
  return options;
}

/**
 * Runs the testsuite against one role.
 *
 * @param {string} role `server` or `client`
 * @param {string[]} options run.py's options
 * @return {number} its exit status
 */
function run(role, options) {
  const name = process.env.WS_MODULE || 'ferrows';

  console.log(`\nautobahn: ${name} as the ${role}`);

  const { error, status } = spawnSync(
    path.join(HERE, `run-${role}.sh`),
    [...options, '--', process.execPath, path.join(HERE, `echo-${role}.js`)],
    { stdio: 'inherit' }
  );

  if (error) throw new setup.SetupError(error.message);
  // null: a signal ended it
  return status ?? 2;
}

setup.command(() => {
  const args = process.argv.slice(2);
  const roles = takeRoles(args);
  const options = withDefaults(args);

  if (process.platform === 'win32') {
    throw new setup.SetupError(
      'wstest runs on Linux and macOS; scripts/autobahn/README.md says how to ' +
        'run it in Docker'
    );
  }
  if (!process.env.WS_MODULE) {
    setup.ensureToolchain();
    setup.ensureAddon();
  }
  process.exitCode = Math.max(...roles.map((role) => run(role, options)));
});
