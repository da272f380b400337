/**
 * The streams and their recorders. Restarts a recorder that failed, reopens a camera that went away, and says what happened;
 * what the candidate should do about it is the session's business.
 *
 * Reports: (key, data) of the event catalogue. Callbacks: `onPiece`, `onLost('camera' | 'screen')`, `onBack('camera')`.
 */

import { sleep } from './backoff.js';
import { closeStream, openCamera } from './devices.js';
import { lowered } from './ladder.js';
import { log } from './log.js';
import { Recorder } from './recorder.js';

const REOPEN_MS = 3000;
// A recorder that has started has no picture yet.
const OVERLAP_MS = 150;
/** @type {Sdk.TrackName[]} */
const TRACKS = ['camera', 'screen'];

export class Capture {
  /** @type {{camera: MediaStream | null, screen: MediaStream | null}} */
  streams = { camera: null, screen: null };
  /** @type {Map<Sdk.TrackName, Recorder>} */
  #recorders = new Map();
  /** Others are taking over from recorders, whose last pieces are on the way. @type {Promise<unknown>} */
  #handing = Promise.resolve();
  /** @type {{clock: Sdk.Clock, session: string, policy: Sdk.Policy} | null} */
  #target = null;
  #recording = false;
  #level = 0;
  #reopening = false;
  #report;
  #callbacks;
  /** Device ids that the candidate chose. @type {{camera?: string, microphone?: string}} */
  chosen = {};

  /**
   * @param {Sdk.Report} report
   * @param {{onPiece: (piece: Sdk.Piece) => Promise<void>, onLost: (track: Sdk.TrackName) => void, onBack: () => void}} callbacks
   */
  constructor(report, callbacks) {
    this.#report = report;
    this.#callbacks = callbacks;
  }

  get recording() {
    return this.#recording;
  }

  /**
   * @param {Sdk.TrackName} track
   * @param {MediaStream} stream
   */
  adopt(track, stream) {
    this.streams[track] = stream;
    for (const one of stream.getTracks()) {
      one.addEventListener('ended', () => this.#trackEnded(track, stream, one));
      one.contentHint = track === 'screen' ? 'detail' : one.contentHint;
    }
    if (this.#recording) this.#startRecorder(track);
  }

  /**
   * Starts a run on every open stream.
   * @param {{clock: Sdk.Clock, session: string, policy: Sdk.Policy}} target
   */
  async start(target) {
    this.#target = target;
    this.#recording = true;
    await Promise.all(TRACKS.map((track) => this.#startRecorder(track)));
  }

  /**
   * Another session goes on, or this one in another quality: the new runs begin before the present ones end.
   * @param {{clock: Sdk.Clock, session: string, policy: Sdk.Policy} | null} target
   * @returns {Promise<number>} to when the present one is recorded, on its clock; Infinity: it was not being recorded
   */
  async handOver(target) {
    this.#target = target;
    const before = new Map(this.#recorders);
    this.#recorders.clear();
    const ends = Promise.all(TRACKS.map(async (track) => {
      const recorder = before.get(track);
      await this.#startRecorder(track);
      await sleep(OVERLAP_MS);
      await recorder?.stop();
      return recorder?.recordedTo ?? Infinity;
    }));
    this.#handing = ends;
    return Math.min(...(await ends));
  }

  /** Other runs on the same streams: the clock jumped, or the quality is another one. */
  renew() {
    return this.handOver(this.#target);
  }

  /** Of the ladder, from 0 (as configured) downwards. @param {number} level */
  async setQuality(level) {
    this.#level = level;
    const capture = this.#target && lowered(this.#target.policy.capture, level);
    if (!capture) return;
    for (const name of TRACKS) {
      const { width, height, fps } = capture[name];
      const track = this.streams[name]?.getVideoTracks()[0];
      // What a device cannot do it does as near as it can.
      await track?.applyConstraints({ width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps, max: fps } }).catch(log.warn);
    }
    await this.renew();
  }

  /** How late the newest slice of any recorder is, ms. */
  get lateMs() {
    return Math.max(0, ...[...this.#recorders.values()].map((recorder) => recorder.lateMs));
  }

  /** Ends the runs; resolves when their last pieces are durable here. The streams stay open. */
  async stop() {
    this.#recording = false;
    const recorders = [...this.#recorders.values()];
    this.#recorders.clear();
    await Promise.all([this.#handing, ...recorders.map((recorder) => recorder.stop())]);
  }

  /** Switches camera and microphone off; the screen share is only muted, as opening it again would need a click. */
  rest() {
    closeStream(this.streams.camera);
    this.streams.camera = null;
    this.streams.screen?.getTracks().forEach((track) => { track.enabled = false; });
  }

  /** @param {Sdk.Policy['capture']} capture */
  async wake(capture) {
    this.streams.screen?.getTracks().forEach((track) => { track.enabled = true; });
    if (!this.streams.camera) this.adopt('camera', await openCamera(capture, this.chosen));
  }

  close() {
    closeStream(this.streams.camera);
    closeStream(this.streams.screen);
    this.streams = { camera: null, screen: null };
  }

  /** @param {Sdk.TrackName} track */
  async #startRecorder(track) {
    const stream = this.streams[track];
    const target = this.#target;
    if (!stream?.active || !target || !this.#recording || this.#recorders.has(track)) return;
    const policy = { ...target.policy, capture: lowered(target.policy.capture, this.#level) };
    const recorder = new Recorder({ track, stream, ...target, policy }, {
      onPiece: this.#callbacks.onPiece,
      onFault: (reason) => this.#recorderFailed(track, recorder, reason),
    });
    this.#recorders.set(track, recorder);
    try {
      await recorder.start();
      if (track === 'screen') this.#report('screenStarted', { surface: stream.getVideoTracks()[0]?.getSettings().displaySurface });
    } catch (reason) {
      this.#recorderFailed(track, recorder, reason);
    }
  }

  /**
   * @param {Sdk.TrackName} track
   * @param {Recorder} recorder
   * @param {unknown} reason
   */
  async #recorderFailed(track, recorder, reason) {
    if (this.#recorders.get(track) !== recorder) return;
    this.#recorders.delete(track);
    log.warn('recorder', track, reason);
    await sleep(300);
    if (!this.#recording || !this.streams[track]?.active) return;
    this.#report('recorderFault', { track, reason: String(reason).slice(0, 200) });
    this.#startRecorder(track);
  }

  /**
   * @param {Sdk.TrackName} track
   * @param {MediaStream} stream
   * @param {MediaStreamTrack} ended
   */
  async #trackEnded(track, stream, ended) {
    if (this.streams[track] !== stream) return;
    this.streams[track] = null;
    const recorder = this.#recorders.get(track);
    this.#recorders.delete(track);
    closeStream(stream);
    recorder?.stop();
    this.#report(track === 'screen' ? 'screenStopped' : ended.kind === 'video' ? 'cameraLost' : 'microphoneLost', { label: ended.label });
    this.#callbacks.onLost(track);
    if (track === 'camera') this.#reopenCamera();
  }

  /** Until the device is back; a new or newly allowed one is tried at once. */
  async #reopenCamera() {
    if (this.#reopening) return;
    this.#reopening = true;
    while (this.#recording && !this.streams.camera && this.#target) {
      try {
        const stream = await openCamera(this.#target.policy.capture, this.chosen);
        if (!this.#recording) closeStream(stream);
        else this.adopt('camera', stream);
        this.#report('deviceRestored');
        this.#callbacks.onBack();
      } catch {
        await Promise.race([sleep(REOPEN_MS), new Promise((resolve) => navigator.mediaDevices.addEventListener('devicechange', resolve, { once: true }))]);
      }
    }
    this.#reopening = false;
  }
}
