/**
 * Everything that belongs to one session id: credentials, clock, socket, uploader, event log, and the place in which no other tab
 * records it. When another session goes on with this one (the time limit, a long outage), a new
 * link replaces this one, which hands in the rest (`farewell`); what it could not send is left to the drain.
 *
 * Events of the parts are re-dispatched under their names; see `FORWARDED`.
 */

import { Api } from './api.js';
import { retryDelay, sleep } from './backoff.js';
import { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import { asProviewError } from './errors.js';
import { EventLog } from './eventlog.js';
import { log } from './log.js';
import { Photos } from './photos.js';
import { Signal } from './signal.js';
import { Uploader } from './uploader.js';

const FORWARDED = ['open', 'down', 'ended', 'replaced', 'status', 'state', 'live', 'answer', 'live_failed', 'approval'];
const REFRESH_AT = 0.7;
const FAREWELL_MS = 10 * 60_000;

export class Link extends Emitter {
  #buffer;
  #base;
  #refreshTimer = 0;
  #place;
  #consented = false;
  #stopped = false;
  #refused = false;

  /**
   * @param {{started: Sdk.Started, base: string, buffer: Sdk.Buffer, place: import('./place.js').Place, sentAt: number, receivedAt: number, known?: Sdk.Clock}} parts
   *     `known`: another session's clock
   */
  constructor({ started, base, buffer, place, sentAt, receivedAt, known }) {
    super();
    this.#place = place;
    this.started = started;
    this.uuid = started.session_uuid;
    this.#buffer = buffer;
    this.#base = base;
    this.api = new Api(base, this.uuid, started);
    this.clock = new Clock(started.started_at, known);
    this.clock.sync(started.server_time, sentAt, receivedAt);
    const session = this.uuid;
    this.signal = new Signal({ url: started.signal_url, api: this.api, clock: this.clock, heartbeatMs: started.policy.heartbeat_ms });
    this.uploader = new Uploader({ session, buffer, signal: this.signal, api: this.api });
    this.photos = new Photos({ session, buffer, api: this.api });
    this.events = new EventLog({ session, buffer, signal: this.signal, api: this.api, clock: this.clock });
    for (const name of FORWARDED) this.signal.listen(name, (detail) => this.emit(name, detail));
    this.signal.listen('refused', () => this.#emitRefused());
    this.signal.listen('token', (detail) => this.renew(detail));
    this.uploader.listen('unauthorised', () => this.#emitRefused());
    this.signal.listen('status', ({ online }) => online && this.photos.hurry());
    this.photos.listen('unauthorised', () => this.#emitRefused());
    this.photos.listen('refused', (detail) => this.emit('photo_refused', detail));
    this.uploader.listen('acknowledged', () => this.emit('acknowledged'));
    this.uploader.listen('refused', (detail) => this.emit('piece_refused', detail));
  }

  async start() {
    // The record first: pieces without it could never be handed in by another page.
    const remembered = this.#remember();
    this.#place.onLost = () => this.signal.giveWay();
    this.#planRefresh();
    this.signal.start();
    await Promise.all([remembered, this.uploader.start(), this.events.start(), this.photos.start()]);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#refreshTimer);
    this.signal.stop();
    this.uploader.stop();
    this.events.stop();
    this.photos.stop();
    this.#place.leave();
  }

  /**
   * Another session goes on with this one: tells the service when its recorders ended, hands in what is left, and stops.
   * @param {number | null} at session clock; null: the service has ended it already
   */
  async farewell(at) {
    const until = performance.now() + FAREWELL_MS;
    const told = this.#sayEnd(at, until);
    await this.uploader.drained(FAREWELL_MS);
    await this.events.flush();
    await told;
    this.stop();
  }

  /** @param {number | null} at @param {number} until */
  async #sayEnd(at, until) {
    // Without an answer in time the service closes it for its silence.
    for (let attempt = 0; at !== null && !this.#stopped && performance.now() < until; attempt += 1) {
      try {
        await this.api.post('stop', { reason: 'limit', at });
        return;
      } catch (fault) {
        log.warn('the end of', this.uuid, 'was not answered', fault);
        if (!asProviewError(fault).temporary) return;
        await sleep(retryDelay(attempt));
      }
    }
  }

  /** The buffer remembers the consent, so that the next page does not ask again. */
  consent() {
    this.#consented = true;
    return this.#remember();
  }

  /** @param {Sdk.Credentials} credentials */
  renew({ session_token, drain_token, expires_at }) {
    this.api.credentials = { session_token, drain_token, expires_at };
    this.#refused = false;
    this.#planRefresh();
    return this.#remember();
  }

  /** How much recorded time waits to be sent. */
  get backlogMs() {
    const { oldest } = this.uploader;
    return oldest === null ? 0 : Math.max(0, this.clock.now() - oldest);
  }

  /** Sets the clock by the service. @param {number} ms @returns {Promise<boolean>} it answered in time */
  async askTime(ms) {
    const sentAt = Clock.local();
    const answer = await Promise.race([this.api.post('heartbeat', { t: sentAt }).catch(() => null), sleep(ms)]);
    if (answer) this.clock.sync(answer.server_time, sentAt);
    return Boolean(answer);
  }

  /**
   * Tells the service over whatever way is open. Resolves true when it answered.
   * @param {'stop' | 'pause' | 'resume'} name
   * @param {string} [reason]
   */
  async command(name, reason) {
    try {
      await this.api.post(name, reason ? { reason } : {});
      return true;
    } catch (fault) {
      log.warn(name, 'was not answered', fault);
      return this.signal.send({ type: name, ...(reason && { reason }) });
    }
  }

  #planRefresh() {
    clearTimeout(this.#refreshTimer);
    // The server's clock and ours may differ: what counts is the distance at the time of issue, seen from our clock.
    const lifetime = this.api.credentials.expires_at - this.started.started_at - this.clock.now();
    this.#refreshTimer = setTimeout(() => this.#refresh(), Math.max(5000, Math.min(lifetime * REFRESH_AT, 2 ** 31 - 1)));
  }

  async #refresh() {
    this.#planRefresh();
    if (this.signal.send({ type: 'refresh' })) return;
    try {
      await this.renew(await this.api.post('token'));
    } catch (fault) {
      if (/** @type {any} */ (fault).status === 401) this.#emitRefused();
    }
  }

  #emitRefused() {
    // Everything in flight fails at once with an expired token; one new start is enough.
    if (this.#refused) return;
    this.#refused = true;
    setTimeout(() => { this.#refused = false; }, 5000);
    this.emit('unauthorised');
  }

  async #remember() {
    const { session_token, drain_token, expires_at } = this.api.credentials;
    this.#consented ||= (await wasConsented(this.#buffer, this.uuid));
    /** @type {Sdk.SessionRecord} */
    const record = { uuid: this.uuid, base: this.#base, drainToken: drain_token, sessionToken: session_token, expiresAt: expires_at, consented: this.#consented, updatedAt: Date.now() };
    await this.#buffer.putSession(record).catch((reason) => log.warn('session is in memory only', reason));
  }
}

/**
 * @param {Sdk.Buffer} buffer
 * @param {string} uuid
 */
export async function wasConsented(buffer, uuid) {
  const records = await buffer.sessions().catch(() => []);
  return records.some((record) => record.uuid === uuid && record.consented);
}
