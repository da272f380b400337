/**
 * Navigations of the window that a page in the frame asks for (`top.location = …`, `target=_top`, frame-busting scripts): they
 * are held and happen in the frame, where without us the page would be the window. The navigation API sees them all
 * (https://html.spec.whatwg.org/multipage/nav-history-apis.html#navigate-event); what the person does in the browser's own
 * buttons fires no such event. Browsers without it load a shell again, which goes on with the session.
 */

import { resubmit } from './submit.js';

const YOUNG_MS = 5000;
const BOUNCES = 4;
const BOUNCES_MS = 10_000;
const OWN_CLICK_MS = 1500;

export class Outward {
  #frame;
  #mount;
  #guest;
  #onHeld;
  #onCircling;
  #own = false;
  #clickedAt = -OWN_CLICK_MS;
  /** When untouched pages sent the window somewhere. @type {number[]} */
  #bounces = [];

  /**
   * @param {{frame: HTMLIFrameElement, mount: string, guest: import('./guest.js').Guest}} parts
   * @param {{onHeld: (view: Window) => void, onCircling: (view: Window) => void}} callbacks a page that only wanted to leave the frame was
   *     held; pages send each other around in circles
   */
  constructor({ frame, mount, guest }, { onHeld, onCircling }) {
    this.#frame = frame;
    this.#mount = mount;
    this.#guest = guest;
    this.#onHeld = onHeld;
    this.#onCircling = onCircling;
  }

  start() {
    // Events of the frame do not come here: these are for our own cards and notices.
    for (const type of ['click', 'keydown']) addEventListener(type, () => { this.#clickedAt = performance.now(); }, true);
    window.navigation?.addEventListener('navigate', this.#navigate);
  }

  /** @param {() => void} work a navigation of the shell's own */
  own(work) {
    this.#own = true;
    try {
      work();
    } finally {
      this.#own = false;
    }
  }

  /** @param {any} event */
  #navigate = (event) => {
    const view = this.#frame.contentWindow;
    if (this.#own || !view || !event.cancelable || event.downloadRequest !== null || event.navigationType === 'traverse') return;
    const to = new URL(event.destination.url);
    if (to.origin !== location.origin || to.pathname.startsWith(this.#mount)) return;
    const reload = event.navigationType === 'reload';
    // A button of ours that loads the window again.
    if (reload && performance.now() - this.#clickedAt < OWN_CLICK_MS) return;
    event.preventDefault();
    const facts = this.#guest.facts(view);
    if (reload) return view.location.reload();
    if (event.formData) {
      const form = event.sourceElement?.form ?? event.sourceElement;
      return resubmit(view, { url: to.href, data: event.formData, form: form?.localName === 'form' ? form : null, target: '_self' });
    }
    const untouched = !facts.touched && (!facts.loadedAt || performance.now() - facts.loadedAt < YOUNG_MS);
    if (untouched && plain(to.href) === plain(view.location.href)) {
      facts.held += 1;
      return this.#onHeld(view);
    }
    if (untouched && this.#circling()) return this.#onCircling(view);
    if (event.navigationType === 'replace') view.location.replace(to.href);
    else view.location.assign(to.href);
  };

  #circling() {
    const now = performance.now();
    this.#bounces = [...this.#bounces.filter((at) => now - at < BOUNCES_MS), now];
    return this.#bounces.length >= BOUNCES;
  }
}

/** @param {string} url */
function plain(url) {
  return url.replace(/#.*$/, '');
}
