'use strict';

const succeeds = require('./succeeds');

succeeds(
  'lifecycle.js',
  { workers: 20, connections: 2000 },
  'connections and workers leave nothing behind'
);
