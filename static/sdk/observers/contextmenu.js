/** The browser's own menu was opened. A page that shows one of its own, or forbids it, has prevented that. */

export class ContextMenuObserver {
  #report;
  #view;

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.#report = report;
    this.#view = view;
  }

  start() {
    this.#view.document.addEventListener('contextmenu', this.#seen, true);
  }

  stop() {
    this.#view.document.removeEventListener('contextmenu', this.#seen, true);
  }

  /** @param {Event} event */
  #seen = (event) => {
    const { localName = '' } = /** @type {any} */ (event.target ?? {});
    // The page's own handlers come after us.
    setTimeout(() => !event.isTrusted || event.defaultPrevented || this.#report('contextMenu', { target: localName }));
  };
}
