'use strict';

// Ends that one side or the other asks for.

module.exports = {
  async 'close, and the peer answers'(stage) {
    await stage.open();
    stage.ws.close();
    stage.note(`state ${stage.ws.readyState}`);
    await stage.received(2);
    stage.bye();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    await stage.gone();
  },

  async 'close with a reason, and the peer gives another'(stage) {
    await stage.open();
    stage.ws.close(1001, 'going');
    await stage.received(9);
    stage.bye(3456, 'gone');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'close with bad arguments, then with good ones'(stage) {
    await stage.open();
    for (const args of [[1], ['x'], [1000, 'x'.repeat(124)], [1000, {}]]) {
      try {
        stage.ws.close(...args);
        stage.note('no exception');
      } catch (err) {
        stage.note(`${err.name} ${err.message}`);
      }
      stage.note(`state ${stage.ws.readyState}`);
    }
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'close twice, and send'(stage) {
    await stage.open();
    stage.ws.send('before', stage.noted('before'));
    stage.ws.close(1000, '', stage.noted('never'));
    stage.ws.close(1001);
    stage.ws.send('after', stage.noted('after'));
    stage.ws.ping('after', undefined, stage.noted('ping'));
    stage.ws.send('after');
    stage.note(`buffered ${stage.ws.bufferedAmount}`);
    process.nextTick(() => stage.note('next tick'));
    await stage.received(10);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    stage.ws.send('closed', stage.noted('closed'));
    stage.note(`buffered ${stage.ws.bufferedAmount}`);
    await stage.idle();
  },

  async 'the peer closes without a code'(stage) {
    await stage.open();
    stage.bye();
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the peer closes with a reason'(stage) {
    await stage.open();
    stage.bye(4000, 'why');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the peer closes and sends more'(stage) {
    await stage.open();
    stage.say([8, Buffer.from([3, 232])], [1, 'more'], [9, 'ping']);
    stage.text('even more');
    await stage.ended();
    stage.text('and more');
    stage.peer.end();
    await stage.closed();
  },

  async 'the peer closes and ends in one go'(stage) {
    await stage.open();
    stage.bye(1000, 'x');
    stage.peer.end();
    await stage.closed();
    await stage.gone();
  },

  async 'the peer closes and is gone'(stage) {
    await stage.open();
    stage.bye(1000, 'x');
    stage.peer.destroy();
    await stage.closed();
  },

  async 'the peer ends without a close frame'(stage) {
    await stage.open();
    stage.text('last');
    stage.peer.end();
    await stage.closed();
    await stage.gone();
  },

  async 'the peer ends within a frame'(stage) {
    await stage.open();
    stage.peer.end(stage.encode([1, 'whole'], [1, 'half']).subarray(0, -2));
    await stage.closed();
    await stage.gone();
  },

  async 'the peer is gone'(stage) {
    await stage.open();
    stage.peer.destroy();
    await stage.closed();
  },

  async 'the connection is reset'(stage) {
    await stage.open();
    if (stage.tcp) stage.peer.resetAndDestroy();
    else stage.ws._socket.destroy(new Error('reset'));
    await stage.closed();
    stage.ws.send('x', stage.noted('sent'));
    await stage.idle();
  },

  async terminate(stage) {
    await stage.open();
    stage.ws.terminate();
    stage.note(`state ${stage.ws.readyState}`);
    stage.ws.terminate();
    stage.ws.close();
    stage.ws.send('x', stage.noted('sent'));
    await stage.closed();
    stage.ws.terminate();
    stage.ws.close();
    await stage.ended();
  },

  async 'terminate after close'(stage) {
    await stage.open();
    stage.ws.close(1000);
    stage.ws.terminate();
    await stage.closed();
    await stage.ended();
  },

  async 'close, and terminate on the next tick'(stage) {
    await stage.open({}, [stage.encode([1, 'early'])]);
    await stage.logged(/early/);
    stage.ws.close(1000);
    process.nextTick(() => stage.ws.terminate());
    await stage.closed();
  },

  async 'close while the peer does not answer'(stage) {
    await stage.open({ closeTimeout: 50 });
    stage.ws.close(1000, 'now');
    await stage.closed();
    await stage.ended();
    stage.note(`clean ${stage.ws._closeFrameReceived}`);
  },

  async 'close while the peer just ends'(stage) {
    await stage.open();
    stage.ws.close(1000, 'now');
    await stage.received(7);
    stage.peer.end();
    await stage.closed();
    await stage.ended();
  },

  async 'close, and the peer sends until it answers'(stage) {
    await stage.open();
    stage.ws.close(1000);
    await stage.received(4);
    stage.say([1, 'a'], [9, 'b'], [10, 'c'], [2, 'd']);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'close in a message, with more in the chunk'(stage) {
    await stage.open();
    stage.ws.once('message', () => stage.ws.close(1000, 'enough'));
    stage.text('a', 'b', 'c');
    await stage.received(10);
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'terminate in a message, with more in the chunk'(stage) {
    await stage.open();
    stage.ws.once('message', () => stage.ws.terminate());
    stage.text('a', 'b', 'c');
    await stage.closed();
  },

  async 'terminate in a ping, with a close frame in the chunk'(stage) {
    await stage.open();
    stage.ws.once('ping', () => stage.ws.terminate());
    stage.say([9, 'x'], [1, 'y'], [8, Buffer.from([3, 232])]);
    await stage.closed();
  },

  async 'both close at once'(stage) {
    await stage.open();
    stage.bye(1001, 'peer');
    stage.ws.close(1002, 'us');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'close, send and terminate in the close event'(stage) {
    await stage.open();
    stage.ws.on('close', () => {
      stage.ws.close(1000);
      stage.ws.terminate();
      stage.ws.pause();
      stage.ws.resume();
      stage.note(`paused ${stage.ws.isPaused} ${stage.ws.readyState}`);
      stage.ws.send('x', stage.noted('sent'));
      stage.ws.pong('x', stage.noted('ponged'));
      stage.note(`buffered ${stage.ws.bufferedAmount}`);
    });
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.logged(/^ponged/);
  },

  async 'the socket closes before the WebSocket'(stage) {
    await stage.open();
    const { _socket: socket } = stage.ws;
    for (const name of ['end', 'close']) {
      socket.prependListener(name, () => stage.note(`first ${name}`));
      socket.on(name, () => stage.note(`then ${name}`));
    }
    stage.bye(1000);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a program ends the socket'(stage) {
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    stage.ws.send('b', stage.noted('b'));
    stage.ws._socket.end();
    stage.ws.send('c', stage.noted('c'));
    await stage.ended();
    stage.peer.end();
    await stage.closed();
    await stage.idle();
  },

  async 'a program destroys the socket'(stage) {
    await stage.open();
    stage.ws.send('a', stage.noted('a'));
    stage.ws._socket.destroy();
    stage.note(`state ${stage.ws.readyState}`);
    stage.ws.send('c', stage.noted('c'));
    await stage.closed();
    await stage.idle();
  },

  async 'a program destroys the socket with an error'(stage) {
    await stage.open();
    stage.ws._socket.destroy(new Error('on purpose'));
    await stage.closed();
  },

  async 'an exception in the close event'(stage) {
    await stage.open();
    stage.ws.once('close', () => {
      throw new Error('in close');
    });
    stage.ws.on('close', () => stage.note('not reached'));
    stage.bye(1000);
    stage.peer.end();
    await stage.logged(/uncaught/);
    stage.note(`state ${stage.ws.readyState}`);
  },

  async 'the events of the browser'(stage) {
    await stage.open();
    stage.ws.onclose = ({ code, reason, wasClean, type }) =>
      stage.note(`${type} ${code} ${reason} ${wasClean}`);
    stage.ws.onmessage = ({ data, type }) => stage.note(`${type} ${data}`);
    stage.ws.addEventListener('message', () => stage.note('once'), {
      once: true
    });
    stage.text('a', 'b');
    stage.bye(3000, 'x');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  }
};
