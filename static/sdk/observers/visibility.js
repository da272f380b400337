/** The page is in the foreground of its window, or not: another tab, minimised, screen locked. */

export class VisibilityObserver {
  #report;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    document.addEventListener('visibilitychange', this.#changed);
  }

  stop() {
    document.removeEventListener('visibilitychange', this.#changed);
  }

  #changed = () => this.#report(document.visibilityState === 'visible' ? 'pageVisible' : 'pageHidden');
}
