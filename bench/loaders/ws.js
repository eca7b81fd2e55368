'use strict';

// The npm package `ws`, which loads `bufferutil` unless the environment says
// otherwise.

require('./measure')(() => require('ws'));
