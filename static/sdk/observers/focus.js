/**
 * Whether the exam has the keyboard. `document.hasFocus()` of the top page counts its frames in, while blur events do not:
 * moving into the exam's frame blurs the shell. So the events only ask for a look, and a slow poll catches the rest.
 */

const POLL_MS = 500;

export class FocusObserver {
  #report;
  #focused = true;
  #timer = 0;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    if (this.#timer) return;
    addEventListener('blur', this.#soon);
    addEventListener('focus', this.#look);
    this.#timer = setInterval(this.#look, POLL_MS);
  }

  stop() {
    removeEventListener('blur', this.#soon);
    removeEventListener('focus', this.#look);
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  // Within the blur event the focus is still on its way.
  #soon = () => setTimeout(this.#look, 50);

  #look = () => {
    const focused = document.hasFocus();
    if (focused === this.#focused) return;
    this.#focused = focused;
    this.#report(focused ? 'focusIn' : 'focusOut', { visible: document.visibilityState === 'visible' });
  };
}
