/**
 * Our one element in the host's document: `#proview_root` with a shadow root. Holds the cover (a modal dialog, so that the page
 * behind it is inert), the preview box and the notices. Pages may remove it at any time; what is shown next comes back.
 */

import { current } from '../locale.js';
import { say } from '../strings.js';
import { el } from './dom.js';
import { previewBox } from './preview.js';
import { styleSheet } from './styles.js';

/** The box as a part of the page, and still behind a shadow root. @param {HTMLElement} box */
function framed(box) {
  const { tag, direction } = current();
  const host = el('div', { 'data-proview-preview': true, lang: tag, dir: direction });
  const shadow = host.attachShadow({ mode: 'open' });
  shadow.adoptedStyleSheets = [styleSheet()];
  box.classList.add('framed');
  shadow.append(box);
  return host;
}

export class Root {
  /** @type {HTMLElement} */
  #host;
  /** @type {ShadowRoot} */
  #shadow;
  /** @type {HTMLDialogElement} */
  #dialog;
  #covered = false;
  #notices = el('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
  /** @type {HTMLElement | null} */
  #preview = null;
  /** What had the focus before a notice's button got it. @type {HTMLElement | null} */
  #before = null;

  /** @param {HTMLElement | null} cover the element that the loader made, to cover the page before we were there */
  constructor(cover) {
    this.#host = cover ?? el('div', { id: 'proview_root' });
    this.#shadow = this.#host.shadowRoot ?? this.#host.attachShadow({ mode: 'open' });
    this.#shadow.adoptedStyleSheets = [styleSheet()];
    this.#dialog = this.#shadow.querySelector('dialog') ?? el('dialog');
    this.#covered = this.#dialog.open;
    const seeThrough = this.#dialog.style.background === 'transparent';
    this.#dialog.removeAttribute('style');
    this.#dialog.className = seeThrough ? 'sheet clear' : 'sheet';
    // Escape asks a modal dialog to close; ours closes when the session runs.
    this.#dialog.addEventListener('cancel', (event) => event.preventDefault());
    // Browsers close it all the same when Escape is pressed again.
    this.#dialog.addEventListener('close', () => this.#covered && this.#show());
    this.#notices.addEventListener('focusin', ({ relatedTarget }) => {
      if (relatedTarget instanceof HTMLElement && !this.#notices.contains(relatedTarget)) this.#before = relatedTarget;
    });
    // Moving an open dialog would take it out of the top layer.
    if (!this.#dialog.isConnected) this.#shadow.append(this.#dialog);
    this.#shadow.append(this.#notices);
  }

  get covered() {
    return this.#covered;
  }

  /**
   * Covers the page with one card. The heading gets the focus, so that a screen reader reads the new step.
   * @param {HTMLElement} card its h1 has the id `title`
   * @param {{clear?: boolean}} [look] `clear`: inert, but visible (a page that continues in a moment)
   */
  cover(card, { clear = false } = {}) {
    this.#attach();
    this.#dialog.className = clear ? 'sheet clear' : 'sheet';
    this.#dialog.setAttribute('aria-labelledby', 'title');
    this.#dialog.replaceChildren(card);
    this.#covered = true;
    this.#show();
    this.#readHeading();
  }

  uncover() {
    this.#covered = false;
    if (this.#dialog.open) this.#dialog.close();
    this.#dialog.replaceChildren();
  }

  /**
   * @param {MediaStream | null} stream
   * @param {unknown} style
   * @param {string} [container] id of an element of the page that shows it; without such an element it floats as usual
   */
  preview(stream, style, container = '') {
    this.#preview?.remove();
    this.#preview = null;
    if (!stream) return;
    const box = previewBox(stream, style);
    const place = container ? document.getElementById(container) : null;
    if (place) return void place.append(this.#preview = framed(box));
    this.#attach();
    this.#preview = box;
    this.#shadow.append(box);
  }

  /**
   * Says something without stopping the candidate. One notice per id.
   * @param {string} id
   * @param {string} text
   * @param {{warn?: boolean, action?: {label: string, run: () => void} | null, seconds?: number}} [look]
   */
  notice(id, text, { warn = false, action = null, seconds = 0 } = {}) {
    this.clearNotice(id);
    this.#attach();
    const box = el('div', { class: warn ? 'notice warn' : 'notice', 'data-notice': id }, el('span', {}, text));
    if (action) box.append(el('button', { type: 'button', on: { click: action.run } }, action.label));
    else if (seconds === 0) box.append(el('button', { type: 'button', class: 'close', 'aria-label': say('close'), on: { click: () => this.#drop(box) } }));
    this.#notices.append(box);
    if (seconds > 0) setTimeout(() => this.#drop(box), seconds * 1000);
  }

  /** @param {string} id */
  clearNotice(id) {
    this.#drop(this.#notices.querySelector(`[data-notice="${id}"]`));
  }

  remove() {
    this.uncover();
    this.#host.remove();
  }

  /** With the focus in it, a notice gives it back to where it was. @param {Element | null} box */
  #drop(box) {
    const focused = box?.contains(this.#shadow.activeElement);
    box?.remove();
    if (focused) this.#before?.focus();
  }

  #attach() {
    const { tag, direction } = current();
    this.#host.lang = tag;
    this.#host.dir = direction;
    if (!this.#host.isConnected) document.documentElement.append(this.#host);
    if (this.#covered) this.#show();
  }

  #show() {
    if (!this.#host.isConnected || this.#dialog.open) return;
    this.#dialog.showModal();
    this.#readHeading();
  }

  /** A dialog gives the focus to its first button; a screen reader is to begin with the heading. */
  #readHeading() {
    this.#dialog.querySelector('h1')?.focus();
  }
}
