'use strict';

// The npm package `ws`, at its best: with `bufferutil`.

const { mask } = require('bufferutil');

if (!String(mask).includes('[native code]')) {
  throw new Error('bufferutil runs without its addon: reinstall it');
}

module.exports = require('ws');
