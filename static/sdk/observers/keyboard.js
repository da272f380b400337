/** Keys that take pictures or open what lies behind the page (shortcuts.js says which); a guess, since many never reach a page. */

import { shortcutOf } from './shortcuts.js';
import { ViewObserver } from './view.js';

export class KeyboardObserver extends ViewObserver {
  /** @param {KeyboardEvent} event */
  #seen = (event) => {
    const found = event.isTrusted && shortcutOf(event);
    if (!found) return;
    if (found.seen === 'printScreen') return this.report('printScreen');
    // The page's own handlers come after us; a page that has a use of its own for Ctrl+S may have it.
    setTimeout(() => {
      const prevented = event.defaultPrevented;
      if (!prevented || found.action !== 'save page') this.report('shortcut', { action: found.action, prevented });
    });
  };

  /** @override */
  handlers = { keydown: this.#seen, keyup: this.#seen };
}
