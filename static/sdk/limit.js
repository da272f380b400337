/**
 * The longest session, on the server's clock. At its end the sitting goes on in another session, or stops; by configuration.
 *
 * Looked at every second instead of one long timer: machines sleep, and clocks are corrected meanwhile.
 */

import { retryDelay } from './backoff.js';

const LOOK_MS = 1000;
// The other session is made before the limit is reached; the candidates of one exam do not ask in the same second.
const AHEAD_MS = 5000;
const SPREAD_MS = 20_000;

export class Limit {
  #link;
  #callbacks;
  #timer = 0;
  #busy = false;
  #tries = 0;
  #notBefore = 0;
  #ahead = 0;

  /**
   * @param {() => Sdk.Link | null} link
   * @param {{onStop: () => unknown, onGoOn: () => Promise<boolean>}} callbacks `onGoOn`: false when it has to be tried again
   */
  constructor(link, callbacks) {
    this.#link = link;
    this.#callbacks = callbacks;
  }

  start() {
    if (this.#timer) return;
    const random = Math.random();
    const most = this.#limitMs;
    this.#ahead = Math.min(AHEAD_MS, most / 50) + random * Math.min(SPREAD_MS, most / 20);
    this.#timer = setInterval(this.#look, Math.min(LOOK_MS, most / 50));
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  /** Until the session is stopped. */
  get leftMs() {
    return this.#limitMs - (this.#link()?.clock.now() ?? 0);
  }

  get #limitMs() {
    return (this.#link()?.started.policy.session_minutes ?? Infinity) * 60_000;
  }

  #look = async () => {
    const policy = this.#link()?.started.policy;
    if (!policy) return;
    if (policy.on_limit === 'stop') {
      if (this.leftMs > 0) return;
      this.stop();
      this.#callbacks.onStop();
    } else if (!this.#busy && this.leftMs <= this.#ahead && performance.now() >= this.#notBefore) {
      this.#busy = true;
      // The session that is there goes on meanwhile: better too long than a gap.
      const done = await this.#callbacks.onGoOn().catch(() => false);
      this.#tries = done ? 0 : this.#tries + 1;
      this.#notBefore = done ? 0 : performance.now() + retryDelay(this.#tries);
      this.#busy = false;
    }
  };
}
