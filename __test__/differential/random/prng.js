'use strict';

/**
 * Pseudorandom numbers that are the same everywhere: the xorshift generator of
 * 32 bits with the shifts 13, 17, 5 (George Marsaglia, "Xorshift RNGs", 2003).
 * The seed is spread over the state first, so that neighbours differ at once.
 */
class Random {
  /** @param {number} seed 32 bits; others are cut off */
  constructor(seed) {
    // The generator stays at 0 if it begins there.
    this._state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) || 1;
    for (let i = 0; i < 4; i++) this._next();
  }

  /**
   * @param {number} limit at most 2^32
   * @return {number} a whole number from 0 on, below the limit
   */
  below(limit) {
    return this._next() % limit;
  }

  /**
   * @param {number} low the lowest number
   * @param {number} high the highest number
   * @return {number} a whole number between them
   */
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  /**
   * @param {number} percent how often, of 100 times
   * @return {boolean}
   */
  chance(percent) {
    return this.below(100) < percent;
  }

  /**
   * @param {Array} list something to choose from
   * @return {*} one of its elements
   */
  pick(list) {
    return list[this.below(list.length)];
  }

  /**
   * @param {Object<string, number>} weights how often to choose each name
   * @return {string} one of the names
   */
  weighted(weights) {
    const entries = Object.entries(weights);
    let at = this.below(entries.reduce((sum, [, weight]) => sum + weight, 0));
    return entries.find(([, weight]) => (at -= weight) < 0)[0];
  }

  /** @return {number} the next number of 32 bits */
  _next() {
    let x = this._state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this._state = x;
    return x >>> 0;
  }
}

module.exports = Random;
