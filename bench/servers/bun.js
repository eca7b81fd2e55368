'use strict';

// `Bun.serve`, run by Bun itself, with the same contract as node.js beside it.

/* global Bun */

const topic = 'all';

const [, , mode, compression] = process.argv;

/** Bun compresses only the messages that it is asked to. */
const compress = compression !== undefined;

/** The option `perMessageDeflate` for each way to compress. */
const compressions = {
  takeover: { compress: 'dedicated', decompress: 'dedicated' },
  none: { compress: 'shared', decompress: 'shared' }
};

/** The handlers of each mode. */
const modes = {
  echo: {
    message(ws, data) {
      ws.send(data, compress);
    }
  },

  broadcast: {
    open(ws) {
      ws.subscribe(topic);
    },
    message(ws, data) {
      ws.publish(topic, data, compress);
    }
  }
};

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, self) {
    if (self.upgrade(request)) return undefined;
    return new Response('Upgrade Required\n', { status: 426 });
  },
  websocket: {
    perMessageDeflate: compressions[compression] ?? false,
    idleTimeout: 0,
    ...modes[mode]
  }
});

process.stdout.write(`${server.port}\n`);
process.on('SIGUSR2', () => Bun.gc(true));
process.stdin.resume().on('end', () => process.exit());
