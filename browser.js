'use strict';

/**
 * Stands in for the package where a bundler targets the browser.
 *
 * @throws {Error} always
 */
module.exports = function () {
  throw new Error(
    'ws does not work in the browser. Browser clients must use the native ' +
      'WebSocket object'
  );
};
