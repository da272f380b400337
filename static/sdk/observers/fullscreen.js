/**
 * Full screen entered and left, by the page or by the browser's own key. A frame's full screen is its parent's too, so the top
 * page sees all of it.
 */

const FULL = '(display-mode: fullscreen)';

export class FullscreenObserver {
  #report;
  #full = false;
  #shown = matchMedia(FULL);

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    this.#full = isFullscreen();
    document.addEventListener('fullscreenchange', this.#look);
    this.#shown.addEventListener('change', this.#look);
  }

  stop() {
    document.removeEventListener('fullscreenchange', this.#look);
    this.#shown.removeEventListener('change', this.#look);
  }

  #look = () => {
    const full = isFullscreen();
    if (full === this.#full) return;
    this.#full = full;
    this.#report(full ? 'fullscreenEntered' : 'fullscreenLeft');
  };
}

export function isFullscreen() {
  return document.fullscreenElement !== null || matchMedia(FULL).matches;
}
