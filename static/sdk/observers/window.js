/** Size, place and zoom of the window, and what opens inside it; geometry.js concludes. There is no event for a move, so we look. */

import { isFullscreen } from './fullscreen.js';
import { Geometry } from './geometry.js';

const LOOK_MS = 1000;

export class WindowObserver {
  #report;
  #facts;
  #geometry = new Geometry();
  #timer = 0;

  /** @param {Sdk.Report} report @param {Sdk.Facts} facts */
  constructor(report, facts) {
    this.#report = report;
    this.#facts = facts;
  }

  start() {
    this.#timer ||= setInterval(this.#look, LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #look = () => {
    // Minimised windows report whatever they like.
    if (document.visibilityState !== 'visible' || outerWidth === 0) return;
    const [ratio, full] = [devicePixelRatio, isFullscreen()];
    const found = this.#geometry.look({ outer: [outerWidth, outerHeight], inner: [innerWidth, innerHeight], at: [screenX, screenY], ratio, full });
    for (const [key, data] of found) {
      // On phones the page shrinks for the keyboard.
      if (key.startsWith('tools') && matchMedia('(pointer: coarse)').matches) continue;
      // What was open already when an earlier page of the exam looked is no news.
      if (data.at_start && !this.#facts.changed('tools', true, false)) continue;
      this.#report(key, data);
    }
  };
}
