/**
 * Events on their way to the server: numbered, durable until acknowledged, sent in batches, idempotent by number.
 *
 * Numbers follow the session clock (`max(last + 1, now)`), so that a reload, or another browser that resumes the session,
 * never gives a number twice.
 */

import { EVENTS } from './events.js';
import { log } from './log.js';

const FLUSH_MS = 700;
const RESEND_MS = 10_000;
const BATCH = 40;
const BATCH_CHARS = 48_000;
const QUOTA = 'event_quota';

export class EventLog {
  #session;
  #buffer;
  #signal;
  #api;
  #clock;
  /** @type {Map<number, {event: Sdk.LoggedEvent, sentAt: number}>} */
  #pending = new Map();
  #last = -1;
  #sending = false;
  #stopped = false;
  /** The service takes no more of this session. */
  #full = false;
  #timer = 0;
  #listeners = new AbortController();

  /** @param {{session: string, buffer: Sdk.Buffer, signal: Sdk.Signal, api: Sdk.Api, clock: Sdk.Clock}} parts */
  constructor({ session, buffer, signal, api, clock }) {
    this.#session = session;
    this.#buffer = buffer;
    this.#signal = signal;
    this.#api = api;
    this.#clock = clock;
  }

  async start() {
    const { signal } = this.#listeners;
    this.#signal.listen('open', () => this.#resend(), signal);
    this.#signal.listen('error', ({ code }) => code === QUOTA && this.#giveUp(), signal);
    this.#signal.listen('events_ack', (detail) => this.#acknowledged(detail.seqs), signal);
    for (const event of await this.#buffer.events(this.#session).catch(() => [])) {
      this.#last = Math.max(this.#last, event.seq);
      if (!this.#pending.has(event.seq)) this.#pending.set(event.seq, { event, sentAt: 0 });
    }
    this.#plan();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#listeners.abort();
  }

  /**
   * @param {Sdk.EventKey} key
   * @param {Record<string, unknown>} [data]
   * @param {number} [at] when it happened, if not just now
   * @returns {Sdk.LoggedEvent}
   */
  add(key, data = {}, at = this.#clock.now()) {
    this.#last = Math.max(this.#last + 1, this.#clock.now());
    const event = { seq: this.#last, event_type_id: EVENTS[key].id, name: EVENTS[key].name, at, data };
    if (this.#full) return event;
    this.#pending.set(event.seq, { event, sentAt: 0 });
    this.#buffer.putEvent(this.#session, event).catch((reason) => log.warn('event is in memory only', reason));
    this.#plan();
    return event;
  }

  /** Last words of a page that unloads: a request that outlives it. */
  flushOnUnload() {
    const batch = this.#batch(0);
    if (batch.length > 0) this.#api.post('events', { events: batch }, { keepalive: true }).catch(() => undefined);
  }

  /**
   * Tries once to hand in everything, for the end of a session.
   */
  async flush() {
    for (let round = 0; round < 5 && this.#pending.size > 0; round += 1) {
      const batch = this.#batch(0);
      const answer = await this.#api.post('events', { events: batch }).catch(() => null);
      if (!answer) return;
      this.#acknowledged(answer.seqs);
    }
  }

  #plan(ms = FLUSH_MS) {
    if (this.#timer || this.#stopped || this.#pending.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#send();
    }, ms);
  }

  #resend() {
    for (const entry of this.#pending.values()) entry.sentAt = 0;
    this.#send();
  }

  async #send() {
    if (this.#sending) return;
    const batch = this.#batch(RESEND_MS);
    if (batch.length > 0) {
      const now = performance.now();
      if (this.#signal.send({ type: 'events', events: batch })) {
        for (const event of batch) /** @type {{sentAt: number}} */ (this.#pending.get(event.seq)).sentAt = now;
      } else {
        this.#sending = true;
        try {
          this.#acknowledged((await this.#api.post('events', { events: batch })).seqs);
        } catch (fault) {
          // Refused for good by the service: sending it again would block what follows. Otherwise the next round tries again.
          const { status, code } = /** @type {any} */ (fault);
          if (code === QUOTA) this.#giveUp();
          else if ([400, 413, 422].includes(status) && !String(code).startsWith('http_')) {
            log.error('events refused', code);
            this.#acknowledged(batch.map((event) => event.seq));
          }
        } finally {
          this.#sending = false;
        }
      }
    }
    this.#plan(batch.length > 0 ? FLUSH_MS : 2000);
  }

  /**
   * The oldest that were not sent in the last `agoMs`.
   * @param {number} agoMs
   */
  #batch(agoMs) {
    const due = performance.now() - agoMs;
    return firstBatch([...this.#pending.values()].filter(({ sentAt }) => agoMs === 0 || sentAt === 0 || sentAt <= due).map(({ event }) => event));
  }

  #giveUp() {
    if (!this.#full) log.error('the session takes no more events');
    this.#full = true;
    this.#acknowledged([...this.#pending.keys()]);
  }

  /** @param {number[]} seqs */
  #acknowledged(seqs) {
    if (!Array.isArray(seqs)) return;
    for (const seq of seqs) this.#pending.delete(seq);
    this.#buffer.deleteEvents(this.#session, seqs).catch(() => undefined);
  }
}

/**
 * As many of the first ones as one request may carry.
 * @param {Sdk.LoggedEvent[]} events
 */
export function firstBatch(events) {
  let chars = 0;
  const end = events.findIndex((event, index) => {
    chars += JSON.stringify(event).length;
    return index > 0 && (index >= BATCH || chars > BATCH_CHARS);
  });
  return end < 0 ? events : events.slice(0, end);
}
