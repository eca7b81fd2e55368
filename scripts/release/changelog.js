'use strict';

// CHANGELOG.md, as far as a release reads and writes it: a section for each
// version, under a heading with the day of the release.

/** The heading of a section: `## 1.2.3 (2026-01-31)`. */
const HEADING = /^## (\S+) \(([^)]*)\)$/gm;

/** What the heading says in the place of the day before there is one. */
const UNRELEASED = 'unreleased';

/**
 * Takes a changelog apart.
 *
 * @param {string} text the file
 * @return {Object[]} a version, a date and a text for each section, newest first
 */
function sections(text) {
  const headings = [...text.matchAll(HEADING)];

  return headings.map(({ 0: heading, 1: version, 2: date, index }, i) => ({
    version,
    date,
    text: text.slice(index + heading.length, headings[i + 1]?.index).trim()
  }));
}

/**
 * Tells whether a text is a day of the calendar.
 *
 * @param {string} text the text
 * @return {boolean} true for the likes of `2026-01-31`
 */
function isDate(text) {
  const date = new Date(`${text}T00:00:00Z`);

  return (
    !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${text}T`)
  );
}

/**
 * Tells whether a section says anything, besides which headings it has.
 *
 * @param {string} text its text
 * @return {boolean} true when a line of it is no heading
 */
function saysSomething(text) {
  return text
    .split('\n')
    .some((line) => line.trim() !== '' && !line.startsWith('#'));
}

/**
 * Says what a changelog lacks before a version of it can be released.
 *
 * @param {string} text the file
 * @param {string} version the version
 * @return {Object} its section, if there is one, and the problems
 */
function judge(text, version) {
  const found = sections(text).filter((section) => section.version === version);
  const problems = [];

  if (found.length !== 1) {
    problems.push(`CHANGELOG.md has ${found.length} sections for ${version}`);
    return { section: null, problems };
  }

  const [section] = found;

  if (!isDate(section.date)) {
    problems.push(
      `CHANGELOG.md dates ${version} as "${section.date}", which is no day`
    );
  }
  if (!saysSomething(section.text)) {
    problems.push(`CHANGELOG.md says nothing about ${version}`);
  }
  return { section, problems };
}

/**
 * Gives the section that is still open its version and its day.
 *
 * @param {string} text the file
 * @param {string} version the version
 * @param {string} date the day
 * @return {string} the file's new text
 * @throws {Error} unless exactly one section is open
 */
function close(text, version, date) {
  const open = sections(text).filter((section) => section.date === UNRELEASED);

  if (open.length !== 1) {
    throw new Error(
      `CHANGELOG.md has ${open.length} sections that are ${UNRELEASED}`
    );
  }
  return text.replace(
    `## ${open[0].version} (${UNRELEASED})`,
    `## ${version} (${date})`
  );
}

module.exports = { close, judge };
