/**
 * What pages hand to the newer SDK, read field by field: only names that are asked for are looked at, so a key like `__proto__`
 * means nothing. Faults are collected; `check` throws them together.
 */

import { ProviewError } from '../errors.js';
import { checkText } from '../options.js';

export class Input {
  /** @type {{path: string, message: string, code: string}[]} */
  faults = [];
  #source;

  /**
   * @param {unknown} given an object, or nothing
   * @param {string} what its name in messages
   */
  constructor(given, what) {
    const usable = typeof given === 'object' && given !== null && !Array.isArray(given);
    if (!usable && given !== undefined && given !== null) this.fault(what, 'must be an object');
    this.#source = /** @type {Record<string, unknown>} */ (usable ? given : {});
  }

  /** @param {string} path @param {string} message */
  fault = (path, message, code = 'type') => {
    this.faults.push({ path, message, code });
  };

  /**
   * The first of the spellings that is there; '' where none is.
   * @param {string | string[]} names
   */
  text(names, most = 256) {
    const [path, value] = this.#find(names);
    return checkText(path, value, most, this.fault);
  }

  /**
   * A list of tags; null where none is given. One tag alone is a list of one.
   * @param {string[]} names
   * @returns {string[] | null}
   */
  tags(names) {
    const [path, value] = this.#find(names);
    if (value === undefined) return null;
    const list = typeof value === 'string' ? value.split(',') : value;
    if (Array.isArray(list) && list.length <= 200 && list.every((tag) => typeof tag === 'string' && tag.length <= 100)) return list;
    this.fault(path, 'must be a list of language tags');
    return null;
  }

  /**
   * @param {string} where the call, as it is named in the message
   * @param {string} [code]
   */
  check(where, code = 'options_invalid') {
    if (this.faults.length === 0) return;
    const words = this.faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new ProviewError(code, `${where}: ${words}.`, { validationErrors: this.faults });
  }

  /** @param {string | string[]} names @returns {[string, unknown]} */
  #find(names) {
    const list = typeof names === 'string' ? [names] : names;
    const name = list.find((one) => this.#source[one] !== undefined && this.#source[one] !== null);
    return [name ?? list[0], name === undefined ? undefined : this.#source[name]];
  }
}
