'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { lib } = require('./support/ferrows');

const Limiter = lib('limiter');

describe('Limiter', () => {
  it('runs a job at once', () => {
    const limiter = new Limiter(1);
    let ran = false;

    limiter.add(() => {
      ran = true;
    });

    assert.strictEqual(ran, true);
    assert.strictEqual(limiter.pending, 1);
    assert.deepStrictEqual(limiter.jobs, []);
  });

  it('lets jobs wait while as many as allowed are running', () => {
    const limiter = new Limiter(2);
    const started = [];
    const finish = [];

    for (const name of ['a', 'b', 'c', 'd']) {
      limiter.add((done) => {
        started.push(name);
        finish.push(done);
      });
    }

    assert.deepStrictEqual(started, ['a', 'b']);
    assert.strictEqual(limiter.pending, 2);
    assert.strictEqual(limiter.jobs.length, 2);

    finish[1]();
    assert.deepStrictEqual(started, ['a', 'b', 'c']);
    assert.strictEqual(limiter.pending, 2);
    assert.strictEqual(limiter.jobs.length, 1);

    finish[0]();
    finish[2]();
    finish[3]();
    assert.deepStrictEqual(started, ['a', 'b', 'c', 'd']);
    assert.strictEqual(limiter.pending, 0);
    assert.strictEqual(limiter.jobs.length, 0);
  });

  it('runs jobs that are done before they return', () => {
    const limiter = new Limiter(1);
    const started = [];
    let finish;

    limiter.add((done) => {
      finish = done;
    });
    for (const name of ['a', 'b', 'c']) {
      limiter.add((done) => {
        started.push(name);
        done();
      });
    }
    finish();

    assert.deepStrictEqual(started, ['a', 'b', 'c']);
    assert.strictEqual(limiter.pending, 0);
  });

  it('has no limit by default, nor with a concurrency of 0', () => {
    for (const limiter of [new Limiter(), new Limiter(0)]) {
      assert.strictEqual(limiter.concurrency, Infinity);

      for (let i = 0; i < 100; i++) limiter.add(() => {});

      assert.strictEqual(limiter.pending, 100);
    }
  });
});
