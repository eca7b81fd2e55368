'use strict';

// The negotiation of permessage-deflate (RFC 7692, section 7.1): what a client
// offers, and what either side makes of what the other one says.

const MIN_WINDOW_BITS = 8;
const MAX_WINDOW_BITS = 15;

/**
 * The parameters of an offer or an answer by name, each with one value: `true`,
 * or a number of bits.
 *
 * @typedef {Object<string, (boolean|number)>} Params
 */

/** What each parameter may be; gives its value, undefined for a bad one. */
const VALUES = {
  client_max_window_bits: (value, isServer) =>
    value === true && isServer ? true : windowBits(value),
  client_no_context_takeover: flag,
  server_max_window_bits: windowBits,
  server_no_context_takeover: flag
};

/**
 * @param {(string|boolean)} value what the peer sent
 * @return {(boolean|undefined)}
 */
function flag(value) {
  return value === true ? true : undefined;
}

/**
 * @param {(string|boolean)} value what the peer sent
 * @return {(number|undefined)}
 */
function windowBits(value) {
  const bits = Number(value);
  const valid =
    Number.isInteger(bits) &&
    bits >= MIN_WINDOW_BITS &&
    bits <= MAX_WINDOW_BITS;
  return valid ? bits : undefined;
}

/**
 * Makes an offer.
 *
 * @param {Object} options those of `PerMessageDeflate`
 * @return {Params}
 */
function makeOffer(options) {
  const params = {};
  if (options.serverNoContextTakeover) params.server_no_context_takeover = true;
  if (options.clientNoContextTakeover) params.client_no_context_takeover = true;
  if (options.serverMaxWindowBits) {
    params.server_max_window_bits = options.serverMaxWindowBits;
  }
  const own = options.clientMaxWindowBits;
  if (own) params.client_max_window_bits = own;
  else if (own === undefined || own === null) {
    params.client_max_window_bits = true;
  }
  return params;
}

/**
 * Replaces the lists of values, as they are parsed, by values.
 *
 * @param {Object[]} list parameters with lists of values; changed
 * @param {boolean} isServer whether they are offers
 * @return {Params[]} the list
 * @throws {Error} for an unknown or a repeated parameter
 * @throws {TypeError} for an invalid value
 */
function normalize(list, isServer) {
  list.forEach((params) => {
    for (const name of Object.keys(params)) {
      params[name] = onlyValue(name, params[name], isServer);
    }
  });
  return list;
}

/**
 * @param {string} name a parameter
 * @param {Array<(string|boolean)>} values its values
 * @param {boolean} isServer whether it is offered
 * @return {(boolean|number)} the value
 * @throws {(Error|TypeError)} as `normalize()`
 */
function onlyValue(name, values, isServer) {
  if (values.length > 1) {
    throw new Error(`Parameter "${name}" must have only a single value`);
  }
  if (!Object.hasOwn(VALUES, name)) {
    throw new Error(`Unknown parameter "${name}"`);
  }
  const value = VALUES[name](values[0], isServer);
  if (value === undefined) {
    throw new TypeError(`Invalid value for parameter "${name}": ${values[0]}`);
  }
  return value;
}

/**
 * Chooses the first offer that a server can accept, and completes it.
 *
 * @param {Params[]} offers what the client would like, best first
 * @param {Object} options those of `PerMessageDeflate`
 * @return {Params} the answer
 * @throws {Error} if there is none
 */
function acceptOffer(offers, options) {
  const accepted = offers.find((offer) => isAcceptable(offer, options));
  if (accepted === undefined) {
    throw new Error('None of the extension offers can be accepted');
  }

  if (options.serverNoContextTakeover) {
    accepted.server_no_context_takeover = true;
  }
  if (options.clientNoContextTakeover) {
    accepted.client_no_context_takeover = true;
  }
  if (typeof options.serverMaxWindowBits === 'number') {
    accepted.server_max_window_bits = options.serverMaxWindowBits;
  }
  if (typeof options.clientMaxWindowBits === 'number') {
    accepted.client_max_window_bits = options.clientMaxWindowBits;
  } else if (
    accepted.client_max_window_bits === true ||
    options.clientMaxWindowBits === false
  ) {
    delete accepted.client_max_window_bits;
  }
  return accepted;
}

/**
 * Tells whether a server may accept an offer.
 *
 * @param {Params} offer the offer
 * @param {Object} options those of `PerMessageDeflate`
 * @return {boolean}
 */
function isAcceptable(offer, options) {
  const { serverMaxWindowBits: ours, clientMaxWindowBits: theirs } = options;
  const wanted = offer.server_max_window_bits;
  const possible = offer.client_max_window_bits;

  if (
    options.serverNoContextTakeover === false &&
    offer.server_no_context_takeover
  ) {
    return false;
  }
  if (
    wanted &&
    (ours === false || (typeof ours === 'number' && ours > wanted))
  ) {
    return false;
  }
  return (
    typeof theirs !== 'number' ||
    possible === true ||
    (possible !== undefined && possible >= theirs)
  );
}

/**
 * Checks the answer of a server.
 *
 * @param {Params} answer the answer; completed
 * @param {Object} options those of `PerMessageDeflate`
 * @return {Params} the answer
 * @throws {Error} if it does not fit what was offered
 */
function acceptAnswer(answer, options) {
  const own = options.clientMaxWindowBits;
  const chosen = answer.client_max_window_bits;

  if (
    options.clientNoContextTakeover === false &&
    answer.client_no_context_takeover
  ) {
    throw new Error('Unexpected parameter "client_no_context_takeover"');
  }
  if (chosen === undefined) {
    if (typeof own === 'number') answer.client_max_window_bits = own;
  } else if (own === false || (typeof own === 'number' && chosen > own)) {
    throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
  }
  return answer;
}

module.exports = { acceptAnswer, acceptOffer, makeOffer, normalize };
