/**
 * More than one display, where browsers tell without asking: Chromium.
 * https://www.w3.org/TR/window-management/#api-screen-isextended-attribute
 */

const LOOK_MS = 3000;

export class DisplayObserver {
  #report;
  #facts;
  #timer = 0;

  /** @param {Sdk.Report} report @param {Sdk.Facts} facts */
  constructor(report, facts) {
    this.#report = report;
    this.#facts = facts;
  }

  start() {
    if (this.#timer || typeof (/** @type {any} */ (screen).isExtended) !== 'boolean') return;
    /** @type {any} */ (screen).addEventListener?.('change', this.#look);
    // Not every version fires `change` without the permission to see the displays.
    this.#timer = setInterval(this.#look, LOOK_MS);
    this.#look();
  }

  stop() {
    /** @type {any} */ (screen).removeEventListener?.('change', this.#look);
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #look = () => {
    const extended = /** @type {any} */ (screen).isExtended;
    if (this.#facts.changed('displays', extended, false)) this.#report(extended ? 'secondDisplay' : 'oneDisplay');
  };
}
