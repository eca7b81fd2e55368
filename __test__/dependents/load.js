'use strict';

// Loads packages of the `node_modules` beside this file, wherever it is copied.

module.exports = {
  require,

  /**
   * Loads an ES module, or what `import` makes of a CommonJS one.
   *
   * @param {string} name how a program names it
   * @return {Promise<Object>} its namespace
   */
  import: (name) => import(name)
};
