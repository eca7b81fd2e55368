'use strict';

// Performs all scenarios with one package, and prints what happened as JSON:
// `node perform.js ws|ferrows`. A process of its own, because what nobody
// catches belongs to the log.

const fs = require('node:fs');
const path = require('node:path');

const Stage = require('./stage');

const FOLDER = path.join(__dirname, 'scenarios');
const PACKAGES = { ws: 'ws', ferrows: '../..' };

/** Where each scenario is performed. */
const STAGES = {
  'server over TCP': { isServer: true, tcp: true },
  'client over TCP': { isServer: false, tcp: true },
  'server over a Duplex': { isServer: true, tcp: false },
  'client over a Duplex': { isServer: false, tcp: false }
};

/**
 * Performs all scenarios.
 *
 * @param {string} name the package
 * @return {Promise<Object>} the logs by scenario and stage
 */
async function perform(name) {
  const tested = require(PACKAGES[name]);
  const logs = {};
  let stage;
  process.on('uncaughtException', (err) =>
    stage.note(`uncaught ${err.message}`)
  );

  for (const file of fs.readdirSync(FOLDER).sort()) {
    const scenarios = require(path.join(FOLDER, file));
    for (const [title, play] of Object.entries(scenarios)) {
      for (const [place, options] of Object.entries(STAGES)) {
        stage = new Stage({ package: tested, ...options });
        try {
          await play(stage);
        } catch (err) {
          stage.note(`*** ${err.stack} ***`);
        }
        await stage.leave();
        logs[`${title}, ${place}`] = stage.log.result();
      }
    }
  }
  return logs;
}

perform(process.argv[2]).then((logs) => {
  process.stdout.write(JSON.stringify(logs), () => process.exit());
});
