'use strict';

/**
 * The header fields of the user on the way along redirects: keeps what is
 * meant for the first server from others, and from being sent in clear text.
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
   * Keeps credentials for the requests that follow, unless there are some.
   *
   * @param {string} auth the credentials, `name:password`
   */
  rememberAuth(auth) {
    this.#fields.authorization ||= `Basic ${Buffer.from(auth).toString('base64')}`;
  }

  /**
   * All fields.
   *
   * @return {Object} the fields, with lower-case names
   */
  all() {
    return this.#fields;
  }

  /**
   * The fields for an address that is not trusted: without credentials and,
   * at another site, without `host`.
   *
   * @param {import('./url').Target} target the address
   * @return {Object} the fields, with lower-case names
   */
  harmless(target) {
    const fields = { ...this.#fields };

    delete fields.authorization;
    delete fields.cookie;
    if (!this.#isSameSite(target)) delete fields.host;

    return fields;
  }

  /**
   * Tells whether an address may get credentials: it must be at the site of
   * the first one, and secure if that one was.
   *
   * @param {import('./url').Target} target the address
   * @return {boolean} true if it may
   */
  isTrusted(target) {
    return (
      this.#isSameSite(target) && (target.isSecure || !this.#origin.isSecure)
    );
  }

  /**
   * Tells whether an address is at the site of the first one.
   *
   * @param {import('./url').Target} target the address
   * @return {boolean} true if it is
   */
  #isSameSite({ isUnix, site }) {
    return isUnix === this.#origin.isUnix && site === this.#origin.site;
  }
}

module.exports = { RedirectHeaders };
