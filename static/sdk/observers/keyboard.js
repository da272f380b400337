/** Keys that take pictures or open what lies behind the page (shortcuts.js says which); a guess, since many never reach a page. */

import { shortcutOf } from './shortcuts.js';

export class KeyboardObserver {
  #report;
  #view;

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.#report = report;
    this.#view = view;
  }

  start() {
    for (const type of ['keydown', 'keyup']) this.#view.addEventListener(type, this.#seen, true);
  }

  stop() {
    for (const type of ['keydown', 'keyup']) this.#view.removeEventListener(type, this.#seen, true);
  }

  /** @param {Event} event */
  #seen = (event) => {
    const found = event.isTrusted && shortcutOf(/** @type {KeyboardEvent} */ (event));
    if (!found) return;
    if (found.seen === 'printScreen') return this.#report('printScreen');
    // The page's own handlers come after us; a page that has a use of its own for Ctrl+S may have it.
    setTimeout(() => {
      const prevented = event.defaultPrevented;
      if (!prevented || found.action !== 'save page') this.#report('shortcut', { action: found.action, prevented });
    });
  };
}
