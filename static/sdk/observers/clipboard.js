/** Copy, cut and paste: how much and into what, never the text itself. */

import { ViewObserver } from './view.js';

/** @type {Record<string, Sdk.EventKey>} */
const KEYS = { copy: 'copied', cut: 'cut', paste: 'pasted' };

export class ClipboardObserver extends ViewObserver {
  /** @param {ClipboardEvent} event */
  #seen = (event) => {
    // What scripts dispatch is nobody's act.
    if (!event.isTrusted) return;
    const target = /** @type {any} */ (event.target);
    const pasted = event.type === 'paste' ? event.clipboardData : null;
    // Fields keep their selection to themselves in some browsers.
    const selected = Math.abs((target?.selectionEnd ?? 0) - (target?.selectionStart ?? 0)) || String(this.view.getSelection() ?? '').length;
    const characters = event.type === 'paste' ? (pasted?.getData('text/plain').length ?? 0) : selected;
    this.report(KEYS[event.type], { target: target?.localName ?? '', characters, ...(pasted?.files.length && { files: pasted.files.length }) });
  };

  /** @override */
  handlers = { copy: this.#seen, cut: this.#seen, paste: this.#seen };
}
