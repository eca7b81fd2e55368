'use strict';

// The parts of a picture in SVG, and its colours on a light and a dark page.

/** The colours of each peer, on a light page and on a dark one. */
const COLOURS = new Map([
  ['ferrows', ['#c2410c', '#f97316']],
  ['ferrows:stream', ['#a16207', '#facc15']],
  ['ferrows:loop', ['#6d28d9', '#a78bfa']],
  ['ferrows:tokio', ['#0f766e', '#2dd4bf']],
  ['ws', ['#6b7280', '#9ca3af']],
  ['bun', ['#be185d', '#f472b6']]
]);

/** Those of any other one. */
const OTHER = ['#1d4ed8', '#60a5fa'];

/** The colours of everything else: its class, on a light page, on a dark one. */
const INKS = [
  ['page', 'fill', '#ffffff', '#0d1117'],
  ['text', 'fill', '#1f2328', '#e6edf3'],
  ['soft', 'fill', '#59636e', '#9198a1'],
  ['grid', 'stroke', '#d1d9e0', '#30363d'],
  ['base', 'stroke', '#59636e', '#9198a1'],
  ['spread', 'stroke', '#1f2328', '#e6edf3'],
  // lines do not run through figures
  ['figures', 'stroke', '#ffffff', '#0d1117']
];

/**
 * Makes text harmless in XML.
 *
 * @param {string} text the text
 * @return {string} the same, escaped
 */
function escape(text) {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/**
 * Writes a coordinate.
 *
 * @param {number} value the coordinate
 * @return {string} the number with at most one digit behind the point
 */
function at(value) {
  return String(Math.round(10 * value) / 10);
}

/**
 * Draws a line of text.
 *
 * @param {number} x where it begins, is centred, or ends
 * @param {number} y its base line
 * @param {string} text the text
 * @param {string} [classes] its classes
 * @return {string} the element
 */
function write(x, y, text, classes = 'text') {
  const place = `x="${at(x)}" y="${at(y)}"`;

  return `<text class="${classes}" ${place}>${escape(text)}</text>`;
}

/**
 * Draws a line.
 *
 * @param {string} kind its class
 * @param {number[]} from where it begins
 * @param {number[]} to where it ends
 * @return {string} the element
 */
function line(kind, [x1, y1], [x2, y2]) {
  return (
    `<line class="${kind}" x1="${at(x1)}" y1="${at(y1)}" ` +
    `x2="${at(x2)}" y2="${at(y2)}"/>`
  );
}

/**
 * Breaks text into lines.
 *
 * @param {string} text the text
 * @param {number} length characters of a line, at most
 * @return {string[]} the lines
 */
function wrap(text, length) {
  const lines = [''];

  for (const word of text.split(' ')) {
    const last = lines.pop();

    if (last === '') lines.push(word);
    else if (last.length + 1 + word.length > length) lines.push(last, word);
    else lines.push(`${last} ${word}`);
  }
  return lines;
}

/**
 * Names the class of a peer's bars.
 *
 * @param {string} peer the peer
 * @return {string} the class
 */
function classOf(peer) {
  return `peer-${peer.replace(/[^\w-]/g, '-')}`;
}

/**
 * Writes the style sheet.
 *
 * @param {string[]} peers the peers
 * @return {string} the element
 */
function style(peers) {
  const colours = peers.map((peer) => [
    classOf(peer),
    'fill',
    ...(COLOURS.get(peer) ?? OTHER)
  ]);
  const rules = (index) =>
    [...INKS, ...colours]
      .map((ink) => `.${ink[0]}{${ink[1]}:${ink[index]}}`)
      .join('\n');

  return `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
.title{font-size:16px;font-weight:600}
.name{font-family:ui-monospace,Menlo,Consolas,monospace;text-anchor:end}
.figures{font-size:11px;stroke-width:4px;paint-order:stroke}
.middle{text-anchor:middle}
.base{stroke-width:1.5}
${rules(2)}
@media (prefers-color-scheme:dark){
${rules(3)}
}
</style>`;
}

module.exports = { at, classOf, escape, line, style, wrap, write };
