'use strict';

// Projects of a user of the package: it is packed and installed from the
// tarballs, with the bundlers beside it.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const { addonName } = require('../../scripts/addon');

const ROOT = path.join(__dirname, '..', '..');
const TOOLS = path.join(__dirname, 'node_modules');
const PROGRAM = fs.readFileSync(path.join(__dirname, 'program.js'), 'utf8');

/** The line of the program that loads the package. */
const HEAD = /^const (.+) = require\('ferrows'\);$/m;

/** This platform, for example `linux-x64-gnu`. */
const PLATFORM = /^ferrows\.(.+)\.node$/.exec(addonName())[1];

/** The package with the addon. */
const ADDON = `ferrows-${PLATFORM}`;

/** How long a command or a bundle may run, in milliseconds. */
const TIMEOUT = 120e3;

/** The environment of commands and bundles, without what would change them. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(FERROWS|FORCE|NAPI_RS|NODE|npm)_/i.test(name)
  )
);
Object.assign(ENV, {
  NO_COLOR: '1',
  // What Node has to say about a bundler is not what a bundler has to say.
  NODE_NO_WARNINGS: '1',
  npm_config_offline: 'true'
});

/** A directory that all others are in; there is no `node_modules` above it. */
class Workshop {
  /**
   * Packs the package and that of the addon, and installs them under its own
   * name and as `ws`.
   *
   * @return {Promise<Workshop>} a workshop, to be closed
   */
  static async open() {
    const workshop = new Workshop();

    try {
      await workshop.#pack();
      await Promise.all(
        ['ferrows', 'ws'].map((name) => workshop.#install(name))
      );
    } catch (err) {
      workshop.close();
      throw err;
    }
    return workshop;
  }

  #root = fs.realpathSync(
    fs.mkdtempSync(path.join(os.tmpdir(), 'ferrows-bundlers-'))
  );
  #tarballs;
  #count = 0;

  /** Removes everything. */
  close() {
    fs.rmSync(this.#root, { recursive: true, force: true });
  }

  /**
   * Makes a project that has the package and all bundlers.
   *
   * @param {string} [name='ferrows'] the name that the package is installed by
   * @return {Project} the project
   */
  createProject(name = 'ferrows') {
    const project = new Project(path.join(this.#root, `${this.#count++}`));
    const modules = path.join(project.directory, 'node_modules');

    fs.cpSync(path.join(this.#root, name), project.directory, {
      recursive: true
    });
    for (const tool of [...fs.readdirSync(TOOLS), '.bin']) {
      const link = path.join(modules, tool);

      if (tool.startsWith('.') && tool !== '.bin') continue;
      if (!fs.existsSync(link)) fs.symlinkSync(path.join(TOOLS, tool), link);
    }
    return project;
  }

  /** Makes the tarballs. */
  async #pack() {
    const beside = path.join(this.#root, ADDON);

    fs.cpSync(path.join(ROOT, 'npm', PLATFORM), beside, { recursive: true });
    fs.copyFileSync(
      path.join(ROOT, addonName()),
      path.join(beside, addonName())
    );

    const { stdout } = await run('npm', ['pack', '--json', ROOT, beside], {
      cwd: this.#root
    });

    this.#tarballs = JSON.parse(stdout).map(({ filename }) => filename);
  }

  /**
   * Installs the package from the tarballs, without a registry.
   *
   * @param {string} name the name that it gets
   */
  async #install(name) {
    const [main, addon] = this.#tarballs;
    const cwd = path.join(this.#root, name);

    fs.mkdirSync(cwd);
    fs.writeFileSync(path.join(cwd, 'package.json'), '{ "private": true }');
    await run(
      'npm',
      ['install', '--no-audit', `${name}@file:../${main}`, `file:../${addon}`],
      { cwd }
    );
  }
}

/** A program that uses the package, to be bundled. */
class Project {
  /** @param {string} directory where it is */
  constructor(directory) {
    this.directory = directory;
  }

  /**
   * Writes files.
   *
   * @param {Object<string, string>} files their contents by their names
   */
  write(files) {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.directory, name);

      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, content);
    }
  }

  /**
   * Writes the program as `server.js` and `server.mjs`.
   *
   * @param {string} name what it calls the package
   */
  writeProgram(name) {
    this.write({
      'server.js': PROGRAM.replace(HEAD, `const $1 = require('${name}');`),
      'server.mjs': PROGRAM.replace(HEAD, `import $1 from '${name}';`)
    });
  }

  /**
   * Writes the program as a package, and a `server.js` that loads it.
   *
   * @param {string} name what it calls ferrows
   */
  writePackage(name) {
    this.write({
      'server.js': "require('program');",
      'node_modules/program/index.js': PROGRAM.replace(
        HEAD,
        `const $1 = require('${name}');`
      )
    });
  }

  /**
   * Bundles the program.
   *
   * @param {string} commands what a user types
   * @throws {Error} if that fails, or warns of anything
   */
  async bundle(commands) {
    const { stdout, stderr } = await run('sh', ['-e', '-c', commands], {
      cwd: this.directory
    });

    assert.doesNotMatch(stdout + stderr, /warn/i);
  }

  /**
   * Moves what is in `dist` to where nothing else is, and removes the project.
   *
   * @param {string[]} packages what of `node_modules` goes along
   * @return {Shipment} what is there
   */
  ship(packages) {
    const directory = `${this.directory}-shipped`;
    const from = (name) => path.join(this.directory, 'node_modules', name);
    const to = (name) => path.join(directory, 'node_modules', name);

    fs.renameSync(path.join(this.directory, 'dist'), directory);
    for (const name of packages) {
      fs.mkdirSync(path.dirname(to(name)), { recursive: true });
      fs.renameSync(from(name), to(name));
    }
    fs.rmSync(this.directory, { recursive: true });
    return new Shipment(directory);
  }
}

/** What is brought to a server. */
class Shipment {
  /** @param {string} directory where it is */
  constructor(directory) {
    this.directory = directory;
  }

  /** @return {string[]} the bundles of the program */
  get servers() {
    return fs
      .readdirSync(this.directory)
      .filter((file) => /^server\.m?js$/.test(file));
  }

  /**
   * Runs a file.
   *
   * @param {string} file its name
   * @return {Promise<string>} what it prints
   */
  async run(file) {
    const { stdout } = await run(process.execPath, [file], {
      cwd: this.directory
    });

    return stdout;
  }
}

/**
 * Runs a command to its end.
 *
 * @param {string} command the program
 * @param {string[]} args its arguments
 * @param {Object} options options of `execFile`
 * @return {Promise<{stdout: string, stderr: string}>} what it printed
 */
const run = (command, args, options) =>
  promisify(execFile)(command, args, {
    env: ENV,
    timeout: TIMEOUT,
    ...options
  });

module.exports = { ADDON, Workshop };
