'use strict';

// What becomes of what comes in with permessage-deflate when the connection
// ends, or is paused.

const { deflateEverywhere } = require('../deflate-stage');
const { closeBody, OP } = require('../../support/frames');

/**
 * Leaves out of the log in which state the WebSocket was: it ends at any time.
 *
 * @param {DeflateStage} stage the stage
 */
function forgetStates(stage) {
  stage.log.ws = stage.log.ws.map((line) => line.replace(/ \[\d\]$/, ''));
}

module.exports = {
  stages: deflateEverywhere,

  async 'a close frame behind messages'(stage) {
    await stage.open();
    stage.tell('a');
    stage.say(stage.compressed('b'.repeat(50000), OP.BINARY));
    stage.tell('c');
    stage.bye(1000, 'bye');
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'a close frame within a message'(stage) {
    await stage.open();
    const [first, second] = stage.fragmented(['a', 'b']);
    stage.say(first, [OP.CLOSE, closeBody(1000)], second);
    await stage.ended();
    stage.peer.end();
    await stage.closed();
  },

  async 'the peer ends behind messages'(stage) {
    await stage.open();
    stage.tell('a');
    stage.say(stage.compressed('b'.repeat(50000), OP.BINARY));
    stage.tell('c', 'd');
    stage.say(stage.fragmented(['lost', 'lost'])[0]);
    stage.peer.end();
    await stage.closed();
    forgetStates(stage);
  },

  async 'messages and a frame that is not complete'(stage) {
    await stage.open();
    stage.tell('a', 'b');
    const bytes = stage.encode(stage.compressed('lost'));
    stage.peer.end(bytes.subarray(0, -2));
    await stage.closed();
    forgetStates(stage);
  },

  async 'pause and resume'(stage) {
    await stage.open();
    stage.ws.pause();
    stage.tell('a', 'b');
    await stage.idle();
    stage.note(`paused ${stage.ws.isPaused}`);
    stage.ws.resume();
    stage.note(`paused ${stage.ws.isPaused}`);
    await stage.logged(/^message/, 2);
    await stage.goodbye();
  },

  async 'pause in a message'(stage) {
    await stage.open();
    stage.ws.once('message', () => {
      stage.ws.pause();
      stage.note(`paused ${stage.ws.isPaused}`);
    });
    stage.tell('a', 'b', 'c');
    // What has come already is told, all the same.
    await stage.logged(/^message/, 3);
    stage.tell('d');
    await stage.idle();
    stage.note('resume');
    stage.ws.resume();
    await stage.logged(/^message/, 4);
    await stage.goodbye();
  },

  async 'close in a message'(stage) {
    await stage.open();
    stage.ws.once('message', () => stage.ws.close(1000));
    stage.tell('a', 'b', 'c');
    await stage.logged(/^message/, 3);
    await stage.framesCame(1);
    await stage.goodbye();
  },

  async 'terminate in a message'(stage) {
    await stage.open();
    stage.ws.once('message', () => stage.ws.terminate());
    stage.tell('a', 'b', 'c');
    await stage.closed();
    await stage.idle();
  },

  async 'terminate while a message is inflated'(stage) {
    await stage.open();
    stage.ws.on('ping', () => stage.ws.terminate());
    stage.say([OP.PING, 'a'], stage.compressed('b'), stage.compressed('c'));
    await stage.closed();
    await stage.idle();
  }
};
