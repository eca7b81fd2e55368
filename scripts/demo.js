'use strict';

// `npm run demo`: builds what is missing, then serves the demo until Ctrl-C.

const setup = require('./setup');

setup.command(() => {
  setup.ensureToolchain();
  setup.ensureAddon();
  require('../demo/server').main();
});
