'use strict';

// The result for people: a Markdown table for each kind of workload.

/**
 * Writes a number with three significant digits or, if it is large, none
 * behind the point.
 *
 * @param {number} value the number
 * @return {string} the text
 */
function number(value) {
  if (value === undefined) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/**
 * Writes a share.
 *
 * @param {number} value the share of 1
 * @return {string} the text
 */
function percent(value) {
  return `${Math.round(100 * value)} %`;
}

/**
 * Writes how far the runs lie apart.
 *
 * @param {Object} figure `median`, `min` and `max`
 * @return {string} the distance in percent of the median
 */
function spread({ median, min, max }) {
  return percent((max - min) / Math.abs(median));
}

/**
 * Writes a ratio, and between which bounds it was in the single rounds.
 *
 * @param {Object} [figure] `median`, `min` and `max`
 * @return {string} the text
 */
function ratio(figure) {
  if (figure === undefined) return '-';

  const { median, min, max } = figure;
  const text = number(median);

  return min === max ? text : `${text} (${number(min)}-${number(max)})`;
}

/**
 * Writes in which directions messages may refer to earlier ones.
 *
 * @param {Object} summary the figures
 * @return {string} the text
 */
function context({ clientTakeover, serverTakeover }) {
  const ways = [
    ...(clientTakeover.median > 0 ? ['in'] : []),
    ...(serverTakeover.median > 0 ? ['out'] : [])
  ];

  return ways.join('+') || '-';
}

/**
 * The columns of each kind: a title, and the cell of a result.
 *
 * @type {Object<string, Array<[string, Function]>>}
 */
const columns = {
  load: [
    ['per second', ({ summary }) => number(summary.perSecond.median)],
    ['CPU µs', ({ summary }) => number(summary.cpuMicros.median)],
    ['spread', ({ summary }) => spread(summary.cpuMicros)],
    ['main thread µs', ({ summary }) => number(summary.mainCpuMicros.median)],
    ['p50 µs', ({ summary }) => number(summary.p50Micros.median)],
    ['p99 µs', ({ summary }) => number(summary.p99Micros.median)],
    ['p99.9 µs', ({ summary }) => number(summary.p999Micros.median)],
    ['max µs', ({ summary }) => number(summary.maxMicros.median)],
    ['load busy', ({ summary }) => number(summary.loadBusy.median)],
    ['CPU / ws', ({ ratios }) => ratio(ratios.cpuMicros)],
    ['main / ws', ({ ratios }) => ratio(ratios.mainCpuMicros)],
    ['rate / ws', ({ ratios }) => ratio(ratios.perSecond)]
  ],
  deflate: [
    ['per second', ({ summary }) => number(summary.perSecond.median)],
    ['CPU µs', ({ summary }) => number(summary.cpuMicros.median)],
    ['spread', ({ summary }) => spread(summary.cpuMicros)],
    ['main thread µs', ({ summary }) => number(summary.mainCpuMicros.median)],
    ['p50 µs', ({ summary }) => number(summary.p50Micros.median)],
    ['p99 µs', ({ summary }) => number(summary.p99Micros.median)],
    ['pause ms', ({ summary }) => number(summary.pauseMillis?.median)],
    ['reply bytes', ({ summary }) => number(summary.replyBytes.median)],
    ['plain', ({ summary }) => percent(summary.plainReplies.median)],
    ['context', ({ summary }) => context(summary)],
    [
      'resident MB',
      ({ summary }) => number(summary.residentBytes.median / 1e6)
    ],
    ['load busy', ({ summary }) => number(summary.loadBusy.median)],
    ['CPU / ws', ({ ratios }) => ratio(ratios.cpuMicros)],
    ['main / ws', ({ ratios }) => ratio(ratios.mainCpuMicros)],
    ['bytes / ws', ({ ratios }) => ratio(ratios.replyBytes)],
    ['rate / ws', ({ ratios }) => ratio(ratios.perSecond)]
  ],
  memory: [
    ['connections', ({ summary }) => number(summary.connections.median)],
    ['bytes each', ({ summary }) => number(summary.bytesPerConnection.median)],
    ['spread', ({ summary }) => spread(summary.bytesPerConnection)],
    ['bytes / ws', ({ ratios }) => ratio(ratios.bytesPerConnection)]
  ],
  loading: [
    ['processes', ({ summary }) => number(summary.processes.median)],
    ['CPU µs', ({ summary }) => number(summary.requireCpuMicros.median)],
    ['spread', ({ summary }) => spread(summary.requireCpuMicros)],
    ['real µs', ({ summary }) => number(summary.requireMicros.median)],
    ['CPU / ws', ({ ratios }) => ratio(ratios.requireCpuMicros)],
    ['real / ws', ({ ratios }) => ratio(ratios.requireMicros)]
  ]
};

/**
 * Aligns rows of cells: text to the left, numbers to the right.
 *
 * @param {string[][]} rows the rows, titles first
 * @return {string} the table
 */
function align(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  const pad = (cell, column) =>
    column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  const rule = widths.map((width, column) =>
    column < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`
  );
  const [head, ...body] = rows.map((row) => row.map(pad));

  return [head, rule, ...body]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

/**
 * Writes all results.
 *
 * @param {Object[]} results the results
 * @return {string} the tables
 */
function table(results) {
  const tables = [];

  for (const [kind, list] of Object.entries(columns)) {
    const rows = results
      .filter(({ workload }) => workload.kind === kind)
      .map((result) => [
        result.workload.name,
        result.peer.name,
        ...list.map(([, cell]) => cell(result))
      ]);

    if (rows.length === 0) continue;
    tables.push(
      align([['workload', 'peer', ...list.map(([title]) => title)], ...rows])
    );
  }
  return tables.join('\n\n');
}

module.exports = table;
