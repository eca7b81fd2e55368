'use strict';

const succeeds = require('./succeeds');

succeeds(
  'flood.js',
  { seconds: 1 },
  'a flood waits for a thread that sleeps, and nothing of it is lost'
);
