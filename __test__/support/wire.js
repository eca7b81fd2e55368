'use strict';

const { Duplex } = require('node:stream');

/** One end of a stream in memory; what is written comes out of the other. */
class Wire extends Duplex {
  /** @return {Wire[]} two ends */
  static pair() {
    const ends = [new Wire(), new Wire()];
    [ends[0].other, ends[1].other] = [ends[1], ends[0]];
    return ends;
  }

  _read() {}

  _write(chunk, encoding, done) {
    setImmediate(() => {
      if (!this.other.destroyed) this.other.push(chunk);
      done();
    });
  }

  _final(done) {
    if (!this.other.destroyed) this.other.push(null);
    done();
  }
}

module.exports = Wire;
