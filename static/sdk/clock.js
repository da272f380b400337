/**
 * The session clock: milliseconds since the session's `started_at` on the server's clock.
 *
 * Every answer that carries the server's time bounds the offset to an interval as wide as the round trip. The
 * narrowest recent one wins; an answer that contradicts the estimate (sleep, a stepped clock) starts afresh.
 */

const WINDOW = 12;

export class Clock {
  #startedAt;
  /** @type {{offset: number, width: number}[]} */
  #samples = [];
  #offset = 0;
  /** The latest round trip, ms. @type {number | null} */
  rtt = null;

  /**
   * @param {number} startedAt epoch ms, server clock
   * @param {Clock} [known] of another session: what it learned about the same server's clock
   */
  constructor(startedAt, known) {
    this.#startedAt = startedAt;
    this.#samples = known ? [...known.#samples] : [];
    this.#offset = known ? known.#offset : 0;
  }

  /** This machine's clock: steady within a page, unlike Date.now(). */
  static local() {
    return performance.timeOrigin + performance.now();
  }

  /**
   * @param {number} serverTime epoch ms
   * @param {number} sentAt Clock.local() when the question left
   * @param {number} [receivedAt]
   */
  sync(serverTime, sentAt, receivedAt = Clock.local()) {
    const width = receivedAt - sentAt;
    if (!Number.isFinite(serverTime) || width < 0) return;
    this.rtt = Math.round(width);
    const offset = serverTime - (sentAt + receivedAt) / 2;
    const best = this.#best();
    if (best && Math.abs(offset - best.offset) > (width + best.width) / 2 + 5) this.#samples = [];
    this.#samples.push({ offset, width });
    if (this.#samples.length > WINDOW) this.#samples.shift();
    this.#offset = this.#best()?.offset ?? offset;
  }

  /** How far the service's clock is ahead of this machine's steady one. */
  get offset() {
    return this.#offset;
  }

  /** A first guess, until the next answer: the machine slept. @param {number} ms */
  shift(ms) {
    this.#offset += ms;
    this.#samples = [];
  }

  /** Session-clock ms, an integer that is never negative. */
  now() {
    return Math.max(0, Math.round(Clock.local() + this.#offset - this.#startedAt));
  }

  #best() {
    return this.#samples.reduce((best, one) => (best === undefined || one.width < best.width ? one : best), /** @type {{offset: number, width: number} | undefined} */ (undefined));
  }
}
