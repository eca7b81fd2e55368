'use strict';

// A program's directory, with what a package manager installs there.

const fs = require('node:fs');
const path = require('node:path');

const CONVERSATION = fs.readFileSync(
  path.join(__dirname, 'programs', 'conversation.js'),
  'utf8'
);
const TYPES = fs.readFileSync(
  path.join(__dirname, 'programs', 'program.ts'),
  'utf8'
);

/** What both configurations of TypeScript have in common. */
const COMPILER = {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022'],
  types: ['node']
};

/** The packages that type checking needs, at the versions of the tests here. */
const COMPILERS = ['typescript', '@types/node'];

/** A project of one package manager. */
class Project {
  /**
   * @param {Home} home where it is
   * @param {string} registry the registry's address
   * @param {Manager} manager the package manager
   * @param {string} name its name
   */
  constructor(home, registry, manager, name) {
    this.home = home;
    this.registry = registry;
    this.manager = manager;
    this.name = `${name}-${manager.name.replace(/\W+/g, '-')}`.toLowerCase();
    this.directory = home.path(this.name);
  }

  /**
   * Writes its files.
   *
   * @param {Object} manifest parts of its package.json
   * @param {Object<string, (string|Object)>} [files] more files
   */
  write(manifest, files) {
    this.home.write(this.name, {
      'package.json': {
        name: this.name,
        version: '1.0.0',
        private: true,
        ...manifest
      },
      'conversation.js': CONVERSATION,
      ...this.manager.files(this.registry),
      ...files
    });
  }

  /**
   * Installs what its package.json asks for, or other packages besides.
   *
   * @param {string[]} [specs] those, as a command line names them
   * @param {string[]} [args] more arguments for the package manager
   * @return {Promise<string>} what that printed
   */
  install(specs = [], args = []) {
    return this.home.succeed(
      [...this.manager.install(this.home.root, specs), ...args],
      { cwd: this.directory }
    );
  }

  /** @return {string[]} the platforms' packages that are installed */
  platforms() {
    const found = new Set();

    for (const place of ['node_modules', 'node_modules/.pnpm']) {
      const directory = path.join(this.directory, place);

      if (!fs.existsSync(directory)) continue;
      for (const name of fs.readdirSync(directory)) {
        if (name.startsWith('ferrows-')) found.add(name.split('@')[0]);
      }
    }
    return [...found].sort();
  }

  /**
   * Writes a program and runs it.
   *
   * @param {string} file its name
   * @param {string} source what is in it
   * @param {Object} [options] for `Home#run()`
   * @return {Promise<Object>} how it ended
   */
  run(file, source, options) {
    fs.writeFileSync(path.join(this.directory, file), source);
    return this.home.run([...this.manager.node, file], {
      cwd: this.directory,
      ...options
    });
  }

  /**
   * Compiles programs that import a package, as Node and as bundlers resolve it.
   *
   * @param {string[]} names what the package is called
   */
  async compile(names) {
    const programs = names.flatMap((name) =>
      ['cts', 'mts'].map((kind) => [
        `${name}.${kind}`,
        TYPES.replace('NAME', name)
      ])
    );
    const include = programs.map(([file]) => file);

    this.home.write(this.name, {
      ...Object.fromEntries(programs),
      'tsc.js': "require('typescript/bin/tsc');\n",
      'node16.json': {
        compilerOptions: {
          ...COMPILER,
          module: 'node16',
          moduleResolution: 'node16'
        },
        include
      },
      'bundler.json': {
        compilerOptions: {
          ...COMPILER,
          module: 'preserve',
          moduleResolution: 'bundler'
        },
        include
      }
    });
    for (const configuration of ['node16.json', 'bundler.json']) {
      await this.home.succeed(
        [...this.manager.node, 'tsc.js', '--project', configuration],
        { cwd: this.directory }
      );
    }
  }
}

module.exports = { COMPILERS, Project };
