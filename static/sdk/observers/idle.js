/** No keyboard, pointer or wheel for a while, and the return. `activity()` is for signs of life seen elsewhere (the frame). */

export const SIGNS_OF_LIFE = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart', 'scroll'];
const LOOK_MS = 1000;

export class IdleObserver {
  #report;
  #idleMs;
  #last = 0;
  #idle = false;
  #timer = 0;

  /**
   * @param {Sdk.Report} report
   * @param {number} idleMs
   */
  constructor(report, idleMs) {
    this.#report = report;
    this.#idleMs = idleMs;
  }

  start() {
    if (this.#timer) return;
    this.#last = performance.now();
    for (const type of SIGNS_OF_LIFE) document.addEventListener(type, this.activity, { capture: true, passive: true });
    this.#timer = setInterval(this.#look, LOOK_MS);
  }

  stop() {
    for (const type of SIGNS_OF_LIFE) document.removeEventListener(type, this.activity, { capture: true });
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  activity = () => {
    const now = performance.now();
    if (this.#idle) {
      this.#idle = false;
      this.#report('active', { idle_ms: Math.round(now - this.#last) });
    }
    this.#last = now;
  };

  #look = () => {
    if (this.#idle || performance.now() - this.#last < this.#idleMs) return;
    this.#idle = true;
    this.#report('idle', { after_ms: this.#idleMs });
  };
}
