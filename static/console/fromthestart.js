// @ts-check
/** The choice between the live picture and the recording so far, while a session runs. */
import { el } from './dom.js';
import { showRecording } from './recording.js';

/** Fires `change` when the recording is opened or closed, and when there begins to be something to watch. */
export class FromTheStart extends EventTarget {
  /** @type {(() => void) | null} */ #stop = null;
  /** Whether the player is there, with events of its own. */
  watching = false;

  /** @param {string} url of the playback JSON @param {boolean} choice whether there is a live picture to go back to */
  constructor(url, choice) {
    super();
    this.url = url;
    this.element = el('div', { hidden: true, 'data-from-start': '' });
    this.now = this.#button('Live', false);
    this.start = this.#button('From the start', true);
    this.choice = el('div', { class: 'choice-of-view', role: 'group', 'aria-label': 'View', hidden: !choice }, this.now, this.start);
    this.#mark();
  }

  get open() {
    return this.#stop !== null;
  }

  /** @param {boolean} open */
  show(open) {
    if (open === this.open) return;
    this.#stop?.();
    this.watching = false;
    this.#stop = open ? showRecording(this.element, this.url, (there) => this.#watch(there)) : null;
    if (!open) delete this.element.dataset.said;
    this.element.hidden = !open;
    this.#mark();
    this.dispatchEvent(new Event('change'));
  }

  /** @param {boolean} there */
  #watch(there) {
    this.watching = there;
    this.dispatchEvent(new Event('change'));
  }

  /** @param {string} text @param {boolean} open */
  #button(text, open) {
    const button = el('button', { type: 'button' }, text);
    button.addEventListener('click', () => this.show(open));
    return button;
  }

  #mark() {
    this.now.setAttribute('aria-pressed', String(!this.open));
    this.start.setAttribute('aria-pressed', String(this.open));
  }
}
