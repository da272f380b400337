/** Copy, cut and paste: how much and into what, never the text itself. */

/** @type {Record<string, Sdk.EventKey>} */
const KEYS = { copy: 'copied', cut: 'cut', paste: 'pasted' };

export class ClipboardObserver {
  #report;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    for (const type of Object.keys(KEYS)) document.addEventListener(type, this.#seen, true);
  }

  stop() {
    for (const type of Object.keys(KEYS)) document.removeEventListener(type, this.#seen, true);
  }

  /** @param {Event} event */
  #seen = (event) => {
    const target = event.target instanceof Element ? event.target.tagName.toLowerCase() : '';
    const clipboard = /** @type {ClipboardEvent} */ (event).clipboardData;
    const characters = event.type === 'paste' ? (clipboard?.getData('text/plain').length ?? 0) : String(getSelection() ?? '').length;
    this.#report(KEYS[event.type], { target, characters });
  };
}
