/**
 * When a machine or a connection does not keep up: less resolution, fewer frames, at last stills; and back again. Nobody is put
 * out of the exam for it, and what is told of it is technical.
 */

const LOOK_MS = 2000;
/** Shares of the configured size, frame rate and bit rate; `fps` is a rate by itself. */
const LEVELS = [
  { name: 'full', size: 1, rate: 1, bits: 1, fps: Infinity },
  { name: 'reduced', size: 0.75, rate: 0.67, bits: 0.5, fps: Infinity },
  { name: 'low', size: 0.5, rate: 0.5, bits: 0.25, fps: 8 },
  { name: 'stills', size: 0.5, rate: 1, bits: 0.1, fps: 1 },
];
export const LOWEST = LEVELS.length - 1;
// Unsent recording that grows while the connection is there; recording that comes late; a buffer that fills.
const DOWN = { backlogMs: 20_000, lateMs: 1500, filled: 0.5, looks: 3 };
const UP = { backlogMs: 4000, lateMs: 400, filled: 0.3, looks: 15 };
// A new run is needed for each change: not more often than this, and later and later where going up was too early.
const REST_MS = 10_000;
const MOST_LOOKS = 240;

/**
 * @typedef {object} Sample
 * @property {boolean} online an outage is no reason to record less
 * @property {number} backlogMs how much recorded time waits to be sent
 * @property {number} lateMs how late the newest slice came
 * @property {number} filled share of the buffer that is used
 */

/** Pure. Goes down after a few bad looks, up after many good ones. */
export class Judge {
  level = 0;
  #bad = 0;
  #good = 0;
  #backlogMs = 0;
  #patience = UP.looks;
  #raised = false;

  /**
   * @param {Sample} sample
   * @returns {'backlog' | 'encoder' | 'storage' | 'recovered' | null} why the level was changed
   */
  look({ online, backlogMs, lateMs, filled }) {
    const growing = backlogMs > this.#backlogMs - 500;
    this.#backlogMs = backlogMs;
    const reason = filled > DOWN.filled ? 'storage' : lateMs > DOWN.lateMs ? 'encoder' : online && backlogMs > DOWN.backlogMs && growing ? 'backlog' : null;
    const good = online && backlogMs < UP.backlogMs && lateMs < UP.lateMs && filled < UP.filled;
    this.#bad = reason ? this.#bad + 1 : 0;
    this.#good = good ? this.#good + 1 : 0;
    if (reason && this.#bad >= DOWN.looks && this.level < LOWEST) {
      if (this.#raised) this.#patience = Math.min(this.#patience * 2, MOST_LOOKS);
      return this.#move(1, reason);
    }
    if (this.#good >= this.#patience && this.level > 0) return this.#move(-1, 'recovered');
    return null;
  }

  /** @template T @param {1 | -1} by @param {T} reason @returns {T} */
  #move(by, reason) {
    this.level += by;
    this.#bad = this.#good = 0;
    this.#raised = by < 0;
    return reason;
  }
}

/**
 * @param {Sdk.Policy['capture']} capture as configured
 * @param {number} level
 * @returns {Sdk.Policy['capture']}
 */
export function lowered(capture, level) {
  const { size, rate, bits, fps } = LEVELS[Math.min(level, LOWEST)] ?? LEVELS[0];
  const picture = (/** @type {Sdk.Picture} */ full) => ({
    // Encoders want even numbers.
    width: Math.max(160, 2 * Math.round((full.width * size) / 2)),
    height: Math.max(120, 2 * Math.round((full.height * size) / 2)),
    fps: Math.max(1, Math.min(fps, Math.round(full.fps * rate))),
    kbps: Math.max(30, Math.round(full.kbps * bits)),
  });
  return { ...capture, camera: picture(capture.camera), screen: picture(capture.screen) };
}

export class Ladder {
  #judge = new Judge();
  #parts;
  #timer = 0;
  #restUntil = 0;

  /**
   * @param {{measure: () => Sample | null, apply: (level: number) => Promise<void>, report: Sdk.Report}} parts `measure` is null while
   *     nothing is recorded
   */
  constructor(parts) {
    this.#parts = parts;
  }

  start() {
    this.#timer ||= setInterval(this.#look, LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #look = async () => {
    const sample = this.#parts.measure();
    if (!sample || performance.now() < this.#restUntil) return;
    const reason = this.#judge.look(sample);
    if (!reason) return;
    const { level } = this.#judge;
    this.#restUntil = performance.now() + REST_MS;
    this.#parts.report(reason === 'recovered' ? 'qualityRaised' : 'qualityLowered', { reason, level, name: LEVELS[level]?.name });
    await this.#parts.apply(level);
  };
}
