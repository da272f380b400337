/**
 * One continuous MediaRecorder of one track. Its start is a run, its slices are pieces.
 *
 * WebM only: MP4 is flushed per group of pictures, WebM at every slice. A key frame every 2 s makes any part seekable and
 * lets a player join; the browsers' default is up to 20 s on a slow screen.
 */

import { sha256Hex } from './api.js';
import { log } from './log.js';

// After beforeunload there is no time to hash: the piece is written as it is, in the very task that brought it.
const UNLOADING_MS = 2000;
// A recorder whose devices vanished may never say that it stopped.
const STOP_MS = 3000;

export class Recorder {
  /** @type {MediaRecorder | null} */
  #recorder = null;
  #options;
  #run = -1;
  #seq = 0;
  #from = 0;
  #beganAt = 0;
  #slicedAt = 0;
  #unloadingUntil = 0;
  /** @type {{seq: number, from: number, to: number, blob: Blob} | null} */
  #held = null;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();
  #onPiece;
  #onFault;
  /** @type {(() => void) | null} */
  #onStopped = null;

  /**
   * @param {{track: Sdk.TrackName, stream: MediaStream, policy: Sdk.Policy, clock: Sdk.Clock, session: string}} options
   * @param {{onPiece: (piece: Sdk.Piece) => Promise<void>, onFault: (reason: unknown) => void}} callbacks
   */
  constructor(options, { onPiece, onFault }) {
    this.#options = options;
    this.#onPiece = onPiece;
    this.#onFault = onFault;
  }

  /** Session clock, ms: the end of the newest slice. */
  get recordedTo() {
    return this.#from;
  }

  /** How long the next slice is overdue, ms. */
  get lateMs() {
    return this.#recorder?.state === 'recording' && this.#run >= 0 ? Math.max(0, performance.now() - this.#slicedAt - this.#options.policy.slice_ms) : 0;
  }

  /** Resolves when the recorder runs. @returns {Promise<void>} */
  start() {
    const { stream, policy, track } = this.#options;
    const { capture } = policy;
    const hasAudio = stream.getAudioTracks().length > 0;
    const recorder = new MediaRecorder(stream, {
      mimeType: mimeType(capture.video_codec, hasAudio),
      videoBitsPerSecond: capture[track].kbps * 1000,
      ...(hasAudio && { audioBitsPerSecond: capture.audio_kbps * 1000 }),
      videoKeyFrameIntervalDuration: policy.keyframe_ms,
    });
    this.#recorder = recorder;
    recorder.ondataavailable = (event) => this.#slice(event.data);
    recorder.onerror = (event) => this.#onFault(/** @type {any} */ (event).error ?? event);
    recorder.onstop = () => this.#ended();
    addEventListener('beforeunload', this.flushNow);
    addEventListener('pagehide', this.flushNow);
    return new Promise((resolve) => {
      recorder.onstart = () => {
        this.#begin();
        resolve();
      };
      recorder.start(policy.slice_ms);
    });
  }

  /** Ends the run; resolves when its last piece was handed over. @returns {Promise<void>} */
  stop() {
    const recorder = this.#recorder;
    if (!recorder) return this.#queue;
    return new Promise((resolve) => {
      this.#onStopped = () => this.#queue.then(resolve, () => resolve());
      // An inactive one has its `stop` event on the way already.
      if (recorder.state !== 'inactive') recorder.stop();
      setTimeout(() => this.#recorder === recorder && this.#ended(), STOP_MS);
    });
  }

  /** What was recorded so far becomes a piece now, because the page may be about to go. */
  flushNow = () => {
    this.#unloadingUntil = performance.now() + UNLOADING_MS;
    if (this.#recorder?.state === 'recording') this.#recorder.requestData();
  };

  #begin() {
    if (this.#run >= 0) return;
    this.#run = this.#from = this.#options.clock.now();
    this.#beganAt = this.#slicedAt = performance.now();
  }

  /** @param {Blob} blob */
  #slice(blob) {
    this.#begin();
    // A run's stamps follow the steady clock of its media; corrections of the session clock are for the next run.
    this.#slicedAt = performance.now();
    const to = Math.round(this.#run + this.#slicedAt - this.#beganAt);
    if (blob.size === 0) return;
    this.#release(false);
    this.#held = { seq: this.#seq++, from: this.#from, to, blob };
    this.#from = to;
    // Only a stopped recorder's slice may be the last one; `onstop` follows and says so.
    if (this.#recorder?.state !== 'inactive') this.#release(false);
  }

  /** @param {boolean} last */
  #release(last) {
    const held = this.#held;
    if (!held) return;
    this.#held = null;
    const { session, track } = this.#options;
    const { seq, from, to, blob } = held;
    const piece = { session, track, run: this.#run, seq, start: from, duration: to - from, mime: this.#recorder?.mimeType || 'video/webm', last, size: blob.size, sha256: '' };
    if (performance.now() < this.#unloadingUntil) {
      this.#queue = Promise.all([this.#queue, this.#onPiece({ ...piece, data: blob })]).then(() => undefined);
    } else {
      this.#queue = this.#queue.then(async () => {
        const data = await blob.arrayBuffer();
        await this.#onPiece({ ...piece, data, sha256: await sha256Hex(data) });
      });
    }
    this.#queue = this.#queue.catch((reason) => log.error('piece lost', track, seq, reason));
  }

  #ended() {
    removeEventListener('beforeunload', this.flushNow);
    removeEventListener('pagehide', this.flushNow);
    this.#release(true);
    this.#recorder = null;
    const asked = this.#onStopped;
    if (asked) asked();
    else this.#onFault(new Error('stopped by itself'));
    this.#onStopped = null;
  }
}

/**
 * @param {string} codec
 * @param {boolean} hasAudio
 */
function mimeType(codec, hasAudio) {
  const audio = hasAudio ? ',opus' : '';
  return [`video/webm;codecs=${codec}${audio}`, `video/webm;codecs=vp8${audio}`, 'video/webm'].find((type) => MediaRecorder.isTypeSupported(type)) ?? '';
}
