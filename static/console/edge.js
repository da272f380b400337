// @ts-check
/** One track of a running session near its newest piece: the player's feed, with a playhead that stays at the edge and skips gaps. */
import { Feed } from './player/feed.js';

const TICK_MS = 500;
// Recorders hand out a slice a second, and it has to be stored and fetched: less than this would stand still between two.
const TARGET_S = 2;
const HURRY_S = 3.5;
const HURRY_RATE = 1.1;
const FAR_S = 8;
const KEEP_S = 10;
const ASK_AGAIN_MS = 500;

export class Edge {
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
  #frames = 0;
  #edgeMs = 0;
  /** When there was a new picture, in `performance.now()`; 0: not yet. */
  pictureAt = 0;

  /** @param {HTMLVideoElement} video @param {string} url of the track's stretches */
  constructor(video, url) {
    this.video = video;
    this.feed = new Feed(video, url, { behindS: KEEP_S, emptyMs: ASK_AGAIN_MS });
  }

  /** @param {number} edgeMs how far the track goes, on the session's clock */
  start(edgeMs) {
    this.#edgeMs = edgeMs;
    this.video.currentTime = Math.max(0, edgeMs / 1000 - TARGET_S);
    this.feed.start();
    this.#timer = setInterval(this.#tick, TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.feed.stop();
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** @param {number} edgeMs */
  follow(edgeMs) {
    this.#edgeMs = edgeMs;
  }

  #tick = () => {
    const { video } = this;
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    // A new source counts from zero again.
    if (frames > 0 && frames !== this.#frames) this.pictureAt = performance.now();
    this.#frames = frames;
    if (video.paused) video.play().catch(() => {});
    const at = video.currentTime;
    const edge = this.#edgeMs / 1000;
    const { buffered } = video;
    const last = buffered.length - 1;
    const end = last < 0 ? 0 : buffered.end(last);
    if (edge - at > FAR_S && edge - this.feed.loadedTo / 1000 > FAR_S) {
      // Hidden pages and closed lids: what was missed is in the recording.
      video.currentTime = edge - TARGET_S;
    } else if (last >= 0 && (end - at > FAR_S || (at < buffered.start(last) && video.readyState < 3))) {
      video.currentTime = Math.max(buffered.start(last) + 0.001, end - TARGET_S);
    } else if (end - at > HURRY_S) video.playbackRate = HURRY_RATE;
    else if (end - at < TARGET_S) video.playbackRate = 1;
  };
}
