'use strict';

/**
 * The header fields of the user on the way along redirects: remembers for whom
 * they were meant and takes the secrets out of them where they would reach
 * somebody else.
 */
class RedirectHeaders {
  #origin;
  #fields = {};

  /**
   * @param {import('./url').Target} origin the first address
   * @param {Object} [headers] the user's header fields
   */
  constructor(origin, headers) {
    this.#origin = origin;

    for (const [name, value] of Object.entries(headers || {})) {
      this.#fields[name.toLowerCase()] = value;
    }
  }

  /**
   * The fields to send, with lower-case names.
   *
   * @type {Object}
   */
  get fields() {
    return this.#fields;
  }

  /**
   * Keeps credentials for the requests that follow, unless there are some.
   *
   * @param {string} auth the credentials, `name:password`
   */
  rememberAuth(auth) {
    this.#fields.authorization ||= `Basic ${Buffer.from(auth).toString('base64')}`;
  }

  /**
   * Drops, for this request and all later ones, what was meant for the first
   * server and must not be shown to another one or in clear text.
   *
   * @param {import('./url').Target} target where the next request goes
   * @return {boolean} true if credentials may be sent to it
   */
  restrictTo(target) {
    const origin = this.#origin;
    const isSameSite =
      target.isUnix === origin.isUnix && target.site === origin.site;

    if (isSameSite && (target.isSecure || !origin.isSecure)) return true;

    delete this.#fields.authorization;
    delete this.#fields.cookie;
    if (!isSameSite) delete this.#fields.host;

    return false;
  }
}

module.exports = { RedirectHeaders };
