'use strict';

// Which connections move from `loop` to `tokio`, and back, where the user
// leaves that to us.
//
// `loop` costs the least, so connections begin there. It is only when this
// thread has hardly any time left, and other processors are there, that those
// with much to carry are worth moving: an I/O thread then unmasks, validates,
// copies and writes for them. They come back when they carry little. What makes
// a connection move is far from what makes it come back, so that none goes to
// and fro.

const os = require('node:os');
const { performance } = require('node:perf_hooks');

const loop = require('./loop');
const tokio = require('./tokio');

/** Milliseconds between two looks. */
const INTERVAL = 1000;

/** The share of its time that this thread is busy when connections move. */
const BUSY = 0.85;

/** Bytes a second, in both directions, of a connection that is worth moving. */
const MUCH = 16 * 1024 * 1024;

/** Bytes a second of a connection that comes back. */
const LITTLE = 1024 * 1024;

/** Connections that move at one look: the effect is to be seen first. */
const MAX_MOVES = 4;

/** Connections that are looked at; with more, none carries much. */
const MAX_WATCHED = 256;

class Auto {
  /** @param {number} processors how many this process may use */
  constructor(processors) {
    this._isPossible = processors > 1;
    /** @type {Map<NativeTransport, number>} what each had carried */
    this._carried = new Map();
    this._since = performance.now();
    this._utilization = performance.eventLoopUtilization();
  }

  /**
   * Looks at what there is to move, every now and then. Deliveries call it.
   *
   * @param {number} now the time in milliseconds
   */
  look(now) {
    if (!this._isPossible || now - this._since < INTERVAL) return;
    const seconds = (now - this._since) / 1000;
    this._since = now;
    const before = this._utilization;
    this._utilization = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(
      this._utilization,
      before
    );
    this._move(utilization > BUSY, seconds);
  }

  /**
   * Moves connections.
   *
   * @param {boolean} isBusy whether this thread has no time left
   * @param {number} seconds how much time has passed since the last look
   */
  _move(isBusy, seconds) {
    const carried = new Map();
    const away = [];
    for (const io of [loop, tokio]) {
      for (const transport of io.connections(MAX_WATCHED)) {
        if (!transport.isMovable) continue;
        const bytes = transport.bytesRead + transport.bytesWritten;
        carried.set(transport, bytes);
        const last = this._carried.get(transport);
        if (last === undefined) continue;
        const rate = (bytes - last) / seconds;
        if (io === tokio && rate < LITTLE) transport.moveTo(loop);
        else if (io === loop && isBusy && rate > MUCH)
          away.push({ transport, rate });
      }
    }
    away.sort((a, b) => b.rate - a.rate);
    for (const { transport } of away.slice(0, MAX_MOVES)) {
      transport.moveTo(tokio);
    }
    this._carried = carried;
  }
}

/** How many processors this process may use. */
const processors = os.availableParallelism?.() ?? os.cpus().length;

module.exports = { Auto, auto: new Auto(processors) };
