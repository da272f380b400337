/**
 * Whether the service is still heard. A cut that nobody is told of closes no connection: all that tells is that answers stay away.
 * After more than a heartbeat without any the service is asked over HTTP, so that a socket that is only busy is no outage; when
 * that stays without an answer too, it is one, since the last answer; and the service is asked until it answers.
 *
 * Events: `status` ({online, agoMs}): for how long it has been so.
 */

import { retryDelay } from './backoff.js';
import { Emitter } from './emitter.js';

const LOOK_MS = 500;
// A heartbeat's answer may take so long before anybody is asked.
const SLACK_MS = 500;
// With 5 s between heartbeats a silent cut is told within 9 s.
const ANSWER_MS = 3000;
// Between two questions: up to 2.5 s.
const PAUSE = 3;
// One lost request is not an outage.
const MISSES_UNTIL_OFFLINE = 2;
// A page that is being left loses what it has asked for. That is no outage; a page that stays after all (a download) hears answers.
const LEAVING_MS = 30_000;

export class Hearing extends Emitter {
  #options;
  #online = true;
  #heardAt = 0;
  /** When a busy socket got rid of something last: whoever takes it is there. */
  #movedAt = 0;
  #waiting = 0;
  #misses = 0;
  #leftAt = -Infinity;
  #askAfter = 0;
  #timer = 0;

  /** @param {{ask: (timeoutMs: number) => Promise<unknown>, waiting: () => number, heartbeatMs: number}} options `waiting`: bytes that the socket has yet to send */
  constructor(options) {
    super();
    this.#options = options;
  }

  get online() {
    return this.#online;
  }

  /** Nothing speaks against HTTP. */
  get clear() {
    return this.#online && !this.#misses;
  }

  /** For how long nobody spoke, nor took what we said. @param {number} heardAt */
  silentMs(heardAt) {
    return performance.now() - Math.max(heardAt, this.#movedAt);
  }

  start() {
    if (this.#timer) return;
    this.#heardAt = performance.now();
    addEventListener('offline', this.#cut);
    addEventListener('beforeunload', this.#leave);
    addEventListener('pagehide', this.#leave);
    this.#timer = setInterval(this.#look, LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    removeEventListener('offline', this.#cut);
    removeEventListener('beforeunload', this.#leave);
    removeEventListener('pagehide', this.#leave);
  }

  /** Any answer of the service. */
  heard() {
    this.#heardAt = performance.now();
    this.#misses = 0;
    this.#leftAt = -Infinity;
    this.#set(true);
  }

  /** A request that nobody answered, while nothing else is open. */
  missed() {
    if (++this.#misses >= MISSES_UNTIL_OFFLINE) this.#set(false);
  }

  #look = () => {
    const now = performance.now();
    const left = this.#options.waiting();
    if (left < this.#waiting) this.#movedAt = now;
    this.#waiting = left;
    if (now >= this.#askAfter && (!this.#online || this.silentMs(this.#heardAt) > this.#options.heartbeatMs + SLACK_MS)) this.#ask();
  };

  async #ask() {
    this.#askAfter = Infinity;
    const since = performance.now();
    await this.#options.ask(ANSWER_MS);
    this.#askAfter = performance.now() + retryDelay(PAUSE);
    if (this.#timer && this.silentMs(this.#heardAt) >= performance.now() - since) this.#set(false);
  }

  #leave = () => {
    this.#leftAt = performance.now();
  };

  /** The browser's `offline` is believed at once, its `online` is not (a cable without internet is "online"): an answer tells. */
  #cut = () => this.#set(false);

  /** @param {boolean} online */
  #set(online) {
    const now = performance.now();
    if (this.#online === online || now - this.#leftAt < LEAVING_MS) return;
    this.#online = online;
    this.emit('status', { online, agoMs: now - this.#heardAt });
  }
}
