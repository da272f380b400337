// @ts-check
/**
 * Stands in for the live view where WebRTC brings no picture: the newest uploaded slices, some seconds behind, until it does.
 * Asks for nothing while nobody can see it. Who may watch is decided by the server, which notes that somebody does; a refusal ends it.
 */
import { ApiProblem, call, poll } from './api.js';
import { el } from './dom.js';
import { Edge } from './edge.js';

const LOOK_MS = 500;
// A fresh connection shows a picture in a second; one that stood still is replaced after four.
const PATIENCE_MS = 5000;
const EVERY_MS = 5000;
const STALE_MS = 8000;
// Two pictures so close to each other: the live view is there to stay.
const STEADY_MS = 2500;
const BEHIND = 'A few seconds behind, from the recording.';
const STALE = 'Nothing new was uploaded for some seconds; this is the last picture.';
const TRYING = ' Trying to get the live picture…';

export class Uploaded {
  /** @type {Map<string, Edge>} */ #edges = new Map();
  /** @type {(() => void) | null} */ #end = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
  #since = 0;
  #liveAt = 0;
  #refused = false;

  /** @param {import('./live.js').LiveView} view @param {string} url of the session's edge */
  constructor(view, url) {
    this.view = view;
    this.url = url;
    view.addEventListener('picture', () => this.#seenLive());
    view.addEventListener('refused', () => { this.#refuse(); });
    view.addEventListener('ended', () => this.stop());
    view.addEventListener('sound', () => {
      const camera = this.#edges.get('camera');
      if (camera) camera.video.muted = view.camera.muted;
    });
  }

  start() {
    clearInterval(this.#timer);
    this.#since = performance.now() - (this.view.options.off ? PATIENCE_MS : 0);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#close();
  }

  /** Another session goes on with the one that was watched. @param {string} url */
  move(url) {
    if (url === this.url) return;
    const open = this.#end !== null;
    this.#close();
    this.url = url;
    if (open && !this.#refused) this.#open();
  }

  #look() {
    const now = performance.now();
    if (this.#refused) return;
    if (document.hidden || this.view.element.getClientRects().length === 0) {
      // A hidden page's live picture cannot be judged. It gets its time anew, unless it was known to be away.
      if (this.#end) {
        this.#close();
        this.#since = -PATIENCE_MS;
      } else if (this.#since >= 0) this.#since = now;
    } else if (!this.#end) {
      if (now - this.#since >= PATIENCE_MS) this.#open();
    } else this.#say(now);
  }

  #seenLive() {
    const now = performance.now();
    if (this.#end && now - this.#liveAt < STEADY_MS) this.#close();
    this.#liveAt = now;
    if (!document.hidden) this.#since = now;
  }

  #open() {
    const { url } = this;
    let pass = '';
    const close = () => {
      if (pass) call(`${url}?pass=${pass}`, { method: 'DELETE', keepalive: true }).catch(() => {});
      pass = '';
    };
    const stop = poll(async () => {
      try {
        pass ||= (await call(url, { method: 'POST' })).pass;
        if (this.#end !== end) return close();
        /** @type {import('./types.d.ts').EdgeJson} */
        const { tracks } = await call(`${url}?pass=${pass}`);
        if (this.#end === end) for (const track of tracks) this.#follow(track);
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status < 400 || error.status >= 500 || error.status === 429) throw error;
        // The last picture stays until the page says what became of it, or another session goes on.
        if (error.code !== 'session_ended') this.#refuse();
        return false;
      }
      return this.#end === end;
    }, EVERY_MS);
    const end = () => {
      stop();
      removeEventListener('pagehide', close);
      close();
    };
    addEventListener('pagehide', close);
    this.#end = end;
  }

  /** @param {import('./types.d.ts').EdgeJson['tracks'][number]} track */
  #follow({ track, url, to_ms }) {
    const edge = this.#edges.get(track);
    if (edge) edge.follow(to_ms);
    else this.#add(track, url, to_ms);
  }

  /** @param {string} name @param {string} url @param {number} edgeMs */
  #add(name, url, edgeMs) {
    const place = this.view.stage.querySelector(`.pane[data-track=${CSS.escape(name)}] .pane-label`);
    if (!place) return;
    const video = el('video', { class: 'uploaded', playsinline: true, 'aria-label': `Uploaded ${name}`, 'data-uploaded': name });
    video.muted = name !== 'camera' || this.view.camera.muted;
    video.hidden = true;
    // Until there is a picture, the last live one stays.
    video.addEventListener('loadeddata', () => { video.hidden = false; }, { once: true });
    place.before(video);
    const edge = new Edge(video, url);
    this.#edges.set(name, edge);
    edge.start(edgeMs);
  }

  /** @param {number} now */
  #say(now) {
    this.view.showScreen(Boolean(this.#edges.get('screen')?.pictureAt));
    const at = this.#edges.get('camera')?.pictureAt || this.#edges.get('screen')?.pictureAt || 0;
    if (at) this.view.substitute((now - at > STALE_MS ? STALE : BEHIND) + (this.view.trying ? TRYING : ''));
  }

  #refuse() {
    this.#refused = true;
    this.#close();
  }

  #close() {
    this.#end?.();
    this.#end = null;
    for (const edge of this.#edges.values()) {
      edge.stop();
      edge.video.remove();
    }
    this.#edges.clear();
    this.view.showScreen(false);
    this.view.substitute('');
  }
}
