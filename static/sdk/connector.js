/**
 * Gets a session its link and keeps it: the first start with its retries, new credentials, and the continuation of a session
 * that the service closed during an outage.
 *
 * Events: `unavailable` ({error}; no answer for long, trying goes on) and those of the current link.
 */

import { startSession } from './api.js';
import { retryDelay, sleep } from './backoff.js';
import { Buffer } from './buffer.js';
import { Clock } from './clock.js';
import { Drain } from './drain.js';
import { Emitter } from './emitter.js';
import { asProviewError } from './errors.js';
import { Link } from './link.js';
import { log } from './log.js';

const FAIL_OPEN_MS = 8000;
const FORWARDED = ['open', 'down', 'status', 'state', 'live', 'answer', 'live_failed', 'replaced', 'acknowledged', 'piece_refused'];
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
  #reopening = false;
  #closed = false;

  /**
   * @param {{base: string, body: Record<string, unknown>}} options
   * @param {{onLeave: () => Promise<void>, onJoined: () => Promise<void>}} callbacks around a change to another session
   */
  constructor({ base, body }, callbacks) {
    super();
    this.#base = base;
    this.#body = body;
    this.#callbacks = callbacks;
  }

  /** POST v1/sessions until it is answered. @returns {Promise<boolean>} it took so long that the page went on without us */
  async connect() {
    const until = performance.now() + FAIL_OPEN_MS;
    let late = false;
    for (let attempt = 0; !this.#closed; attempt += 1) {
      const sentAt = Clock.local();
      try {
        await this.#join(await startSession(this.#base, this.#body), sentAt);
        break;
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

  /** No more retries; what the session could not send is left to the drain. */
  close() {
    this.#closed = true;
  }

  leave() {
    this.close();
    this.link?.stop();
    this.#drain?.start();
  }

  /**
   * Recording goes on meanwhile, into the old session, which takes late pieces.
   * @param {boolean} [expired] only then: `continues` would end a session that is still open
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
        await this.#callbacks.onLeave();
        old.stop();
        await this.#join(started, sentAt);
        await this.#callbacks.onJoined();
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
   * @param {Sdk.Started} started
   * @param {number} sentAt
   */
  async #join(started, sentAt) {
    const receivedAt = Clock.local();
    const buffer = (this.buffer ??= await this.#opening);
    this.#drain ??= new Drain(buffer);
    this.#drain.stop();
    const link = new Link({ started, base: this.#base, buffer, sentAt, receivedAt });
    this.link = link;
    buffer.limitBytes = started.policy.client_buffer_mb * 2 ** 20;
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
