/**
 * The way back without a socket: asks for messages, at once when another answer of the service said that there is news
 * (`X-Proview-Mail`, `X-Proview-State`), else when the service said to ask again. Holds a request open where the server can.
 *
 * Events: `answered` (an answer came; detail: the answer, `first` when it opened the way), `failed` ({fault}).
 */

import { retryDelay } from './backoff.js';
import { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import { asProviewError } from './errors.js';

// A held poll is answered within 25 s.
const TIMEOUT_MS = 35_000;
const HURRY_MS = 200;
// While other answers tell whether there is news, asking is only the heartbeat.
const FRESH_MS = 1800;

export class Poller extends Emitter {
  #api;
  #heartbeatMs;
  /** Names this page: the newest page of a session gets its messages. */
  client = randomName();
  /** @type {number | null} */
  #cursor = null;
  /** @type {string | null} */
  #state = null;
  #running = false;
  #asking = false;
  /** Counts starts: what an earlier one asked is nobody's concern any more. */
  #turn = 0;
  /** @type {AbortController | null} */
  #abort = null;
  #failures = 0;
  #hintedAt = -Infinity;
  #due = 0;
  #timer = 0;

  /** @param {{api: Sdk.Api, heartbeatMs: number}} options */
  constructor({ api, heartbeatMs }) {
    super();
    this.#api = api;
    this.#heartbeatMs = heartbeatMs;
  }

  get running() {
    return this.#running;
  }

  /** Opens the way, as the first question of this page; safe to call again. */
  start() {
    if (this.#running) return;
    this.#running = true;
    this.#asking = false;
    this.#turn += 1;
    this.#cursor = null;
    this.#failures = 0;
    this.#ask();
  }

  /** The way was or may be somebody else's meanwhile: takes it again, if it was open. */
  restart() {
    if (!this.#running) return;
    this.stop();
    this.start();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  /** Another answer of the service carried these. @param {{mail: number, state: string}} hint */
  hint({ mail, state }) {
    if (!this.#running || this.#cursor === null) return;
    this.#hintedAt = performance.now();
    if (mail > this.#cursor || (state && state !== this.#state)) this.hurry(HURRY_MS);
  }

  /** Asks now; what was asked before will not be answered any more. */
  again() {
    this.#failures = 0;
    if (this.#asking) this.#abort?.abort();
    else this.hurry();
  }

  /** Asks now instead of when it is due. */
  hurry(ms = 0) {
    if (!this.#running || this.#asking || performance.now() + ms >= this.#due) return;
    this.#plan(ms);
  }

  /** @param {number} ms */
  #plan(ms) {
    clearTimeout(this.#timer);
    this.#due = performance.now() + ms;
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    if (this.#asking || !this.#running) return;
    this.#asking = true;
    const turn = this.#turn;
    const first = this.#cursor === null;
    const commands = this.#api.commands;
    const sentAt = Clock.local();
    this.#abort = new AbortController();
    let wait;
    try {
      const answer = await this.#api.poll({ client: this.client, cursor: this.#cursor, state: first ? null : this.#state, t: sentAt }, this.#abort.signal, TIMEOUT_MS);
      if (turn !== this.#turn || !this.#running) return;
      this.#failures = 0;
      this.#cursor = answer.cursor;
      // A state that was read while our own command was on its way may be the one before it: the next poll tells.
      const settled = commands === this.#api.commands;
      const changed = settled && answer.state !== this.#state;
      if (settled) this.#state = answer.state;
      wait = answer.messages.length > 0 || !settled ? HURRY_MS : this.#pause(answer.poll_after_ms);
      this.emit('answered', { answer, first, changed, sentAt });
    } catch (thrown) {
      if (turn !== this.#turn || !this.#running) return;
      const fault = asProviewError(thrown);
      wait = Math.max(fault.retryAfterMs, retryDelay(this.#failures++));
      this.emit('failed', { fault });
    }
    if (turn !== this.#turn) return;
    this.#asking = false;
    if (this.#running) this.#plan(wait);
  }

  /** @param {number} told */
  #pause(told) {
    if (!(told > 0)) return HURRY_MS;
    return performance.now() - this.#hintedAt < FRESH_MS ? Math.max(told, this.#heartbeatMs) : told;
  }
}

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
