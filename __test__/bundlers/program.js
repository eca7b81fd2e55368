'use strict';

// What gets bundled: a server and a client. Ten messages are enough for a
// connection to go over to the addon. `project.js` makes an ES module of this
// by putting `import` in the place of `require`.

const { WebSocket, WebSocketServer } = require('ferrows');

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });

server.on('connection', (peer) => {
  peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
});

server.on('listening', () => {
  const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  let text = '';

  ws.on('open', () => ws.send(text));
  ws.on('message', (data) => {
    text = `${data}.`;
    if (text.length < 10) {
      ws.send(text);
      return;
    }

    // Looking up the names of open sockets' peers would take time.
    process.report.excludeNetwork = true;
    const { sharedObjects } = process.report.getReport();

    console.log(
      JSON.stringify({
        text,
        transport: ws.transport,
        addons: sharedObjects.filter((file) => file.endsWith('.node'))
      })
    );
    ws.close();
  });
  ws.on('close', () => server.close());
});
