/**
 * The page in the shell's frame, made to find itself in a window of its own: `parent`, `opener` and `close()` are the window's,
 * links to other origins lead the window away, Ctrl+P prints the page. Works on every page of the own origin, tagged or not.
 * `window.top` cannot be changed by anybody (https://html.spec.whatwg.org/multipage/nav-history-apis.html#dom-top): see outward.js.
 */

import { resubmit } from './submit.js';

export class Guest {
  #frame;
  #onEnter;
  /** @type {WeakMap<Document, {touched: boolean, loadedAt: number, held: number}>} */
  #known = new WeakMap();

  /**
   * @param {HTMLIFrameElement} frame
   * @param {(view: Window) => void} onEnter once for each document
   */
  constructor(frame, onEnter) {
    this.#frame = frame;
    this.#onEnter = onEnter;
  }

  /**
   * As early as anybody knows of the page: its tag is its first script; at the latest when it is loaded.
   * @param {Window} view
   */
  enter(view) {
    if (view !== this.#frame.contentWindow || this.#known.has(view.document)) return;
    const facts = { touched: false, loadedAt: 0, held: 0 };
    this.#known.set(view.document, facts);
    this.#pretend(/** @type {any} */ (view));
    for (const type of ['pointerdown', 'keydown']) view.addEventListener(type, (event) => { facts.touched ||= event.isTrusted; }, true);
    view.addEventListener('DOMContentLoaded', () => this.autofocus(view));
    view.addEventListener('load', () => { facts.loadedAt = performance.now(); });
    view.addEventListener('keydown', this.#print);
    view.navigation?.addEventListener('navigate', (/** @type {any} */ event) => this.#leave(view, event));
    this.#onEnter(view);
  }

  /** @param {Window} view what is known of its document */
  facts(view) {
    return this.#known.get(view.document) ?? { touched: false, loadedAt: 0, held: 0 };
  }

  /**
   * Browsers skip it in frames of a document that has a focus: https://html.spec.whatwg.org/multipage/interaction.html#flush-autofocus-candidates
   * @param {Window} view
   */
  autofocus(view) {
    const page = view.document;
    if (document.activeElement !== this.#frame || (page.activeElement && page.activeElement !== page.body) || this.facts(view).touched) return;
    /** @type {HTMLElement | null} */ (page.querySelector('[autofocus]'))?.focus();
  }

  /** @param {any} view */
  #pretend(view) {
    // The attributes are replaceable, so pages may assign to them.
    for (const [name, value] of [['parent', view], ['frameElement', null]]) {
      const set = (/** @type {unknown} */ other) => Object.defineProperty(view, name, { value: other, writable: true, configurable: true });
      Object.defineProperty(view, name, { get: () => value, set, configurable: true, enumerable: true });
    }
    view.__proview = window.__proview;
    view.close = () => window.close();
    if (window.opener && !view.opener) view.opener = window.opener;
    if (window.name && !view.name) view.name = window.name;
  }

  /** @param {KeyboardEvent} event */
  #print = (event) => {
    if (event.defaultPrevented || event.key.toLowerCase() !== 'p' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    this.#frame.contentWindow?.print();
  };

  /**
   * Without us the window would go there. In the frame, other origins refuse to be shown, and their cookies are a third party's.
   * @param {Window} view
   * @param {any} event
   */
  #leave(view, event) {
    if (!event.cancelable || event.downloadRequest !== null || event.navigationType === 'traverse' || event.navigationType === 'reload') return;
    const to = new URL(event.destination.url);
    if (!/^https?:$/.test(to.protocol) || to.origin === location.origin) return;
    event.preventDefault();
    const { formData: data, sourceElement } = event;
    const form = sourceElement?.form ?? sourceElement;
    // Not within the event: its navigation is still being looked at.
    setTimeout(() => {
      if (data) resubmit(view, { url: to.href, data, form: form?.localName === 'form' ? form : null, target: '_top' });
      else if (event.navigationType === 'replace') location.replace(to.href);
      else location.assign(to.href);
    });
  }
}
