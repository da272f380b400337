// @ts-check
/**
 * Feeds a video element with the pieces of a session that still grows, by Media Source Extensions: media time is the session's
 * clock. It keeps some seconds ahead of the playhead, follows it when it jumps, and lets go of what lies far behind.
 * Where a run cannot be appended to the last one (another codec, other tracks) the element gets a new source.
 */

const AHEAD_MS = 12_000;
const BEHIND_S = 60;
const LOOK_MS = 500;
const EMPTY_MS = 1500;
// A jump of less than this into the future is waited for.
const NEAR_MS = 2500;
const STEP_S = 1.5;
// Longer than any session.
const LONGEST_S = 200_000;
// So shortly before its end a source may be left for another.
const SWITCH_S = 0.3;
const ANSWER_MS = 15_000;

/** @typedef {{ run: number, next: number, from: number, to: number }} Cursor where the loaded stretch began and how far it goes */

export class Feed {
  /** @type {MediaSource | null} */ #source = null;
  /** @type {SourceBuffer | null} */ #buffer = null;
  /** @type {Cursor | null} */ #cursor = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #type = '';
  #url = '';
  #busy = false;
  #stopped = false;
  #emptyUntil = 0;
  /** Where something begins that needs another source. @type {number | null} */ #hold = null;

  /**
   * @param {HTMLVideoElement} video @param {string} url of the track's stretches
   * @param {{ behindS?: number, emptyMs?: number }} [options] how much is kept behind the playhead; how soon to ask again where nothing was there
   */
  constructor(video, url, { behindS = BEHIND_S, emptyMs = EMPTY_MS } = {}) {
    this.video = video;
    this.url = url;
    this.behindS = behindS;
    this.emptyMs = emptyMs;
  }

  /** How far the stretches go that were loaded, in ms; 0: none. */
  get loadedTo() {
    return this.#cursor?.to ?? 0;
  }

  start() {
    this.video.addEventListener('seeking', this.#look);
    this.#look();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.video.removeEventListener('seeking', this.#look);
    this.#release();
  }

  #look = () => {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(this.#look, LOOK_MS);
    this.#step();
    if (this.#busy) return;
    this.#busy = true;
    this.#load().catch(() => { this.#emptyUntil = performance.now() + EMPTY_MS; }).finally(() => { this.#busy = false; });
  };

  /** Between two runs nothing is buffered for a moment, and no browser steps over that by itself. */
  #step() {
    const { video } = this;
    if (video.readyState >= 3 || video.seeking) return;
    for (let i = 0; i < video.buffered.length; i++) {
      const gap = video.buffered.start(i) - video.currentTime;
      if (gap > 0 && gap < STEP_S) video.currentTime = video.buffered.start(i) + 0.001;
    }
  }

  async #load() {
    const at = Math.round(this.video.currentTime * 1000);
    const cursor = this.#cursor;
    if (cursor && at >= cursor.from - NEAR_MS && at <= cursor.to + NEAR_MS) {
      if (cursor.to - at > AHEAD_MS || performance.now() < this.#emptyUntil) return;
      if (this.#hold !== null && !this.#played(this.#hold)) return;
      await this.#take(`run=${cursor.run}&seq=${cursor.next}`, null);
    } else {
      if (!cursor && performance.now() < this.#emptyUntil) return;
      await this.#take(`at=${Math.max(0, at)}`, at);
    }
  }

  /** @param {string} query @param {number | null} at the moment that was asked for; null: go on */
  async #take(query, at) {
    const answer = await fetch(this.url + (this.url.includes('?') ? '&' : '?') + query, { credentials: 'same-origin', signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 204) {
      this.#emptyUntil = performance.now() + this.emptyMs;
      return;
    }
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const number = (/** @type {string} */ name) => Number(answer.headers.get(`X-Stretch-${name}`));
    const fresh = answer.headers.get('X-Stretch-Fresh') === '1';
    const data = await answer.arrayBuffer();
    if (this.#stopped) return;
    const from = at ?? this.#cursor?.from ?? number('From');
    const type = answer.headers.get('X-Stretch-Type') || 'video/webm; codecs="vp8,opus"';
    if (fresh && type !== this.#type && at === null && !this.#played(number('From'))) {
      // It needs another source, and what this one has is still to be seen.
      this.#hold = number('From');
      return;
    }
    this.#hold = null;
    if (fresh) await this.#begin(type, number('Clock'), number('From'));
    await this.#append(data);
    this.#cursor = { run: number('Run'), next: number('Next'), from: Math.min(from, number('From')), to: number('To') };
  }

  /** @param {number} from ms; whether the playhead has come to what begins there, or to the end of what is buffered */
  #played(from) {
    const { buffered, currentTime } = this.video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    return currentTime >= Math.min(end, from / 1000) - SWITCH_S;
  }

  /** @param {string} type @param {number} clock where the stream's zero lies on the session clock, in ms @param {number} from its first moment */
  async #begin(type, clock, from) {
    if (!this.#buffer || type !== this.#type) await this.#renew(type, from / 1000);
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    // The parser forgets the cluster that it was in (Media Source Extensions, "abort").
    buffer.abort();
    buffer.timestampOffset = clock / 1000;
  }

  /** @param {string} type @param {number} from seconds */
  async #renew(type, from) {
    const ahead = from - this.video.currentTime;
    const at = this.#type && ahead > 0 && ahead < STEP_S ? from : this.video.currentTime;
    const paused = this.video.paused;
    this.#release();
    const source = new MediaSource();
    this.#source = source;
    this.#type = type;
    this.#url = URL.createObjectURL(source);
    this.video.src = this.#url;
    await new Promise((resolve) => { source.addEventListener('sourceopen', resolve, { once: true }); });
    // Seeks go as far as this, or, without an end, only as far as what is there already (Media Source Extensions, "seekable").
    source.duration = LONGEST_S;
    this.#buffer = source.addSourceBuffer(type);
    if (at > 0) this.video.currentTime = at;
    if (!paused) this.video.play().catch(() => {});
  }

  #release() {
    this.#buffer = null;
    this.#source = null;
    this.#cursor = null;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = '';
  }

  /** @param {ArrayBuffer} data */
  async #append(data) {
    const buffer = this.#buffer;
    if (!buffer || this.#source?.readyState !== 'open') throw new Error('the source is closed');
    try {
      await this.#updated(buffer, () => buffer.appendBuffer(data));
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'QuotaExceededError')) throw error;
      await this.#forget(buffer, 10);
      await this.#updated(buffer, () => buffer.appendBuffer(data));
    }
    await this.#forget(buffer, this.behindS);
  }

  /** @param {SourceBuffer} buffer @param {number} seconds what lies longer ago than this goes */
  async #forget(buffer, seconds) {
    const end = this.video.currentTime - seconds;
    if (buffer.buffered.length && buffer.buffered.start(0) < end - 1) {
      await this.#updated(buffer, () => buffer.remove(0, end));
      if (this.#cursor) this.#cursor.from = Math.max(this.#cursor.from, Math.round(end * 1000));
    }
  }

  /** @param {SourceBuffer} buffer @param {() => void} change @returns {Promise<void>} */
  #updated(buffer, change) {
    return new Promise((resolve, reject) => {
      const failed = () => { this.#cursor = null; reject(new Error('the bytes were not taken')); };
      buffer.addEventListener('error', failed, { once: true });
      buffer.addEventListener('updateend', () => { buffer.removeEventListener('error', failed); resolve(); }, { once: true });
      change();
    });
  }
}
