'use strict';

const net = require('node:net');

/**
 * Writes the chunks of a frame: two with one vectored write.
 *
 * @param {stream.Writable} socket the socket
 * @param {Array<(Buffer|string)>} list one chunk, or two
 * @param {function(Error=)} [cb] called when they were written, or failed
 */
function writeChunks(socket, list, cb) {
  if (list.length === 2) {
    socket.cork();
    socket.write(list[0]);
    socket.write(list[1], cb);
    socket.uncork();
  } else {
    socket.write(list[0], cb);
  }
}

/**
 * Writes the chunks of a frame to a socket, past methods of its own.
 *
 * @param {net.Socket} socket the socket
 * @param {Array<(Buffer|string)>} list one chunk, or two
 * @param {function(Error=)} [cb] called when they were written, or failed
 */
writeChunks.plainly = (socket, list, cb) => {
  const { cork, uncork, write } = net.Socket.prototype;
  if (list.length === 1) {
    write.call(socket, list[0], cb);
    return;
  }
  cork.call(socket);
  write.call(socket, list[0]);
  write.call(socket, list[1], cb);
  uncork.call(socket);
};

module.exports = writeChunks;
