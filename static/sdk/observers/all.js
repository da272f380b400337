/** The observers of one document as one part. */

import { ClipboardObserver } from './clipboard.js';
import { FocusObserver } from './focus.js';
import { FullscreenObserver } from './fullscreen.js';
import { IdleObserver } from './idle.js';
import { NetworkObserver } from './network.js';
import { VisibilityObserver } from './visibility.js';

export class Observers {
  #network;
  #idle;
  #all;

  /**
   * @param {Sdk.Report} report
   * @param {{idleMs: number, onNetwork: (online: boolean) => void}} options
   */
  constructor(report, { idleMs, onNetwork }) {
    this.#network = new NetworkObserver(report, onNetwork);
    this.#idle = new IdleObserver(report, idleMs);
    this.#all = [new FocusObserver(report), new VisibilityObserver(report), new FullscreenObserver(report), new ClipboardObserver(report), this.#idle, this.#network];
  }

  start() {
    for (const observer of this.#all) observer.start();
  }

  stop() {
    for (const observer of [...this.#all].reverse()) observer.stop();
  }

  activity() {
    this.#idle.activity();
  }

  /** @param {boolean} online */
  reached(online) {
    this.#network.reached(online);
  }
}
