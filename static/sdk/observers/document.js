/**
 * What only the document sees in which it happens: the page that records itself, or each page in the frame of frame mode.
 */

import { ClipboardObserver } from './clipboard.js';
import { ContextMenuObserver } from './contextmenu.js';
import { DragObserver } from './drag.js';
import { SIGNS_OF_LIFE } from './idle.js';
import { KeyboardObserver } from './keyboard.js';
import { NavigationObserver } from './navigation.js';
import { PrintObserver } from './print.js';

export class DocumentObservers {
  #all;

  /**
   * @param {Sdk.Report} report
   * @param {Window} [view]
   * @param {{navigation?: boolean}} [options] false for the shell, whose address follows its frame
   */
  constructor(report, view = window, { navigation = true } = {}) {
    const kinds = [ClipboardObserver, DragObserver, ContextMenuObserver, KeyboardObserver, PrintObserver, ...(navigation ? [NavigationObserver] : [])];
    this.#all = kinds.map((Kind) => new Kind(report, view));
  }

  start() {
    for (const observer of this.#all) observer.start();
  }

  stop() {
    for (const observer of [...this.#all].reverse()) observer.stop();
  }
}

/**
 * Watches a page in a frame from the page around it, as long as the page lives.
 * @param {Window} view
 * @param {Sdk.Report} report
 * @param {() => void} activity
 */
export function observeFrame(view, report, activity) {
  new DocumentObservers(report, view).start();
  for (const type of SIGNS_OF_LIFE) view.document.addEventListener(type, activity, { capture: true, passive: true });
}
