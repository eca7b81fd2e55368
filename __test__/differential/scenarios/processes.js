'use strict';

// Whole processes: what keeps them, what ends them, and how.

const inProcess = require('../in-process');
const { alone } = require('../plain-stage');

module.exports = {
  stages: alone,

  'an open server keeps the process': inProcess(({ tested, note }) => {
    new tested.WebSocketServer({ port: 0 }, () => {
      note('listening');
      setTimeout(() => process.exit(3), 100).unref();
    });
  }),

  'a closed server does not': inProcess(({ tested, note }) => {
    const wss = new tested.WebSocketServer({ port: 0 }, () => {
      wss.close(() => note('closed'));
    });
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'nor does one that has no port': inProcess(({ tested, note }) => {
    const http = require('node:http');
    const wss = new tested.WebSocketServer({ noServer: true });
    const other = new tested.WebSocketServer({ server: http.createServer() });
    note(`${wss.clients.size} ${other.clients.size}`);
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'a server whose socket is not waited for': inProcess(({ tested, note }) => {
    const wss = new tested.WebSocketServer({ port: 0 }, () => {
      note('listening');
      wss._server.unref();
    });
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'an open connection keeps the process': inProcess(({ connect, note }) => {
    connect(({ wss }) => {
      wss.close(() => note('closed'));
      setTimeout(() => process.exit(3), 100).unref();
    });
  }),

  'connections that are not waited for': inProcess(({ connect, note }) => {
    connect(({ wss, client, peer }) => {
      wss.close(() => note('closed'));
      client.on('close', () => note('client closed'));
      client._socket.unref();
      peer._socket.unref();
      note('left');
    });
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'messages of a connection that is not waited for': inProcess(
    ({ connect, note }) => {
      connect(({ wss, client, peer }) => {
        wss.close();
        client._socket.unref();
        peer._socket.unref();
        client.on('message', (data) => note(`got ${data}`));
        peer.send('a');
        peer.send('b');
        setTimeout(() => note('over'), 100);
      });
    }
  ),

  'closed connections do not keep the process': inProcess(
    ({ connect, note }) => {
      connect(({ wss, client, peer }) => {
        // Which of two sockets closes first is the system's affair.
        const codes = [];
        client.on('close', (code) => codes.push(`client ${code}`));
        peer.on('close', (code) => codes.push(`peer ${code}`));
        wss.on('close', () => note('server'));
        wss.close();
        client.close(4000);
        process.on('exit', () => codes.sort().forEach(note));
      });
      setTimeout(() => process.exit(3), 5000).unref();
    }
  ),

  'terminated connections do not, either': inProcess(({ connect, note }) => {
    connect(({ wss, client, peer }) => {
      peer.on('close', (code) => note(`peer ${code}`));
      wss.close(() => note('server'));
      client.terminate();
    });
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'the timer of a close keeps the process': inProcess(({ connect, note }) => {
    connect(({ wss, client, peer }) => {
      wss.close();
      client._socket.unref();
      peer._socket.unref();
      peer.pause();
      client._closeTimeout = 100;
      client.on('close', (code) => note(`client ${code}`));
      client.close();
      note(`${client._closeTimer.hasRef()}`);
    });
    setTimeout(() => process.exit(3), 5000).unref();
  }),

  'a client that cannot connect, and nobody listens': inProcess(
    ({ tested }) => {
      new tested.WebSocket('ws://127.0.0.1:1');
    }
  ),

  'a client that cannot connect, and someone listens': inProcess(
    ({ tested, note }) => {
      const ws = new tested.WebSocket('ws://127.0.0.1:1');
      ws.on('error', (err) => note(`${err.code}`));
      ws.on('close', (code) => note(`close ${code}`));
    }
  ),

  'a client closed before it is open, and nobody listens': inProcess(
    ({ tested }) => {
      new tested.WebSocket('ws://127.0.0.1:1').close();
    }
  ),

  'broken input, and nobody listens': inProcess(({ connect, note }) => {
    connect(({ client, peer }) => {
      client.on('close', () => note('never'));
      peer._socket.write(Buffer.from([0x83, 0]));
    });
  }),

  'an answer that is no upgrade, and nobody listens': inProcess(
    ({ tested }) => {
      const http = require('node:http');
      const server = http.createServer((req, res) => res.end('no'));
      server.listen(0, '127.0.0.1', () => {
        new tested.WebSocket(`ws://127.0.0.1:${server.address().port}`);
      });
    }
  ),

  'a port that is taken, and nobody listens': inProcess(({ tested }) => {
    const net = require('node:net');
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      const wss = new tested.WebSocketServer({ host: '127.0.0.1', port });
      // The message has the port.
      wss.on('error', (err) => {
        throw new Error(err.code);
      });
    });
  }),

  'exit in a handler of messages': inProcess(({ connect, note }) => {
    connect(({ client, peer }) => {
      client.on('message', (data) => {
        note(`got ${data}`);
        if (`${data}` === 'b') process.exit(5);
      });
      for (const text of ['a', 'b', 'c']) peer.send(text);
    });
  }),

  'exit in the callback of a send': inProcess(({ connect, note }) => {
    connect(({ peer }) => {
      peer.send('a', () => {
        note('sent');
        process.exit(6);
      });
      peer.send('b', () => note('never'));
    });
  }),

  'the exit code that a handler of close sets': inProcess(
    ({ connect, note }) => {
      connect(({ wss, client }) => {
        client.on('close', () => (process.exitCode = 7));
        process.on('beforeExit', (code) => note(`before exit ${code}`));
        wss.close();
        client.close();
      });
    }
  ),

  'an exception in a handler of messages': inProcess(({ connect, note }) => {
    connect(({ client, peer }) => {
      client.on('message', (data) => {
        note(`got ${data}`);
        throw new TypeError('mine');
      });
      peer.send('a');
      peer.send('b');
    });
  }),

  'exceptions that are caught for the process': inProcess(
    ({ connect, note }) => {
      process.on('uncaughtException', (err, origin) => {
        note(`${err.message} ${origin}`);
        if (err.message === 'closed') process.exit(8);
      });
      connect(({ wss, client, peer }) => {
        wss.close();
        // Which of two sockets closes first is the system's affair.
        client.on('close', () => {
          throw new Error('closed');
        });
        peer.send('a', () => {
          client.close();
          throw new Error('sent');
        });
        throw new Error('open');
      });
    }
  ),

  'an exception in a handler of errors': inProcess(({ connect, note }) => {
    process.on('uncaughtException', (err) => {
      note(`caught ${err.message}`);
      process.exit(9);
    });
    connect(({ client, peer }) => {
      client.on('error', (err) => {
        throw new Error(`from ${err.code}`);
      });
      peer._socket.write(Buffer.from([0x83, 0]));
    });
  }),

  'a rejection in a handler': inProcess(({ connect }) => {
    connect(({ client, peer }) => {
      client.on('message', async () => {
        throw new Error('rejected');
      });
      peer.send('a');
    });
  }),

  'a rejection that is captured': inProcess(({ connect, note }) => {
    require('node:events').captureRejections = true;
    connect(({ client, peer }) => {
      client.on('message', async () => {
        throw new Error('rejected');
      });
      client.on('error', (err) => {
        note(`error ${err.message} [${client.readyState}]`);
        process.exit(0);
      });
      peer.send('a');
    });
  }),

  'an exception in a listener of an event target': inProcess(
    ({ connect, note }) => {
      connect(({ client, peer }) => {
        client.onmessage = ({ data }) => {
          note(`got ${data}`);
          throw new RangeError('mine');
        };
        peer.send('a');
      });
    }
  ),

  'the error of a stream that nobody hears': inProcess(
    ({ tested, connect }) => {
      connect(({ client, peer }) => {
        tested.createWebSocketStream(client).resume();
        peer._socket.write(Buffer.from([0x83, 0]));
      });
    }
  ),

  'a listener too many': inProcess(({ connect, note }) => {
    process.on('warning', (warning) => note(`${warning.name}`));
    connect(({ client }) => {
      for (let i = 0; i < 10; i++) client.on('message', () => {});
      setTimeout(() => note('not yet'), 20);
      setTimeout(() => client.on('message', () => {}), 40);
      setTimeout(() => process.exit(0), 80);
    });
  })
};
