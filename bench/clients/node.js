'use strict';

// The clients under test, for every package that has the API of `ws`.

const drive = require('./drive');

/**
 * Runs clients as the command line says.
 *
 * @param {Object} implementation a package with the API of `ws`
 */
function run({ WebSocket }) {
  drive((url, ready) => {
    const ws = new WebSocket(url, { perMessageDeflate: false });

    ws.on('open', ready);
    ws.on('message', (data, isBinary) => {
      ws.send(data, { binary: isBinary });
    });
    return ws;
  });
}

module.exports = run;
