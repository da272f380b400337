/**
 * Photos on their way to the server: durable here until they are durable there, one of each kind at most (the newest).
 *
 * Events: `sent` ({kind}), `refused` ({kind, code}), `unauthorised`.
 */

import { retryDelay } from './backoff.js';
import { Emitter } from './emitter.js';
import { asProviewError } from './errors.js';
import { log } from './log.js';

// A transfer that was damaged on the way is not a damaged photo.
const DAMAGED_TRIES = 3;

export class Photos extends Emitter {
  #session;
  #buffer;
  #api;
  /** @type {Map<Sdk.PhotoKind, Sdk.Photo>} */
  #kept = new Map();
  #sending = false;
  #stopped = false;
  #tries = 0;
  #timer = 0;
  /** What an earlier page left is known. @type {Promise<void>} */
  ready;
  /** The last try came to nothing. */
  failing = false;

  /** @param {{session: string, buffer: Sdk.Buffer, api: Sdk.Api}} parts */
  constructor({ session, buffer, api }) {
    super();
    this.#session = session;
    this.#buffer = buffer;
    this.#api = api;
    this.ready = buffer.photos(session).then((found) => {
      for (const photo of found) if (!this.#kept.has(photo.kind)) this.#kept.set(photo.kind, photo);
    }, (reason) => log.warn('earlier photos could not be read', reason));
  }

  get pending() {
    return this.#kept.size;
  }

  /** @param {Sdk.PhotoKind} kind it was taken and waits to be sent */
  has(kind) {
    return this.#kept.has(kind);
  }

  async start() {
    await this.ready;
    this.#pump();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** @param {Sdk.Photo} photo */
  async add(photo) {
    this.#kept.set(photo.kind, photo);
    await this.#buffer.putPhoto(photo).catch((reason) => log.warn('photo is in memory only', reason));
    this.hurry();
  }

  /** Tries now: something says that the server can be reached. */
  hurry() {
    this.#tries = 0;
    this.#pump();
  }

  async #pump() {
    clearTimeout(this.#timer);
    if (this.#sending || this.#stopped) return;
    this.#sending = true;
    try {
      while (this.#kept.size > 0 && !this.#stopped) {
        const [photo] = this.#kept.values();
        if (!(await this.#send(photo))) return this.#plan();
      }
    } finally {
      this.#sending = false;
    }
  }

  /** @param {Sdk.Photo} photo @returns {Promise<boolean>} it is dealt with */
  async #send(photo) {
    const { kind } = photo;
    try {
      await this.#api.putPhoto(photo);
      this.#tries = 0;
      this.failing = false;
      await this.#forget(photo);
      this.emit('sent', { kind });
      return true;
    } catch (thrown) {
      const fault = asProviewError(thrown);
      this.failing = true;
      if (fault.status === 401) this.emit('unauthorised');
      const again = fault.temporary || fault.status === 401 || fault.code.startsWith('http_') || (fault.code === 'digest_mismatch' && this.#tries < DAMAGED_TRIES);
      if (again) return false;
      log.error('photo refused', kind, fault.code);
      await this.#forget(photo);
      this.emit('refused', { kind, code: fault.code });
      return true;
    }
  }

  #plan() {
    if (!this.#stopped) this.#timer = setTimeout(() => this.#pump(), retryDelay(this.#tries++));
  }

  /** A newer one may have taken its place meanwhile. @param {Sdk.Photo} photo */
  async #forget(photo) {
    if (this.#kept.get(photo.kind) !== photo) return;
    this.#kept.delete(photo.kind);
    await this.#buffer.deletePhoto(this.#session, photo.kind).catch((reason) => log.warn('photo stays in the buffer', reason));
  }
}
