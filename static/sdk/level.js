/** Loudness of a microphone as a number from 0 to 1 and in dBFS, by default ten times a second. */

// Speech at a desk is about -50 to -15 dBFS.
const QUIET_DB = -60;
const LOUD_DB = -15;

export class LevelMeter {
  /** @type {AudioContext | null} */
  #context = null;
  #timer = 0;
  #onLevel;
  #stream;
  #everyMs;
  #samples;

  /**
   * @param {MediaStream} stream
   * @param {(level: number, decibel: number) => void} onLevel
   * @param {{everyMs?: number, samples?: number}} [options]
   */
  constructor(stream, onLevel, { everyMs = 100, samples = 1024 } = {}) {
    this.#stream = stream;
    this.#onLevel = onLevel;
    this.#everyMs = everyMs;
    this.#samples = samples;
  }

  start() {
    if (this.#context) return;
    const context = new AudioContext();
    this.#context = context;
    // Without a gesture on the page it starts suspended; the click that led here resumes it.
    context.resume().catch(() => undefined);
    const analyser = context.createAnalyser();
    analyser.fftSize = this.#samples;
    context.createMediaStreamSource(this.#stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      // What is not running hears zeros.
      if (context.state !== 'running') return;
      analyser.getFloatTimeDomainData(samples);
      let power = 0;
      for (const sample of samples) power += sample * sample / samples.length;
      const decibel = 10 * Math.log10(power + 1e-10);
      this.#onLevel(Math.min(1, Math.max(0, (decibel - QUIET_DB) / (LOUD_DB - QUIET_DB))), decibel);
    }, this.#everyMs);
  }

  stop() {
    clearInterval(this.#timer);
    this.#context?.close().catch(() => undefined);
    this.#context = null;
  }
}
