'use strict';

const { AsyncResource } = require('node:async_hooks');

const native = require('../native');

/**
 * The job of inflating a payload of an inbox, whose events then come in the
 * asynchronous context of the first one.
 */
class Inflation extends AsyncResource {
  /** @param {Inbox} inbox the inbox */
  constructor(inbox) {
    super('FERROWS_INFLATE', { requireManualDestroy: true });
    this.inbox = inbox;
    this.bytes = 0;
    this.isLight = false;
    this.batch = null;
  }

  /** @param {number} id its id for the addon */
  start(id) {
    native.startInflate(this.inbox._decoder, id);
  }

  /** @param {Error} [err] why it could not be done */
  done(err) {
    this.runInAsyncScope(this.inbox._inflated, this.inbox, err);
  }
}

module.exports = Inflation;
