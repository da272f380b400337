/** Full screen entered and left. A frame's full screen is its parent's too, so the top page sees all of it. */

export class FullscreenObserver {
  #report;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    document.addEventListener('fullscreenchange', this.#changed);
  }

  stop() {
    document.removeEventListener('fullscreenchange', this.#changed);
  }

  #changed = () => this.#report(document.fullscreenElement ? 'fullscreenEntered' : 'fullscreenLeft');
}
