/** What is dragged and dropped, and whether it came from this page: how much, never the text itself. */

import { ViewObserver } from './view.js';

export class DragObserver extends ViewObserver {
  #own = false;

  /** @override */
  handlers = {
    dragstart: (/** @type {DragEvent} */ event) => {
      if (!event.isTrusted) return;
      this.#own = true;
      this.report('dragStarted', amount(event));
    },
    drop: (/** @type {DragEvent} */ event) => {
      if (event.isTrusted) this.report(this.#own ? 'dropped' : 'droppedFromOutside', amount(event));
    },
    dragend: () => {
      this.#own = false;
    },
  };
}

/** @param {DragEvent} event */
function amount({ target, dataTransfer }) {
  const { localName = 'text' } = /** @type {any} */ (target ?? {});
  return { target: localName, characters: dataTransfer?.getData('text/plain').length ?? 0, files: dataTransfer?.files.length ?? 0 };
}
