/**
 * Our one element in the host's document: `#proview_root` with a shadow root. Holds the cover (a modal dialog, so that the page
 * behind it is inert), the preview box and the notices. Pages may remove it at any time; what is shown next comes back.
 */

import { parsePreviewStyle } from '../previewstyle.js';
import { say } from '../strings.js';
import { el, videoOf } from './dom.js';
import { styleSheet } from './styles.js';

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
    this.#dialog.addEventListener('close', () => this.#covered && this.#show());
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
    card.querySelector('h1')?.focus();
  }

  uncover() {
    this.#covered = false;
    if (this.#dialog.open) this.#dialog.close();
    this.#dialog.replaceChildren();
  }

  /**
   * @param {MediaStream | null} stream
   * @param {unknown} style
   */
  preview(stream, style) {
    this.#preview?.remove();
    this.#preview = null;
    if (!stream) return;
    this.#attach();
    const box = el('div', { class: 'preview', role: 'img', 'aria-label': say('previewLabel') }, videoOf(stream, say('previewLabel')), el('span', { class: 'dot', 'aria-hidden': 'true' }, say('recording')));
    for (const [name, value] of parsePreviewStyle(style)) box.style.setProperty(name, value);
    // A style that places the box on one side must not be stretched by our default for the other.
    if (box.style.left) box.style.insetInlineEnd ||= 'auto';
    if (box.style.top) box.style.bottom ||= 'auto';
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
    this.#notices.append(box);
    if (seconds > 0) setTimeout(() => box.remove(), seconds * 1000);
  }

  /** @param {string} id */
  clearNotice(id) {
    this.#notices.querySelector(`[data-notice="${id}"]`)?.remove();
  }

  remove() {
    this.uncover();
    this.#host.remove();
  }

  #attach() {
    if (!this.#host.isConnected) document.documentElement.append(this.#host);
    if (this.#covered) this.#show();
  }

  #show() {
    if (this.#host.isConnected && !this.#dialog.open) this.#dialog.showModal();
  }
}
