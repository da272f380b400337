// @ts-check
/**
 * Live view of a running session by WebRTC. The server's side does not restart ICE, so trouble means a new connection:
 * a fresh RTCPeerConnection shows a picture in 0.3 s, a broken one takes 7 to 12 s to come back.
 */
import { ApiProblem, call } from './api.js';
import { el, iconButton, relabel } from './dom.js';

const RETRY_MS = [300, 1000, 2000, 4000, 8000];
const GATHER_MS = 700;
const WATCH_MS = 1000;
const FROZEN_MS = 4000;
const NO_PICTURE_MS = 12_000;
// Chromium paints a closed connection's track as a black picture of 2 × 2.
const NO_WIDTH = 2;
/** @type {[string, 'video' | 'audio'][]} */
const WANTED = [['camera', 'video'], ['microphone', 'audio'], ['screen', 'video']];

/** Fires `ended` when the session is over, `picture` each second that brought a new one, `refused` when it may not be watched, `sound`. */
export class LiveView extends EventTarget {
  /** @type {RTCPeerConnection | null} */ #pc = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #watch;
  #viewer = '';
  #attempts = 0;
  #round = 0;
  #frames = { count: 0, at: 0, since: 0 };
  #stopped = true;
  #substitute = '';
  #uploadedScreen = false;
  /** What is to be said of the live picture itself. @type {[string, 'live' | 'busy' | 'bad']} */ #said = ['Connecting…', 'busy'];

  /** @param {{ url: string, iceServers: RTCIceServer[], off?: boolean }} options off: media.live is, so nothing is tried */
  constructor(options) {
    super();
    this.options = options;
    this.camera = el('video', { autoplay: true, playsinline: true, 'aria-label': 'Live camera' });
    this.screen = el('video', { autoplay: true, playsinline: true, 'aria-label': 'Live screen' });
    // Pages that nobody has clicked may play muted video only.
    this.camera.muted = true;
    this.screen.muted = true;
    this.status = el('p', { class: 'live-status', role: 'status', 'data-kind': 'busy' }, 'Connecting…');
    this.sound = iconButton('Listen', 'muted', () => this.toggleSound());
    this.screenPane = el('div', { class: 'pane missing', 'data-track': 'screen' }, this.screen, el('span', { class: 'pane-label' }, 'Screen'), el('span', { class: 'pane-note' }, 'No screen is shared'));
    const cameraPane = el('div', { class: 'pane', 'data-track': 'camera' }, this.camera, el('span', { class: 'pane-label' }, 'Camera'));
    this.stage = el('div', { class: 'stage', 'data-layout': 'live' }, cameraPane, this.screenPane, this.status);
    this.element = el('section', { class: 'theatre live', 'aria-label': 'Live view' }, this.stage,
      el('div', { class: 'controls' }, this.sound, el('span', { class: 'hint' }, 'Everything since the start is recorded and can be watched.'), el('span', { class: 'spring' }),
        iconButton('Full screen', 'full', () => { (document.fullscreenElement ? document.exitFullscreen() : this.element.requestFullscreen()).catch(() => {}); })));
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener('pagehide', this.#leave);
    if (this.options.off) return;
    this.#watch = setInterval(() => this.#check(), WATCH_MS);
    void this.#connect();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    removeEventListener('pagehide', this.#leave);
    this.#leave();
  }

  /** Another session goes on with the one that was watched. @param {string} url */
  move(url) {
    if (this.#stopped || url === this.options.url) return;
    this.#leave();
    this.options = { ...this.options, url };
    if (this.options.off) return;
    clearTimeout(this.#retry);
    this.#attempts = 0;
    void this.#connect();
  }

  toggleSound() {
    this.camera.muted = !this.camera.muted;
    relabel(this.sound, this.camera.muted ? 'Listen' : 'Mute', this.camera.muted ? 'muted' : 'volume');
    this.dispatchEvent(new Event('sound'));
  }

  /** Another picture stands in for the live one and says so; nothing: it went away. @param {string} text */
  substitute(text) {
    if (text === this.#substitute) return;
    this.#substitute = text;
    this.#say(...this.#said);
  }

  /** Whether a live picture may still come by itself. */
  get trying() {
    return !this.#stopped && !this.options.off;
  }

  /** @param {boolean} there whether the screen is seen without the live connection */
  showScreen(there) {
    this.#uploadedScreen = there;
    this.screenPane.classList.toggle('missing', !there && this.screen.videoWidth <= NO_WIDTH);
  }

  async #connect() {
    this.#leave();
    const round = ++this.#round;
    const pc = new RTCPeerConnection({ iceServers: this.options.iceServers, bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    this.#frames = { count: 0, at: performance.now(), since: performance.now() };
    const transceivers = WANTED.map(([name, kind]) => ({ name, line: pc.addTransceiver(kind, { direction: 'recvonly' }) }));
    this.#attach(transceivers);
    pc.addEventListener('connectionstatechange', () => {
      if (pc === this.#pc && ['failed', 'disconnected'].includes(pc.connectionState)) this.#again('The connection broke. Reconnecting…');
    });
    try {
      await pc.setLocalDescription();
      await gathered(pc);
      const tracks = Object.fromEntries(transceivers.map(({ name, line }) => [line.mid ?? '', name]));
      const answer = await call(this.options.url, { method: 'POST', body: { sdp: pc.localDescription?.sdp, tracks } });
      if (round !== this.#round || this.#stopped) {
        this.#signOff(answer.viewer);
        return;
      }
      this.#viewer = answer.viewer;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (error) {
      if (round === this.#round && !this.#stopped) this.#failed(error);
    }
  }

  /** @param {{ name: string, line: RTCRtpTransceiver }[]} transceivers */
  #attach(transceivers) {
    const track = (/** @type {string} */ name) => /** @type {MediaStreamTrack} */ (transceivers.find((t) => t.name === name)?.line.receiver.track);
    this.camera.srcObject = new MediaStream([track('camera'), track('microphone')]);
    this.screen.srcObject = new MediaStream([track('screen')]);
    for (const video of [this.camera, this.screen]) video.play().catch(() => {});
  }

  /** @param {unknown} error */
  #failed(error) {
    const problem = error instanceof ApiProblem ? error : null;
    if (problem && [401, 403, 404].includes(problem.status)) this.dispatchEvent(new Event('refused'));
    if (problem?.status === 401) return this.#giveUp('You have been logged out. Reload the page to log in again.');
    if (problem?.code === 'session_ended') {
      this.#giveUp('The session has ended.');
      this.dispatchEvent(new Event('ended'));
      return undefined;
    }
    if (problem && (problem.code === 'live_off' || problem.status === 403 || problem.status === 404 || problem.status === 400)) return this.#giveUp(problem.message);
    return this.#again(problem ? `${problem.message} Trying again…` : 'Live view could not be opened. Trying again…');
  }

  /** @param {string} text */
  #giveUp(text) {
    this.stop();
    this.#say(text, 'bad');
  }

  /** @param {string} text */
  #again(text) {
    if (this.#stopped) return;
    this.#say(text, 'busy');
    this.#leave();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)]);
    this.#attempts += 1;
  }

  #check() {
    const pc = this.#pc;
    if (!pc || this.#stopped) return;
    const now = performance.now();
    const count = this.camera.getVideoPlaybackQuality().totalVideoFrames;
    this.showScreen(this.#uploadedScreen);
    if (count !== this.#frames.count || document.hidden) {
      // A hidden page's frames are not counted; it gets its time anew when it is looked at again.
      if (count !== this.#frames.count) {
        this.#say('Live', 'live');
        this.#attempts = 0;
        this.dispatchEvent(new Event('picture'));
      }
      this.#frames = { ...this.#frames, count, at: now };
      return;
    }
    if (count > 0 && now - this.#frames.at > FROZEN_MS) this.#again('The picture stands still. Reconnecting…');
    else if (count === 0 && pc.connectionState === 'connected') {
      this.#say('Waiting for the candidate’s browser to send…', 'busy');
      if (now - this.#frames.since > NO_PICTURE_MS) this.#again('Waiting for the candidate’s browser to send…');
    }
  }

  /** @param {string} text @param {'live' | 'busy' | 'bad'} kind */
  #say(text, kind) {
    this.#said = [text, kind];
    if (this.#substitute && kind !== 'live') [text, kind] = [this.#substitute, 'busy'];
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.dataset.kind = kind;
  }

  /** Close the connection and say so: without it media notices only after half a minute. */
  #leave = () => {
    this.#round += 1;
    this.#pc?.close();
    this.#pc = null;
    this.#signOff(this.#viewer);
    this.#viewer = '';
  };

  /** @param {string} viewer */
  #signOff(viewer) {
    if (viewer) call(`${this.options.url}?viewer=${encodeURIComponent(viewer)}`, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}

/** @param {RTCPeerConnection} pc all candidates, or those found in time: the offer goes out once, without trickling */
function gathered(pc) {
  return new Promise((resolve) => {
    const done = () => resolve(undefined);
    const timer = setTimeout(done, GATHER_MS);
    const look = () => {
      if (pc.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      done();
    };
    pc.addEventListener('icegatheringstatechange', look);
    look();
  });
}
