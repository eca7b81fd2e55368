'use strict';

// Performs scenarios, and prints what happened as JSON: `node perform.js
// [NAME]...`, with the names of files in `scenarios`, or all of them. The
// package is that of `support/ferrows`. A process of its own, because what
// nobody catches belongs to the log.
//
// A file of scenarios may say where they are performed, with `stages`: a
// function by the place's name that is given the package and makes the stage.
// Else they are performed everywhere (see `stage.js`).

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const tested = require('../support/ferrows');
const { everywhere } = require('./stage');

const FOLDER = path.join(__dirname, 'scenarios');

/** Milliseconds that a scenario may take. */
const LIMIT = 10e3;

/** Fails when the time for a scenario is over. */
async function tooLate() {
  await sleep(LIMIT, undefined, { ref: false });
  throw new Error('the scenario has not come to its end');
}

/**
 * Performs scenarios.
 *
 * @param {string[]} names the names of their files
 * @return {Promise<Object>} the logs by file, scenario and stage
 */
async function perform(names) {
  const logs = {};
  let stage;
  process.on('uncaughtException', (err) =>
    stage.note(`uncaught ${err.message}`)
  );

  for (const name of names) {
    const { stages = everywhere, ...scenarios } = require(
      path.join(FOLDER, name)
    );
    for (const [title, play] of Object.entries(scenarios)) {
      for (const [place, make] of Object.entries(stages)) {
        stage = make(tested);
        try {
          await Promise.race([play(stage), tooLate()]).finally(() =>
            stage.leave()
          );
        } catch (err) {
          stage.note(`*** ${err.stack} ***`);
        }
        logs[`${name}: ${title}, ${place}`] = stage.log.result();
      }
    }
  }
  return logs;
}

const all = fs.readdirSync(FOLDER).map((file) => path.basename(file, '.js'));
const named = process.argv.slice(2);

perform(named.length > 0 ? named : all.sort()).then((logs) => {
  process.stdout.write(JSON.stringify(logs), () => process.exit());
});
