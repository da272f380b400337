/** Loudness of a microphone as a number from 0 to 1, ten times a second. */

const INTERVAL_MS = 100;
// Speech at a desk is about -50 to -15 dBFS.
const QUIET_DB = -60;
const LOUD_DB = -15;

export class LevelMeter {
  /** @type {AudioContext | null} */
  #context = null;
  #timer = 0;
  #onLevel;
  #stream;

  /**
   * @param {MediaStream} stream
   * @param {(level: number) => void} onLevel
   */
  constructor(stream, onLevel) {
    this.#stream = stream;
    this.#onLevel = onLevel;
  }

  start() {
    if (this.#context) return;
    this.#context = new AudioContext();
    // Without a gesture on the page it starts suspended; the click that led here resumes it.
    this.#context.resume().catch(() => undefined);
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(this.#stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const decibel = 10 * Math.log10(power + 1e-10);
      this.#onLevel(Math.min(1, Math.max(0, (decibel - QUIET_DB) / (LOUD_DB - QUIET_DB))));
    }, INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#context?.close().catch(() => undefined);
    this.#context = null;
  }
}
