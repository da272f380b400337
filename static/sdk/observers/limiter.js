/**
 * What observers see, in amounts that a reviewer can read and a page cannot flood: each type has a bucket. What is left out is
 * counted and said. The end of a state is let through exactly when its beginning was, so that none stays open in the record.
 */

import { EVENTS } from '../events.js';

const BURST = 20;
const REFILL_MS = 6000;
const SUMMARY_MS = 30_000;
// One act that browsers tell of several times (printing a frame: in the frame and around it).
const GAP_MS = /** @type {Partial<Record<Sdk.EventKey, number>>} */ ({ printRequested: 1000, printFinished: 1000, contextMenu: 250 });
/** What ends what. @type {Partial<Record<Sdk.EventKey, Sdk.EventKey>>} */
const ENDS = {
  focusIn: 'focusOut', pageVisible: 'pageHidden', active: 'idle', fullscreenLeft: 'fullscreenEntered', networkRestored: 'networkLost',
  deviceRestored: 'cameraLost', screenStarted: 'screenStopped', toolsGone: 'toolsSuspected', oneDisplay: 'secondDisplay', oneTab: 'secondTab', connectionGood: 'connectionSlow',
  cameraUnmuted: 'cameraMuted', microphoneUnmuted: 'microphoneMuted', screenUnmuted: 'screenMuted', permissionGranted: 'permissionRevoked', microphoneHeard: 'microphoneSilent',
};

export class Limiter {
  #report;
  #now;
  /** @type {Map<Sdk.EventKey, {left: number, at: number, open: boolean, withheld: boolean}>} */
  #buckets = new Map();
  /** @type {Map<Sdk.EventKey, number>} */
  #last = new Map();
  /** @type {Map<Sdk.EventKey, number>} */
  #leftOut = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Sdk.Report} report
   * @param {() => number} [now] ms
   */
  constructor(report, now = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** @type {Sdk.Report} */
  pass = (key, data, at) => {
    if (this.#isEcho(key)) return;
    const begin = ENDS[key];
    const begun = begin && this.#buckets.get(begin);
    const open = begun?.open ?? false;
    if (begun) begun.open = false;
    if (open || (!begun?.withheld && this.#take(key))) return this.#report(key, data, at);
    this.#leftOut.set(key, (this.#leftOut.get(key) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.flush(), SUMMARY_MS);
  };

  /** Says what was left out so far. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [key, count] of this.#leftOut) this.#report('leftOut', { event: EVENTS[key].name, count });
    this.#leftOut.clear();
  }

  /** @param {Sdk.EventKey} key */
  #isEcho(key) {
    const gap = GAP_MS[key];
    if (!gap) return false;
    const [now, last] = [this.#now(), this.#last.get(key) ?? -Infinity];
    this.#last.set(key, now);
    return now - last < gap;
  }

  /** @param {Sdk.EventKey} key */
  #take(key) {
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { left: BURST, at: now, open: false, withheld: false };
    this.#buckets.set(key, bucket);
    bucket.left = Math.min(BURST, bucket.left + (now - bucket.at) / REFILL_MS);
    bucket.at = now;
    bucket.open = bucket.left >= 1;
    bucket.withheld = !bucket.open;
    if (bucket.open) bucket.left -= 1;
    return bucket.open;
  }
}
