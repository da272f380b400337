/** One open stream: tracks that deliver nothing, a camera that is a program, a share that is not the whole screen. */

import { virtualProduct } from './virtual.js';

/** @type {Record<string, [Sdk.EventKey, Sdk.EventKey]>} */
const MUTES = { cameravideo: ['cameraMuted', 'cameraUnmuted'], cameraaudio: ['microphoneMuted', 'microphoneUnmuted'], screenvideo: ['screenMuted', 'screenUnmuted'] };

export class StreamObserver {
  #report;
  #facts;
  #track;
  /** @type {AbortController | null} */
  #listeners = null;

  /**
   * @param {Sdk.Report} report
   * @param {Sdk.Facts} facts
   * @param {Sdk.TrackName} track
   * @param {MediaStream} stream
   */
  constructor(report, facts, track, stream) {
    this.#report = report;
    this.#facts = facts;
    this.#track = track;
    this.stream = stream;
  }

  start() {
    if (this.#listeners) return;
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    for (const one of this.stream.getTracks()) {
      const look = () => this.#look(one);
      one.addEventListener('mute', look, { signal });
      one.addEventListener('unmute', look, { signal });
      look();
    }
    const [video] = this.stream.getVideoTracks();
    if (video && this.#track === 'camera') this.#name(video.label);
    const surface = video?.getSettings().displaySurface;
    if (surface && this.#facts.changed('surface', surface, 'monitor') && surface !== 'monitor') this.#report('surfaceNotMonitor', { surface });
  }

  stop() {
    this.#listeners?.abort();
    this.#listeners = null;
  }

  /** @param {MediaStreamTrack} one */
  #look(one) {
    const name = this.#track + one.kind;
    const keys = MUTES[name];
    // A track that ended is another matter.
    if (!keys || one.readyState !== 'live' || !this.#facts.changed(`muted ${name}`, one.muted, false)) return;
    this.#report(keys[one.muted ? 0 : 1]);
  }

  /** @param {string} label */
  #name(label) {
    const product = virtualProduct(label);
    if (this.#facts.changed('camera', label, '') && product) this.#report('virtualCamera', { product, label: label.slice(0, 100) });
  }
}
