'use strict';

// The npm package `ws`, at its best.

require('./node')(require('../harness/ws-with-bufferutil'));
