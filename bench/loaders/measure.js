'use strict';

/**
 * Loads a package, and prints what that took, all threads included.
 *
 * @param {Function} load loads it; nothing but this file has been loaded before
 */
module.exports = (load) => {
  const before = process.cpuUsage();
  const start = process.hrtime.bigint();

  load();

  const nanos = Number(process.hrtime.bigint() - start);
  const { system, user } = process.cpuUsage(before);

  console.log(
    JSON.stringify({ cpuMicros: system + user, micros: nanos / 1e3 })
  );
};
