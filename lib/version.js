'use strict';

// In a file of its own rather than read from package.json, which not every
// bundler can load. `platforms.spec.js` holds the two together.

module.exports = '0.1.0';
