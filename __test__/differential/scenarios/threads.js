'use strict';

// WebSockets in worker threads.

const inProcess = require('../in-process');
const { alone } = require('../plain-stage');

module.exports = {
  stages: alone,

  'a server in a thread': inProcess(({ tested, note, inWorker }) => {
    const worker = inWorker((thread) => {
      const { parentPort } = require('node:worker_threads');
      const { WebSocketServer } = thread.tested;
      const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () =>
        parentPort.postMessage(wss.address().port)
      );
      wss.on('connection', (ws) => {
        ws.on('message', (data, binary) => ws.send(data, { binary }));
        ws.on('close', () => wss.close());
      });
    });
    // Threads end at any time.
    worker.on('exit', (code) =>
      process.on('exit', () => note(`worker ${code}`))
    );
    worker.on('message', (port) => {
      const ws = new tested.WebSocket(`ws://127.0.0.1:${port}`);
      ws.on('open', () => ws.send('hello'));
      ws.on('message', (data) => {
        note(`got ${data}`);
        ws.close(4000);
      });
      ws.on('close', (code) => note(`close ${code}`));
    });
  }),

  'a server in a thread that is terminated': inProcess(
    ({ tested, note, inWorker }) => {
      const worker = inWorker((thread) => {
        const { parentPort } = require('node:worker_threads');
        const { WebSocketServer } = thread.tested;
        const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () =>
          parentPort.postMessage(wss.address().port)
        );
        wss.on('connection', (ws) => ws.send('hello'));
      });
      worker.on('exit', (code) =>
        process.on('exit', () => note(`worker ${code}`))
      );
      worker.on('message', (port) => {
        const ws = new tested.WebSocket(`ws://127.0.0.1:${port}`);
        ws.on('message', () => worker.terminate());
        ws.on('close', (code) => note(`close ${code}`));
      });
    }
  ),

  'a thread that exits right behind its sends': inProcess(
    ({ tested, note, inWorker }) => {
      const { WebSocketServer } = tested;
      const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => {
        const worker = inWorker((thread) => {
          const { parentPort } = require('node:worker_threads');
          parentPort.once('message', (port) => {
            const ws = new thread.tested.WebSocket(`ws://127.0.0.1:${port}`);
            ws.on('open', () => {
              for (const text of ['a', 'b', 'c']) ws.send(text);
              process.exit(4);
            });
          });
        });
        worker.postMessage(wss.address().port);
        worker.on('exit', (code) =>
          process.on('exit', () => note(`worker ${code}`))
        );
      });
      const told = [];
      wss.on('connection', (ws) => {
        ws.on('message', (data) => told.push(`${data}`));
        ws.on('close', (code) => wss.close(() => note(`${told} ${code}`)));
      });
    }
  ),

  'an exception in a thread': inProcess(({ note, inWorker }) => {
    const worker = inWorker((thread) => {
      new thread.tested.WebSocket('ws://127.0.0.1:1');
    });
    worker.on('error', (err) => note(`${err.name} ${err.code}`));
    worker.on('exit', (code) => note(`worker ${code}`));
  })
};
