'use strict';

// The registry's process: is told its configuration, tells its port, and ends
// when whoever started it does.

const { runServer } = require('verdaccio');

process.on('disconnect', () => process.exit());

process.once('message', async (configuration) => {
  const server = await runServer(configuration);

  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});
