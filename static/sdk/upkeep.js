/** What goes on for as long as a session runs: its time limit; a machine that sleeps; one that does not keep up. */

import { Ladder } from './ladder.js';
import { Limit } from './limit.js';
import { Wake } from './wake.js';

const WAKE_ANSWER_MS = 2000;
const SLEPT_MS = 1500;

/**
 * @typedef {object} Parts
 * @property {import('./capture.js').Capture} capture
 * @property {import('./connector.js').Connector} connector
 * @property {() => boolean} running recording is what is meant to happen now
 * @property {Sdk.Report} report
 * @property {() => unknown} stop the limit is reached, and no other session goes on
 */

export class Upkeep {
  #parts;
  #limit;
  #wake;
  #ladder;

  /** @param {Parts} parts */
  constructor(parts) {
    const { capture, connector, report } = parts;
    this.#parts = parts;
    this.#limit = new Limit(() => connector.link, { onStop: parts.stop, onGoOn: () => connector.goOn() });
    // An answer of the service may have set the clock before we notice.
    this.#wake = new Wake(() => connector.link?.clock.offset ?? 0, (ms, before) => this.#woke(ms, before));
    this.#ladder = new Ladder({ measure: () => this.#measured(), apply: (level) => capture.setQuality(level), report });
  }

  start() {
    for (const part of [this.#limit, this.#wake, this.#ladder]) part.start();
  }

  stop() {
    for (const part of [this.#ladder, this.#wake, this.#limit]) part.stop();
  }

  /** Until the session is stopped by the limit. */
  get leftMs() {
    return this.#limit.leftMs;
  }

  #measured() {
    const { capture, connector, running } = this.#parts;
    const { link, buffer } = connector;
    if (!link || !buffer || !running() || !capture.recording) return null;
    return { online: link.signal.online, backlogMs: link.backlogMs, lateMs: capture.lateMs, filled: buffer.bytes / buffer.limitBytes };
  }

  /**
   * @param {number} guessed how long the machine slept; somebody may just have set its clock
   * @param {number} before the session clock's offset
   */
  async #woke(guessed, before) {
    const { capture, connector, report } = this.#parts;
    const { link } = connector;
    if (!link) return;
    if (!(await link.askTime(WAKE_ANSWER_MS)) && link.clock.offset - before < SLEPT_MS) link.clock.shift(guessed);
    const slept = Math.round(link.clock.offset - before);
    if (slept < SLEPT_MS) return;
    report('woke', { slept_ms: slept });
    link.signal.reconnect();
    await capture.renew();
  }
}
