/** What is dragged and dropped, and whether it came from this page: how much, never the text itself. */

export class DragObserver {
  #report;
  #view;
  #own = false;

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.#report = report;
    this.#view = view;
  }

  start() {
    const { document } = this.#view;
    document.addEventListener('dragstart', this.#started, true);
    document.addEventListener('drop', this.#dropped, true);
    document.addEventListener('dragend', this.#ended, true);
  }

  stop() {
    const { document } = this.#view;
    document.removeEventListener('dragstart', this.#started, true);
    document.removeEventListener('drop', this.#dropped, true);
    document.removeEventListener('dragend', this.#ended, true);
  }

  /** @param {DragEvent} event */
  #started = (event) => {
    if (!event.isTrusted) return;
    this.#own = true;
    this.#report('dragStarted', amount(event));
  };

  /** @param {DragEvent} event */
  #dropped = (event) => {
    if (event.isTrusted) this.#report(this.#own ? 'dropped' : 'droppedFromOutside', amount(event));
  };

  #ended = () => {
    this.#own = false;
  };
}

/** @param {DragEvent} event */
function amount({ target, dataTransfer }) {
  const { localName = 'text' } = /** @type {any} */ (target ?? {});
  return { target: localName, characters: dataTransfer?.getData('text/plain').length ?? 0, files: dataTransfer?.files.length ?? 0 };
}
