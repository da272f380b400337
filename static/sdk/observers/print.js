/** Printing, or saving as PDF: the dialog opens and closes; what became of it is not visible. */

export class PrintObserver {
  #report;
  #view;

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.#report = report;
    this.#view = view;
  }

  start() {
    this.#view.addEventListener('beforeprint', this.#before);
    this.#view.addEventListener('afterprint', this.#after);
  }

  stop() {
    this.#view.removeEventListener('beforeprint', this.#before);
    this.#view.removeEventListener('afterprint', this.#after);
  }

  #before = () => this.#report('printRequested');

  #after = () => this.#report('printFinished');
}
