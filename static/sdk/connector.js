/**
 * Gets a sitting its link and keeps it: the first start with its retries, new credentials, and the change to another session
 * when the time limit comes or the service closed the session during an outage.
 *
 * Events: `unavailable` ({error}; no answer for long, trying goes on), `elsewhere` ({take}; another tab records it, this one waits),
 * `here` (this one does now), and those of the current link.
 */

import { Api, startSession } from './api.js';
import { retryDelay, sleep } from './backoff.js';
import { Buffer } from './buffer.js';
import { Clock } from './clock.js';
import { Drain } from './drain.js';
import { Emitter } from './emitter.js';
import { asProviewError } from './errors.js';
import { Link } from './link.js';
import { log } from './log.js';
import { Place } from './place.js';
import { keepStorage, roomFor } from './storage.js';

const FAIL_OPEN_MS = 8000;
// The page before this one in the same tab may not have let go yet.
const PATIENCE_MS = 500;
const FORWARDED = ['open', 'down', 'status', 'state', 'live', 'answer', 'live_failed', 'replaced', 'acknowledged', 'piece_refused', 'photo_refused', 'approval'];
const OPEN_STATES = ['created', 'running', 'paused'];

export class Connector extends Emitter {
  /** @type {Link | null} */
  link = null;
  /** @type {Buffer | null} */
  buffer = null;
  #base;
  #body;
  #callbacks;
  #opening = Buffer.open();
  /** @type {Drain | null} */
  #drain = null;
  /** @type {Place | null} */
  #place = null;
  /** @type {Api | null} */
  #elsewhere = null;
  #reopening = false;
  #closed = false;
  /** Links of sessions that others go on with, until they have handed in the rest. @type {Set<Link>} */
  #leaving = new Set();
  /** Resolves when no change to another session is under way. */
  settled = Promise.resolve();

  /**
   * @param {{base: string, body: Record<string, unknown>}} options
   * @param {{onChanged: (old: Link) => Promise<number>}} callbacks another session goes on: resolves when the recorders of the old
   *     one have ended, with the time of that on its clock
   */
  constructor({ base, body }, callbacks) {
    super();
    this.#base = base;
    this.#body = body;
    this.#callbacks = callbacks;
  }

  /**
   * POST v1/sessions until it is answered, and no other tab has the session.
   * @returns {Promise<boolean>} it took so long that the page went on without us
   */
  async connect() {
    const until = performance.now() + FAIL_OPEN_MS;
    let late = false;
    for (let attempt = 0; !this.#closed; attempt += 1) {
      const sentAt = Clock.local();
      try {
        const started = await startSession(this.#base, this.#body);
        if (await this.#mayRecord(started)) {
          await this.#join(started, sentAt);
          break;
        }
        // What was told is old by now: the session may have ended, or another one goes on with it.
        late = true;
        attempt = -1;
        continue;
      } catch (thrown) {
        const fault = asProviewError(thrown);
        if (!fault.temporary) {
          this.#opening.then((buffer) => new Drain(buffer).start());
          throw fault;
        }
        log.warn('no session yet', fault.code);
        if (!late && performance.now() > until) {
          late = true;
          this.emit('unavailable', { error: fault });
        }
        await sleep(Math.max(fault.retryAfterMs, retryDelay(attempt)));
      }
    }
    return late;
  }

  /**
   * At once, or after another tab was closed or let go: then false.
   * @param {Sdk.Started} started
   * @returns {Promise<boolean>}
   */
  async #mayRecord(started) {
    if (this.#place?.uuid !== started.session_uuid) {
      this.#place?.leave();
      this.#place = new Place(started.session_uuid);
    }
    const place = this.#place;
    if (await place.within(PATIENCE_MS)) return true;
    log.info('another tab records', started.session_uuid);
    this.#elsewhere = new Api(this.#base, started.session_uuid, started);
    this.emit('elsewhere', { take: () => place.take() });
    await place.taken;
    this.#elsewhere = null;
    this.emit('here');
    return false;
  }

  /** Another tab records the session: it ends there, too. @param {string} reason */
  async stopElsewhere(reason) {
    await this.#elsewhere?.post('stop', { reason }).catch((fault) => log.warn('stop was not answered', fault));
  }

  /** No more retries; what the session could not send is left to the drain. */
  close() {
    this.#closed = true;
    if (this.#elsewhere) this.#place?.leave();
  }

  /** Also for the session that may have to continue this one. @param {Record<string, unknown>} told */
  async describe(told) {
    Object.assign(this.#body, told);
    await this.link?.api.post('describe', told);
  }

  leave() {
    this.close();
    this.#place?.leave();
    this.link?.stop();
    for (const link of this.#leaving) link.stop();
    this.#drain?.start();
  }

  /** A piece that the buffer holds. @param {Sdk.Piece} piece */
  add(piece) {
    for (const link of [this.link, ...this.#leaving]) if (link?.uuid === piece.session) link.uploader.add(piece);
  }

  /** Resolves when everything was sent, or after `ms` with false. @param {number} ms @returns {Promise<boolean>} */
  async drained(ms) {
    const links = this.link ? [this.link, ...this.#leaving] : [...this.#leaving];
    return (await Promise.all(links.map((link) => link.uploader.drained(ms)))).every(Boolean);
  }

  /** The time limit: another session goes on with this one. @returns {Promise<boolean>} false: not now */
  async goOn() {
    const old = this.link;
    if (this.#reopening || this.#closed || !old || !old.signal.online) return false;
    this.#reopening = true;
    try {
      const sentAt = Clock.local();
      const started = await startSession(this.#base, { ...this.#body, continues: old.uuid });
      if (started.session_uuid !== old.uuid) await this.#change(old, started, sentAt, true);
      return true;
    } catch (thrown) {
      log.warn('no other session yet', asProviewError(thrown).code);
      return false;
    } finally {
      this.#reopening = false;
    }
  }

  /**
   * Recording goes on meanwhile, into the old session, which takes late pieces.
   * @param {boolean} [expired] the service closed the session
   */
  async reopen(expired = false) {
    const old = this.link;
    if (this.#reopening || this.#closed || !old) return;
    this.#reopening = true;
    try {
      const sentAt = Clock.local();
      const started = await startSession(this.#base, { ...this.#body, ...(expired && { continues: old.uuid }) });
      if (started.session_uuid === old.uuid) {
        await old.renew(started);
        old.signal.reconnect();
      } else {
        await this.#change(old, started, sentAt, false);
      }
    } catch (thrown) {
      const fault = asProviewError(thrown);
      log.warn('session could not be renewed', fault.code);
      if (fault.temporary) setTimeout(() => this.reopen(expired), retryDelay(4));
    } finally {
      this.#reopening = false;
    }
  }

  /**
   * @param {Link} old
   * @param {Sdk.Started} started
   * @param {number} sentAt
   * @param {boolean} open the service goes on with the old one until it is told to stop
   */
  async #change(old, started, sentAt, open) {
    if (this.#closed) {
      // Stopped by the page while the service was asked: nobody will record this one.
      await new Api(this.#base, started.session_uuid, started).post('stop', { reason: 'page' });
      return;
    }
    /** @type {() => void} */
    let done = () => undefined;
    this.settled = new Promise((resolve) => { done = () => resolve(undefined); });
    try {
      this.#leaving.add(old);
      await this.#join(started, sentAt, old.clock);
      const at = await this.#callbacks.onChanged(old);
      old.farewell(open ? at : null).catch((fault) => log.error('farewell', fault)).then(() => {
        this.#leaving.delete(old);
        // Its lock is free: what it could not send is a leftover now.
        if (!this.#closed) this.#drain?.start(this.link?.uuid);
      });
    } finally {
      done();
    }
  }

  /**
   * @param {Sdk.Started} started
   * @param {number} sentAt
   * @param {Clock} [known]
   */
  async #join(started, sentAt, known) {
    const receivedAt = Clock.local();
    const buffer = (this.buffer ??= await this.#opening);
    this.#drain ??= new Drain(buffer);
    this.#drain.stop();
    if (this.#place?.uuid !== started.session_uuid) this.#place = new Place(started.session_uuid);
    const link = new Link({ started, base: this.#base, buffer, place: this.#place, sentAt, receivedAt, known });
    this.link = link;
    buffer.limitBytes = started.policy.client_buffer_mb * 2 ** 20;
    roomFor(buffer.limitBytes, buffer.bytes).then((bytes) => { buffer.limitBytes = bytes; });
    keepStorage();
    for (const name of FORWARDED) link.listen(name, (detail) => this.link === link && this.emit(name, detail));
    link.listen('unauthorised', () => this.link === link && this.reopen());
    link.listen('ended', () => this.link === link && this.#askWhyEnded(link));
    link.start().catch((fault) => log.error('buffer', fault));
    this.#drain.start(link.uuid);
    log.info(started.resumed ? 'resumed' : 'started', link.uuid);
  }

  /** The socket was closed because the session is over; only its state says whether by time-out or by a person. @param {Link} link */
  async #askWhyEnded(link) {
    try {
      const { state } = await link.api.post('heartbeat', { t: Clock.local() });
      if (OPEN_STATES.includes(state)) link.signal.reconnect();
      else this.emit('state', { state });
    } catch (thrown) {
      if (asProviewError(thrown).temporary) setTimeout(() => this.#askWhyEnded(link), retryDelay(4));
      else this.reopen();
    }
  }
}
