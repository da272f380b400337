/** The browser's own menu was opened. A page that shows one of its own, or forbids it, has prevented that. */

import { ViewObserver } from './view.js';

export class ContextMenuObserver extends ViewObserver {
  /** @override */
  handlers = {
    contextmenu: (/** @type {Event} */ event) => {
      const { localName = '' } = /** @type {any} */ (event.target ?? {});
      // The page's own handlers come after us.
      setTimeout(() => !event.isTrusted || event.defaultPrevented || this.report('contextMenu', { target: localName }));
    },
  };
}
