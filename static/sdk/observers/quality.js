/** A connection that does not keep up, and one that does again: measured round trips, what waits to be sent, what the browser says. */

const LOOK_MS = 5000;
const SLOW_TYPES = new Set(['slow-2g', '2g']);
const SLOW = { rttMs: 1500, backlogMs: 12_000, looks: 2 };
const GOOD = { rttMs: 800, backlogMs: 5000, looks: 3 };

/** @typedef {{rttMs: number | null, backlogMs: number, type: string}} Sample */

export class QualityObserver {
  #report;
  #measure;
  #judge = new Judge();
  #timer = 0;

  /**
   * @param {Sdk.Report} report
   * @param {() => {rttMs: number | null, backlogMs: number} | null} measure null while there is no connection
   */
  constructor(report, measure) {
    this.#report = report;
    this.#measure = measure;
  }

  start() {
    this.#timer ||= setInterval(this.#look, LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #look = () => {
    const measured = this.#measure();
    const { effectiveType: type = '', downlink } = /** @type {any} */ (navigator).connection ?? {};
    const slow = this.#judge.look(measured && { ...measured, type });
    if (slow === null || !measured) return;
    this.#report(slow ? 'connectionSlow' : 'connectionGood', { rtt_ms: measured.rttMs, backlog_ms: measured.backlogMs, type, downlink_mbps: downlink });
  };
}

/** Pure: several looks agree before anything is said. */
export class Judge {
  #slow = false;
  #looks = 0;
  #backlogMs = 0;

  /**
   * @param {Sample | null} sample
   * @returns {boolean | null} slow or good, when that is news
   */
  look(sample) {
    const before = this.#backlogMs;
    this.#backlogMs = sample?.backlogMs ?? 0;
    // An outage is told by other events, and what it left is no sign of slowness while it shrinks.
    if (!sample) {
      this.#looks = 0;
      return null;
    }
    const { rttMs, backlogMs, type } = sample;
    const against = this.#slow
      ? (rttMs ?? 0) < GOOD.rttMs && backlogMs < GOOD.backlogMs && !SLOW_TYPES.has(type)
      : (rttMs ?? 0) > SLOW.rttMs || (backlogMs > SLOW.backlogMs && backlogMs >= before) || SLOW_TYPES.has(type);
    this.#looks = against ? this.#looks + 1 : 0;
    if (this.#looks < (this.#slow ? GOOD : SLOW).looks) return null;
    this.#looks = 0;
    this.#slow = !this.#slow;
    return this.#slow;
  }
}
