/**
 * The page is in the foreground of its window, or not: another tab, minimised, screen locked.
 * A page that is being left for the next one becomes hidden, too, after `pagehide`: nobody did anything wrong then.
 * https://html.spec.whatwg.org/multipage/document-lifecycle.html#unloading-documents
 */

export class VisibilityObserver {
  #report;
  #leaving = false;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    document.addEventListener('visibilitychange', this.#changed);
    addEventListener('pagehide', this.#left);
    addEventListener('pageshow', this.#shown);
  }

  stop() {
    document.removeEventListener('visibilitychange', this.#changed);
    removeEventListener('pagehide', this.#left);
    removeEventListener('pageshow', this.#shown);
  }

  #left = () => {
    this.#leaving = true;
  };

  #shown = () => {
    this.#leaving = false;
  };

  #changed = () => {
    if (!this.#leaving) this.#report(document.visibilityState === 'visible' ? 'pageVisible' : 'pageHidden');
  };
}
