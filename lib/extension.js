'use strict';

const { unexpected } = require('./header-syntax');
const { parseExtensions } = require('./native');

/**
 * Parses the value of a `Sec-WebSocket-Extensions` header (RFC 6455, section
 * 9.1).
 *
 * The names come from the peer, so no object of the result has a prototype.
 *
 * @param {string} header the header's value
 * @return {Object<string, Object<string, Array<(string|boolean)>>[]>} for each
 *     extension its offers in order, each with the values of its parameters;
 *     a parameter without a value counts as `true`
 * @throws {SyntaxError} if the value does not follow the grammar
 */
function parse(header) {
  const parsed = parseExtensions(header);
  if (typeof parsed === 'number') throw unexpected(parsed);

  const offers = Object.create(null);
  for (const [name, parameters] of parsed) {
    append(offers, name, groupByName(parameters));
  }
  return offers;
}

/**
 * Builds the value of a `Sec-WebSocket-Extensions` header.
 *
 * @param {object} extensions for each extension one object of parameters or an
 *     array of them, most wanted first; for each parameter one value or an
 *     array of them, `true` standing for a parameter without a value
 * @return {string} the header's value
 */
function format(extensions) {
  return Object.entries(extensions)
    .flatMap(([name, offers]) =>
      [offers].flat().map((offer) => formatOffer(name, offer))
    )
    .join(', ');
}

/**
 * Formats one offer of an extension.
 *
 * @param {string} name the extension's name
 * @param {object} offer its parameters
 * @return {string} `name; parameter; parameter=value`
 */
function formatOffer(name, offer) {
  const parameters = Object.entries(offer).flatMap(([key, values]) =>
    [values].flat().map((value) => (value === true ? key : `${key}=${value}`))
  );
  return [name, ...parameters].join('; ');
}

/**
 * Gathers the values of each parameter.
 *
 * @param {Array<[string, (string|boolean)]>} parameters in order of appearance
 * @return {Object<string, Array<(string|boolean)>>} the values by name
 */
function groupByName(parameters) {
  const values = Object.create(null);
  for (const [name, value] of parameters) append(values, name, value);
  return values;
}

/**
 * Adds a value to the list that an object without a prototype has for a name.
 *
 * @param {object} lists the lists by name
 * @param {string} name any string, `__proto__` included
 * @param {*} value what to add
 */
function append(lists, name, value) {
  if (lists[name] === undefined) lists[name] = [value];
  else lists[name].push(value);
}

module.exports = { format, parse };
