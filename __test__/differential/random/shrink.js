'use strict';

const { isFair } = require('./frames');

/**
 * Makes a program smaller as long as it still shows what it showed.
 *
 * @param {Object} program see `generate()`
 * @param {function(Object): Promise<boolean>} shows whether a program does
 * @return {Promise<Object>} the smallest one found
 */
async function shrink(program, shows) {
  for (;;) {
    const smaller = await firstThat(candidates(program), shows);
    if (smaller === undefined) return program;
    program = smaller;
  }
}

module.exports = shrink;

/**
 * @param {Iterable<Object>} programs programs to try
 * @param {function(Object): Promise<boolean>} shows what to look for
 * @return {Promise<(Object|undefined)>} the first program that does
 */
async function firstThat(programs, shows) {
  for (const program of programs) {
    if (isFair(program) && (await shows(program))) return program;
  }
}

/**
 * Programs with a little less in them: large parts first.
 *
 * @param {*} value a program, or a part of one
 * @param {string} [key] its name
 * @yield {*} values to put in its place
 */
function* candidates(value, key) {
  if (Array.isArray(value)) {
    yield* without(value, key);
  } else if (typeof value === 'object' && value !== null) {
    yield* simpler(value, key);
  } else {
    yield* plainer(value, key);
  }
}

/**
 * @param {Array} list a list of a program
 * @param {string} key its name
 * @yield {Array} the list with fewer elements, or with smaller ones
 */
function* without(list, key) {
  // There is always a side, and what is given to a method has its place.
  const fixed = key === 'sides' || key === 'args';
  if (!fixed) {
    for (let size = list.length; size > 0; size >>= 1) {
      for (let at = 0; at + size <= list.length; at += size) {
        yield [...list.slice(0, at), ...list.slice(at + size)];
      }
    }
  }
  for (let i = 0; i < list.length; i++) {
    for (const smaller of candidates(list[i], key)) {
      yield list.map((element, j) => (j === i ? smaller : element));
    }
  }
}

/** Members that can be left out. */
const OPTIONAL = ['head', 'tail', 'mask', 'binary', 'compress', 'fin', 'rsv'];

/**
 * @param {Object} object an object of a program
 * @param {string} [parent] its name
 * @yield {Object} the object with fewer members, or with smaller ones
 */
function* simpler(object, parent) {
  for (const [name, value] of Object.entries(object)) {
    const isText = typeof object[name] !== 'object';
    if (parent === 'options' || (isText && OPTIONAL.includes(name))) {
      const { [name]: left, ...rest } = object;
      if (left !== undefined) yield rest;
    }
    for (const smaller of candidates(value, name)) {
      yield { ...object, [name]: smaller };
    }
  }
}

/** What members are when they are of no interest. */
const PLAIN = {
  repeat: 1,
  then: 'now',
  keep: 0,
  packet: 1e9,
  binaryType: 'nodebuffer',
  text: 'a',
  type: 'string',
  closeTimeout: 30e3,
  times: 1,
  from: 1
};

/** Members that are false when they are of no interest. */
const FLAGS = [
  'cb',
  'lazy',
  'attributes',
  'measure',
  'watchSocket',
  'autoPong'
];

/**
 * @param {*} value something plain in a program
 * @param {string} key its name
 * @yield {*} a simpler value
 */
function* plainer(value, key) {
  if (FLAGS.includes(key) && value) yield false;
  if (Object.hasOwn(PLAIN, key) && value !== PLAIN[key]) {
    yield PLAIN[key];
    // Each step down must be one: otherwise there would be no end.
    if (key === 'then' && typeof value === 'number') yield 'turn';
  }
}
