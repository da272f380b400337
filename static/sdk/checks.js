/**
 * Who the candidate is: the photos that the session asks for, and the wait for a proctor who lets them in. What was done before,
 * in this page or an earlier one of the sitting, is not asked again.
 */

import { sha256Hex } from './api.js';
import { retryDelay, sleep } from './backoff.js';
import { asProviewError } from './errors.js';
import { ready } from './locale.js';
import { log } from './log.js';
import { sharpen, takeStill } from './still.js';
import { showAdmission, showRejected } from './ui/admission.js';
import { takePhoto } from './ui/photo.js';

const ASK_AGAIN_MS = 10_000;
const LONG_MS = 5 * 60_000;
/** @type {Sdk.PhotoKind[]} */
const KINDS = ['id', 'face'];
/** @type {Record<Sdk.PhotoKind, Sdk.EventKey>} */
const EVENT = { id: 'idPhoto', face: 'facePhoto' };

export class Checks {
  #root;
  #link;
  #report;
  #over = false;
  #rung = () => {};
  /** The candidate waits to be let in. */
  waiting = false;
  /** What is left to photograph. @type {Sdk.PhotoKind[]} */
  kinds = [];

  /**
   * @param {{root: Sdk.Root, link: () => Sdk.Link}} parts `link` of the session as it is now: another one may go on with it
   * @param {Sdk.Report} report
   */
  constructor({ root, link }, report) {
    this.#root = root;
    this.#link = link;
    this.#report = report;
  }

  /** Finds out what is left to do. */
  async prepare() {
    const { photos, started } = this.#link();
    const done = started.checks?.photos ?? [];
    await photos.ready;
    this.kinds = this.#asked.filter((kind) => !done.includes(kind) && !photos.has(kind));
  }

  /** @returns {Sdk.PhotoKind[]} */
  get #asked() {
    const { checks } = this.#link().started.policy;
    return KINDS.filter((kind) => checks?.[kind]);
  }

  /** A proctor must let them in, and has not. */
  get needsAdmission() {
    const { policy, checks } = this.#link().started;
    return policy.checks?.approval === true && checks?.approval !== 'approved';
  }

  /** A proctor decided: the wait need not last until the next question. */
  ring() {
    this.#rung();
  }

  dispose() {
    this.#over = true;
  }

  /**
   * @param {MediaStream} stream
   * @param {boolean} recording then the picture stays as it is
   * @param {(n: number) => [number, number] | null} place of the n-th photo
   */
  async photos(stream, recording, place) {
    if (this.kinds.length === 0) return;
    await ready();
    const restore = recording ? async () => undefined : await sharpen(stream);
    for (const [n, kind] of this.kinds.entries()) await this.#photo(kind, stream, place(n));
    await restore();
    this.kinds = [];
  }

  /** @param {Sdk.PhotoKind} kind @param {MediaStream} stream @param {[number, number] | null} place */
  async #photo(kind, stream, place) {
    let at = 0;
    const take = (/** @type {HTMLVideoElement} */ video) => {
      at = this.#link().clock.now();
      return takeStill(video);
    };
    const { data, canvas } = await takePhoto(this.#root, { kind, stream, place, take });
    const sha256 = await sha256Hex(data);
    this.#report(EVENT[kind], { sha256, width: canvas.width, height: canvas.height }, at);
    const link = this.#link();
    await link.photos.add({ session: link.uuid, kind, at, sha256, data });
  }

  /**
   * Resolves when the candidate was let in; never, when the session is stopped before.
   * @param {() => MediaStream | null} stream for photos that have to be taken again
   */
  async admission(stream) {
    if (!this.needsAdmission) return;
    this.waiting = true;
    await ready();
    let tell = showAdmission(this.#root);
    let again = false;
    let since = Date.now();
    for (let faults = 0; ; ) {
      if (this.#over) return new Promise(() => undefined);
      const { api, photos } = this.#link();
      if (photos.pending > 0) {
        tell(photos.failing ? 'admitOffline' : 'admitSending');
        await this.#wait(500);
        continue;
      }
      try {
        const { approval, reason, somebody } = await api.post('approval', { again });
        [faults, again] = [0, false];
        if (approval === 'approved') break;
        if (approval === 'waiting') {
          tell(Date.now() - since > LONG_MS ? 'admitLong' : somebody ? 'admitWaiting' : 'admitNobody');
          await this.#wait(ASK_AGAIN_MS);
          continue;
        }
        await showRejected(this.#root, String(reason ?? ''));
        again = true;
      } catch (thrown) {
        const fault = asProviewError(thrown);
        log.warn('not let in yet', fault.code);
        if (fault.code !== 'photos_missing') {
          if (fault.temporary) tell('admitOffline');
          await this.#wait(Math.max(fault.retryAfterMs, retryDelay(faults++)));
          continue;
        }
      }
      await this.#retake(stream());
      tell = showAdmission(this.#root);
      since = Date.now();
    }
    this.waiting = false;
  }

  /** @param {MediaStream | null} stream */
  async #retake(stream) {
    this.kinds = stream ? this.#asked : [];
    if (stream) await this.photos(stream, true, () => null);
  }

  /** @param {number} ms */
  #wait(ms) {
    return Promise.race([sleep(ms), new Promise((resolve) => { this.#rung = () => resolve(undefined); })]);
  }
}
