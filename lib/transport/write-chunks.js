'use strict';

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

module.exports = writeChunks;
