/**
 * Hands in what earlier pages left: pieces and events of other sessions of this browser, with the drain token kept beside them.
 * One tab does it at a time (Web Locks), and sessions that another tab is recording are left to it.
 */

import { Api } from './api.js';
import { sleep } from './backoff.js';
import { pieceKey } from './buffer.js';
import { asProviewError } from './errors.js';
import { firstBatch } from './eventlog.js';
import { log } from './log.js';
import { isRecorded } from './place.js';
import { pageIsQuiet } from './storage.js';
import { readPiece } from './uploader.js';

const RETRY_MS = 20_000;
const FORGET_MS = 35 * 24 * 3600 * 1000;
// The service will never take them: no such session, token over, grace period over.
const HOPELESS = new Set([401, 403, 404, 410]);

export class Drain {
  #buffer;
  #current = '';
  #stopped = false;
  #timer = 0;

  /** @param {Sdk.Buffer} buffer */
  constructor(buffer) {
    this.#buffer = buffer;
  }

  /**
   * @param {string} [current] the session that this page records itself
   */
  start(current = '') {
    this.#current = current;
    this.#stopped = false;
    clearTimeout(this.#timer);
    this.#round();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round() {
    let left = false;
    await pageIsQuiet();
    if (this.#stopped) return;
    try {
      await withLock('proview.drain', async () => {
        for (const record of await this.#buffer.sessions()) {
          if (this.#stopped) return;
          if (record.uuid === this.#current || (await isRecorded(record.uuid))) continue;
          left = !(await this.#hand(record)) || left;
        }
      });
    } catch (reason) {
      left = true;
      log.warn('left-over recording could not be read', reason);
    }
    if (left && !this.#stopped) this.#timer = setTimeout(() => this.#round(), RETRY_MS);
  }

  /**
   * @param {Sdk.SessionRecord} record
   * @returns {Promise<boolean>} nothing is left of it
   */
  async #hand(record) {
    const api = new Api(record.base, record.uuid, { session_token: record.sessionToken, drain_token: record.drainToken, expires_at: record.expiresAt });
    const pieces = await this.#buffer.list(record.uuid);
    for (const info of pieces) {
      if (this.#stopped) return false;
      const piece = await readPiece(this.#buffer, pieceKey(info));
      if (!piece) continue;
      const began = performance.now();
      try {
        await api.putPiece(piece.info, piece.data, true);
        // Half of the line is left to the exam, which is going on now.
        if (this.#current) await sleep(performance.now() - began);
      } catch (thrown) {
        const fault = asProviewError(thrown);
        // Without our code it is a front server's page, not a verdict.
        if (fault.temporary || fault.code.startsWith('http_')) return false;
        log.error('left-over piece refused', record.uuid, fault.code);
        if (HOPELESS.has(fault.status)) break;
      }
      await this.#buffer.deletePiece(pieceKey(info), info.size);
    }
    for (const photo of await this.#buffer.photos(record.uuid)) {
      try {
        await api.putPhoto(photo, true);
      } catch (thrown) {
        const fault = asProviewError(thrown);
        if (fault.temporary || fault.code.startsWith('http_')) return false;
        log.error('left-over photo refused', record.uuid, fault.code);
      }
      await this.#buffer.deletePhoto(record.uuid, photo.kind);
    }
    if (pieces.length > 0) log.info('left-over recording handed in', record.uuid, pieces.length);
    if (!(await this.#handEvents(api, record.uuid))) return false;
    // Kept while fresh: a page that resumes the session reads the consent from it.
    if (Date.now() - record.updatedAt > FORGET_MS || (await this.#buffer.list(record.uuid)).length > 0) await this.#buffer.deleteSession(record.uuid);
    return true;
  }

  /**
   * @param {Api} api
   * @param {string} uuid
   * @returns {Promise<boolean>} none is left
   */
  async #handEvents(api, uuid) {
    for (;;) {
      const batch = firstBatch(await this.#buffer.events(uuid));
      if (batch.length === 0) return true;
      if (this.#stopped) return false;
      try {
        await api.post('events', { events: batch }, { draining: true });
      } catch (thrown) {
        const fault = asProviewError(thrown);
        if (fault.temporary || fault.code.startsWith('http_')) return false;
        log.error('left-over events refused', uuid, fault.code);
      }
      await this.#buffer.deleteEvents(uuid, batch.map((event) => event.seq));
    }
  }
}

/**
 * Runs `work` if nobody else holds the lock; without Web Locks it just runs, since pieces are idempotent.
 * @param {string} name
 * @param {() => Promise<void>} work
 */
async function withLock(name, work) {
  if (!navigator.locks) return work();
  await navigator.locks.request(name, { ifAvailable: true }, (lock) => (lock ? work() : undefined));
}
