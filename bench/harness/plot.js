'use strict';

// A report as a picture: horizontal bars, a group for each workload and in it a
// bar for each peer, as long as the CPU time of an operation is in comparison
// with that of `ws`. It is SVG, the same for the same report, and fits a light
// or a dark page. The axis begins at zero and is linear, so that half a bar is
// half the work; the figures stand beside the bars for those that are short.

const statistics = require('./statistics');
const { at, classOf, escape, line, style, wrap, write } = require('./svg');

/** What it is about. */
const TITLE =
  'CPU time for each message, compared with ws: shorter is less work';

/** The sizes of the picture, in its own units: pixels unless it is scaled. */
const WIDTH = 900;
const MARGIN = 20;
const BAR = 14;
const BAR_STEP = 17;
const GROUP_GAP = 13;
const LINE = 18;

/** Room for the figures beside the longest bar. */
const FIGURES = 130;

/** Width of a character: of the names, which are monospaced, and of the rest. */
const MONO = 7.3;
const CHARACTER = 6.2;

/** At most so many spaces between the lines of the axis. */
const MAX_STEPS = 8;

/**
 * Finds what is drawn.
 *
 * @param {Object} report the report
 * @return {Object[]} for each workload its `name` and its `bars`, for each peer
 *     that has one `peer` and the ratio's `median`, `min` and `max`
 * @throws {Error} if there is nothing to draw
 */
function findGroups({ results }) {
  const groups = new Map();

  for (const { workload, peer, ratios } of results) {
    if (!Number.isFinite(ratios?.cpuMicros?.median)) continue;
    if (!groups.has(workload)) groups.set(workload, []);
    groups.get(workload).push({ peer, ...ratios.cpuMicros });
  }
  if (groups.size === 0) throw new Error('no CPU time is compared with ws');
  return [...groups].map(([name, bars]) => ({ name, bars }));
}

/**
 * Chooses the lines of the axis.
 *
 * @param {number} max the largest value
 * @return {number[]} round numbers from 0 to one that is not below it
 */
function ticks(max) {
  const size = 10 ** Math.floor(Math.log10(max / MAX_STEPS));
  const step = [1, 2, 2.5, 5, 10]
    .map((factor) => factor * size)
    .find((candidate) => max / candidate <= MAX_STEPS);

  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step);
}

/**
 * Writes a ratio, with two digits or, if it is small, three behind the point.
 *
 * @param {number} value the ratio
 * @return {string} the text
 */
function ratio(value) {
  return value.toFixed(value < 0.1 ? 3 : 2);
}

/**
 * Draws a bar, the spread of its rounds, and its figures.
 *
 * @param {Object} bar what {@link findGroups} has found
 * @param {string} workload the workload's name
 * @param {number} y its upper edge
 * @param {Function} scale gives the place of a value
 * @return {string[]} the elements
 */
function drawBar({ peer, median, min, max }, workload, y, scale) {
  const middle = y + BAR / 2;
  const isSingle = min === max;
  const bounds = isSingle ? '' : ` (${ratio(min)}–${ratio(max)})`;
  const figures = `${ratio(median)}${bounds}`;
  const ends = [min, max].map(scale);
  const whisker = [
    line('spread', [ends[0], middle], [ends[1], middle]),
    ...ends.map((x) => line('spread', [x, middle - 3], [x, middle + 3]))
  ];

  return [
    `<rect class="${classOf(peer)}" x="${at(scale(0))}" y="${at(y)}" ` +
      `width="${at(scale(median) - scale(0))}" height="${BAR}">` +
      `<title>${escape(`${workload}, ${peer}: ${figures}`)}</title></rect>`,
    ...(isSingle ? [] : whisker),
    write(scale(max) + 6, middle + 4, figures, 'text figures')
  ];
}

/**
 * Draws all bars and the names of the workloads.
 *
 * @param {Object[]} groups what {@link findGroups} has found
 * @param {number} top where they begin
 * @param {Function} scale gives the place of a value
 * @return {Object} the elements as `parts`, and their `bottom`
 */
function drawGroups(groups, top, scale) {
  const parts = [];
  let y = top + GROUP_GAP / 2;

  for (const { name, bars } of groups) {
    const middle = y + (bars.length * BAR_STEP) / 2;

    parts.push(write(scale(0) - 10, middle + 3, name, 'text name'));
    for (const bar of bars) {
      parts.push(...drawBar(bar, name, y, scale));
      y += BAR_STEP;
    }
    y += GROUP_GAP;
  }
  return { parts, bottom: y - GROUP_GAP / 2 };
}

/**
 * Draws the axis, with a line for `ws`.
 *
 * @param {number[]} marks where its lines are
 * @param {number} top where those begin
 * @param {number} bottom where they end
 * @param {Function} scale gives the place of a value
 * @return {string[]} the elements
 */
function drawAxis(marks, top, bottom, scale) {
  const upright = (kind, value) =>
    line(kind, [scale(value), top], [scale(value), bottom]);
  const title =
    'CPU time of the process for each message, delivery or connection, ' +
    'as a ratio to ws (ws = 1.0)';

  return [
    ...marks.flatMap((mark) => [
      upright('grid', mark),
      write(scale(mark), bottom + LINE - 3, markText(mark), 'soft middle')
    ]),
    upright('base', 1),
    write(WIDTH / 2, bottom + 2 * LINE, title, 'text middle')
  ];
}

/**
 * Writes the number beside a line of the axis.
 *
 * @param {number} mark the number, which may have been rounded
 * @return {string} the text
 */
function markText(mark) {
  return String(Number(mark.toFixed(6)));
}

/**
 * Draws what the colours mean, in one line.
 *
 * @param {string[]} peers the peers
 * @param {number} y the base line
 * @return {string} the elements
 */
function legend(peers, y) {
  let x = MARGIN;

  return peers
    .map((peer) => {
      const left = x;

      x += 16 + CHARACTER * peer.length + 24;
      return (
        `<rect class="${classOf(peer)}" x="${at(left)}" y="${at(y - 10)}" ` +
        `width="11" height="11"/>\n${write(left + 16, y, peer)}`
      );
    })
    .join('\n');
}

/**
 * Says how far the rounds lie apart.
 *
 * @param {Object[]} groups what is drawn
 * @param {number} rounds how many there were
 * @return {string} a sentence
 */
function describeSpread(groups, rounds) {
  const spreads = groups
    .flatMap(({ bars }) => bars)
    .filter(({ peer }) => peer !== 'ws')
    .map(({ median, min, max }) => (max - min) / median);
  const percent = (share) => `${Math.round(100 * share)} %`;

  if (rounds === 1) return 'One round, so that there is no spread.';
  if (spreads.length === 0) return `${rounds} rounds.`;
  return (
    `Bars are medians of ${rounds} rounds; lines and brackets go from the ` +
    'smallest to the largest ratio of a round. That spread is ' +
    `${percent(statistics.median(spreads))} of a bar (median), and ` +
    `${percent(Math.max(...spreads))} at most.`
  );
}

/**
 * Says where the figures come from.
 *
 * @param {Object} report the report
 * @param {Object[]} groups what is drawn
 * @return {string[]} sentences
 */
function caption({ date, machine, peers, repeat, seconds, smoke }, groups) {
  const drawn = new Set(groups.flatMap(({ bars }) => bars.map((b) => b.peer)));
  // The transports of ferrows have one version.
  const versions = Object.entries(peers)
    .filter(([name]) => drawn.has(name))
    .map(([name, version]) => `${name.split(':')[0]} ${version}`);
  const pinned = machine.pinned
    ? 'one core for the peer, one for the load'
    : 'not pinned to cores';

  return [
    `${machine.cpu}, ${machine.cores} cores (${pinned}), ${machine.system}, ` +
      `Node.js ${machine.node}; ${[...new Set(versions)].join(', ')}.`,
    describeSpread(groups, repeat),
    `Measured on ${date.slice(0, 10)}, ${seconds} s for each run.` +
      `${smoke ? ' A trial run: the figures mean little.' : ''}`
  ];
}

/**
 * Draws a report.
 *
 * @param {Object} report the report, as `--json` writes it
 * @return {string} the SVG
 * @throws {Error} if there is nothing to draw
 */
function plot(report) {
  const groups = findGroups(report);
  const bars = groups.flatMap((group) => group.bars);
  const peers = [...new Set(bars.map(({ peer }) => peer))];
  const marks = ticks(Math.max(1, ...bars.map(({ max }) => max)));
  const names = Math.max(...groups.map(({ name }) => name.length));
  const left = 2 * MARGIN + MONO * names;
  const unit = (WIDTH - MARGIN - FIGURES - left) / marks[marks.length - 1];
  const scale = (value) => left + unit * value;
  const top = MARGIN + 3 * LINE;
  const { parts, bottom } = drawGroups(groups, top, scale);
  const length = Math.floor((WIDTH - 2 * MARGIN) / CHARACTER);
  const notes = caption(report, groups).flatMap((text) => wrap(text, length));
  const height = at(bottom + (notes.length + 3) * LINE + MARGIN);

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ` +
      `${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${TITLE}</title>`,
    style(peers),
    '<rect class="page" width="100%" height="100%"/>',
    write(MARGIN, MARGIN + 12, TITLE, 'text title'),
    legend(peers, MARGIN + 2 * LINE),
    ...drawAxis(marks, top, bottom, scale),
    ...parts,
    ...notes.map((note, index) =>
      write(MARGIN, bottom + (index + 3.5) * LINE, note, 'soft')
    ),
    '</svg>'
  ].join('\n')}\n`;
}

module.exports = plot;
