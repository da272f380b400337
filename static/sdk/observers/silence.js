/**
 * A microphone that delivers next to nothing for long. Where the candidate is silent, noise suppression makes a quiet room of
 * any room, so this says something about the microphone only.
 */

import { LevelMeter } from '../level.js';

// A third of a second, once a second: short sounds may be missed, speech is not.
const LOOK_MS = 1000;
const SAMPLES = 16_384;
const SILENT_DB = -75;

export class SilenceObserver {
  #report;
  #silentMs;
  #meter;
  #audio;
  #heardAt = 0;
  #silent = false;

  /**
   * @param {Sdk.Report} report
   * @param {MediaStream} stream
   * @param {number} silentMs
   */
  constructor(report, stream, silentMs) {
    this.#report = report;
    this.#silentMs = silentMs;
    [this.#audio] = stream.getAudioTracks();
    this.#meter = this.#audio ? new LevelMeter(stream, this.#heard, { everyMs: LOOK_MS, samples: SAMPLES }) : null;
  }

  start() {
    this.#heardAt = performance.now();
    this.#meter?.start();
  }

  stop() {
    this.#meter?.stop();
  }

  /** @param {number} _level @param {number} decibel */
  #heard = (_level, decibel) => {
    const now = performance.now();
    // Ended and muted tracks are silent, too, and have events of their own.
    if (decibel > SILENT_DB || this.#audio?.readyState !== 'live' || this.#audio.muted) {
      if (this.#silent) this.#report('microphoneHeard', { silent_ms: Math.round(now - this.#heardAt) });
      this.#silent = false;
      this.#heardAt = now;
    } else if (!this.#silent && now - this.#heardAt >= this.#silentMs) {
      this.#silent = true;
      this.#report('microphoneSilent', { after_ms: this.#silentMs });
    }
  };
}
