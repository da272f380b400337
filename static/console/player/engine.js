// @ts-check
/**
 * Plays all tracks on one clock, the session's. The first track that is recorded at the moment leads: its element's time
 * is the clock. The others follow by their playback rate, and by a seek when they are far off. Where nothing was recorded
 * the clock goes on by itself. Measured: followers stay within 25 ms, 80 ms for a moment after a change of speed.
 */
import { outcomeAt } from './data.js';

const TICK_MS = 100;
const SEEK_AT_S = 0.5;
const MAX_NUDGE = 0.1;
const MAX_HTML_RATE = 16;
// The ledger's and the file's first millisecond need not be the same.
const EDGE_S = 0.05;
// While a session grows, its newest seconds are still on their way to the element.
const EDGE_MS = 2500;

/** @typedef {import('../types.d.ts').PlayerTrack} PlayerTrack */

/** A track and the element that shows it. */
class Voice {
  /** @param {PlayerTrack} track @param {HTMLVideoElement} video */
  constructor(track, video) {
    this.track = track;
    this.video = video;
    this.broken = false;
    video.addEventListener('error', () => { this.broken = true; });
  }

  /** @param {number} at whether there is a picture for this moment */
  covers(at) {
    if (this.broken) return false;
    const seconds = this.seconds(at);
    // The file may end a moment before the ledger says; a video that has ended cannot lead.
    const known = Number.isFinite(this.video.duration) && !this.track.growing ? this.video.duration : this.track.duration / 1000;
    return seconds >= -EDGE_S && seconds < known - 0.03 && outcomeAt(this.track.ledger, at)?.outcome === 'recorded';
  }

  /** @param {number} at session ms → seconds in the file */
  seconds(at) {
    return (at - this.track.offset) / 1000;
  }

  get position() {
    return Math.round(this.track.offset + this.video.currentTime * 1000);
  }
}

/** Fires `change` (playing, rate, end) and `tick`. */
export class Engine extends EventTarget {
  /** @type {Voice | null} */ #lead = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
  #base = 0;
  #baseAt = 0;
  #playing = false;
  #rate = 1;

  /** @param {PlayerTrack[]} tracks @param {Map<string, HTMLVideoElement>} videos by key of the track @param {number} length @param {boolean} [growing] */
  constructor(tracks, videos, length, growing = false) {
    super();
    this.length = length;
    this.growing = growing;
    this.voices = tracks.flatMap((track) => {
      const video = videos.get(track.key);
      return video ? [new Voice(track, video)] : [];
    });
  }

  start() {
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    // Before the first picture the candidate gave consent; nobody wants to start with looking at nothing.
    const starts = this.voices.flatMap(({ track }) => track.ledger.find((row) => row.outcome === 'recorded')?.from_ms ?? []);
    this.seek(starts.length ? Math.min(...starts) : 0);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.pause();
  }

  get playing() { return this.#playing; }
  get rate() { return this.#rate; }

  /** How far one can go now, session-clock ms. */
  get end() {
    return this.growing ? Math.max(0, this.length - EDGE_MS) : this.length;
  }

  /** Session-clock ms. */
  get position() {
    if (this.#lead) return Math.min(this.end, this.#lead.position);
    const passed = this.#playing ? (performance.now() - this.#baseAt) * this.#rate : 0;
    return Math.min(this.end, this.#base + passed);
  }

  /** Whether the leading picture is still being loaded. */
  get waiting() {
    return this.#lead !== null && (this.#lead.video.seeking || this.#lead.video.readyState < 3);
  }

  /** Largest distance of a follower from the clock, in ms. */
  get drift() {
    const at = this.position;
    const following = this.voices.filter((voice) => voice !== this.#lead && voice.covers(at) && this.shown(voice.track.name) === voice.track.key);
    return Math.max(0, ...following.map((voice) => Math.abs(voice.position - at)));
  }

  /** @param {string} name whether this track has a picture now */
  shows(name) {
    return this.shown(name) !== null;
  }

  /** @param {string} name the key of the recording that shows this track now */
  shown(name) {
    const at = this.position;
    return this.voices.find((voice) => voice.track.name === name && voice.covers(at))?.track.key ?? null;
  }

  play() {
    if (this.#playing) return;
    if (!this.growing && this.position >= this.length - 50) this.seek(0);
    this.#rebase(this.position);
    this.#playing = true;
    this.#tick();
    this.#changed();
  }

  pause() {
    if (!this.#playing) return;
    this.#rebase(this.position);
    this.#playing = false;
    for (const { video } of this.voices) video.pause();
    this.#changed();
  }

  toggle() {
    if (this.#playing) this.pause();
    else this.play();
  }

  /** @param {number} at session-clock ms */
  seek(at) {
    const target = Math.max(0, Math.min(this.end, at));
    this.#rebase(target);
    this.#lead = null;
    for (const voice of this.voices) if (voice.covers(target)) voice.video.currentTime = Math.max(0, voice.seconds(target));
    this.#tick(target);
  }

  /** @param {number} rate */
  setRate(rate) {
    this.#rebase(this.position);
    this.#rate = Math.min(MAX_HTML_RATE, rate);
    this.#tick();
    this.#changed();
  }

  /** The end of the stretch without any picture that lies at this moment; null when there is one. */
  get gapEnd() {
    const at = this.position;
    if (this.voices.some((voice) => voice.covers(at))) return null;
    const starts = this.voices.flatMap(({ track }) => track.ledger.filter((row) => row.outcome === 'recorded' && row.from_ms > at).map((row) => row.from_ms));
    return Math.min(this.end, ...starts);
  }

  /** @param {number} [at] */
  #tick(at = this.position) {
    if (this.#playing && !this.growing && at >= this.length) this.pause();
    const lead = this.voices.find((voice) => voice.covers(at)) ?? null;
    if (lead !== this.#lead) {
      this.#rebase(at);
      this.#lead = lead;
      if (lead && Math.abs(lead.video.currentTime - lead.seconds(at)) > 0.05) lead.video.currentTime = lead.seconds(at);
    }
    for (const voice of this.voices) this.#drive(voice, at);
    this.dispatchEvent(new Event('tick'));
  }

  /** @param {Voice} voice @param {number} at */
  #drive(voice, at) {
    const { video } = voice;
    // Two sessions of a sitting overlap for a moment; one of them is seen and heard.
    const first = this.voices.find((one) => one.track.name === voice.track.name && one.covers(at));
    if (voice !== first) {
      if (!video.paused) video.pause();
      return;
    }
    let rate = this.#rate;
    if (voice !== this.#lead) {
      const off = video.currentTime - voice.seconds(at);
      if (Math.abs(off) > SEEK_AT_S && !video.seeking) video.currentTime = voice.seconds(at);
      else rate *= 1 - Math.max(-MAX_NUDGE, Math.min(MAX_NUDGE, off));
    }
    if (Math.abs(video.playbackRate - rate) > 0.001) video.playbackRate = rate;
    const hold = !this.#playing || (voice !== this.#lead && this.waiting);
    if (hold && !video.paused) video.pause();
    else if (!hold && video.paused) video.play().catch((error) => this.#refused(error));
  }

  /** @param {unknown} error a page that nobody has touched may not play sound */
  #refused(error) {
    if (error instanceof DOMException && error.name === 'NotAllowedError') this.pause();
  }

  /** @param {number} at */
  #rebase(at) {
    this.#base = at;
    this.#baseAt = performance.now();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
