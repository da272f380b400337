/**
 * Pause and resume: one after the other, in the order in which they were asked for. While it is paused nothing is captured, and
 * camera and microphone are off.
 */

import { sleep } from './backoff.js';
import { Clock } from './clock.js';

const ANSWER_MS = 4000;

/**
 * @typedef {object} Parts
 * @property {() => Sdk.State} state
 * @property {(state: 'running' | 'paused') => void} become
 * @property {import('./capture.js').Capture} capture
 * @property {() => Sdk.Link | null} link
 * @property {Sdk.Report} report
 * @property {() => unknown} hide the candidate's picture, here and at the proctors'
 * @property {(paused: boolean) => unknown} say
 * @property {() => Promise<void>} record a run on every open stream
 */

export class Pausing {
  #parts;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  /** Who paused it. @type {'page' | 'server' | null} */
  by = null;
  /** Asked for while nothing was recorded yet: pause as soon as it is. */
  wanted = false;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {string} by @returns {Promise<void>} */
  pause(by) {
    this.wanted = this.#parts.state() === 'starting';
    return this.#next(() => this.#pause(by));
  }

  /**
   * @param {string} by
   * @returns {Promise<void>} rejects when the camera cannot be opened again; then the session stays paused
   */
  resume(by) {
    this.wanted = false;
    return this.#next(() => this.#resume(by));
  }

  /**
   * The service says that it is paused, or goes on. What we told it ourselves comes back this way, too, and may be late: so what
   * holds now is asked for, behind every command of ours.
   * @param {'running' | 'paused'} said
   */
  heed(said) {
    return this.#next(async () => {
      const { state, link } = this.#parts;
      if (state() !== (said === 'paused' ? 'running' : 'paused') || (said === 'running' && this.by !== 'server')) return;
      const now = await link()?.api.post('heartbeat', { t: Clock.local() });
      if (now?.state === said) await (said === 'paused' ? this.#pause('server') : this.#resume('server'));
    });
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    const done = this.#last.then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** @param {string} by */
  async #pause(by) {
    const { state, become, capture, report, hide, say } = this.#parts;
    if (state() !== 'running') return;
    become('paused');
    this.by = by === 'server' ? 'server' : 'page';
    report('paused', { by });
    await capture.stop();
    capture.rest();
    if (state() !== 'paused') return;
    hide();
    say(true);
    await this.#tell('pause', by);
  }

  /** @param {string} by */
  async #resume(by) {
    const { state, become, capture, link, report, say, record } = this.#parts;
    const policy = link()?.started.policy;
    if (state() !== 'paused' || !policy) return;
    await capture.wake(policy.capture);
    // Stopped while the camera was being opened.
    if (state() !== 'paused') return capture.close();
    become('running');
    this.by = null;
    await record();
    report('resumed', { by });
    say(false);
    await this.#tell('resume', by);
  }

  /** @param {'pause' | 'resume'} what @param {string} by */
  async #tell(what, by) {
    if (by !== 'server') await Promise.race([this.#parts.link()?.command(what), sleep(ANSWER_MS)]);
  }
}
