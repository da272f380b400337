// @ts-check
/** The pictures: one large, one small in its corner, swappable; what is missing is said on top. */
import { el, iconButton } from '../dom.js';
import { causeText, spoken, trackText } from '../format.js';
import { outcomeAt } from './data.js';
import { Feed } from './feed.js';

const LONG_GAP_MS = 2000;

/** @typedef {import('../types.d.ts').PlayerData} PlayerData */
/** @typedef {import('./engine.js').Engine} Engine */

export class Stage {
  /** @type {Engine | null} */ #engine = null;
  #said = '';
  #placed = '';
  #chosen = false;

  /** @param {PlayerData} data */
  constructor(data) {
    this.data = data;
    /** @type {Map<string, HTMLVideoElement>} */
    this.videos = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.panes = new Map();
    /** @type {Feed[]} */
    this.feeds = [];
    this.element = el('div', { class: 'stage' });
    for (const track of data.tracks) this.#addVideo(track);
    this.#placed = this.large = data.tracks.some((t) => t.name === 'screen') ? 'screen' : data.tracks[0]?.name ?? '';
    this.skip = el('button', { type: 'button', class: 'skip-gap' }, 'Skip');
    this.text = el('p', {});
    this.gap = el('div', { class: 'gap', role: 'status', hidden: true }, this.text, this.skip);
    this.spinner = el('div', { class: 'spinner', hidden: true, role: 'img', 'aria-label': 'Loading' });
    this.element.append(this.gap, this.spinner);
    if (this.panes.size > 1) this.element.append(iconButton('Swap camera and screen (S)', 'swap', () => this.swap()));
    this.#arrange();
  }

  /** @param {Engine} engine */
  attach(engine) {
    this.#engine = engine;
    this.skip.addEventListener('click', () => engine.seek(engine.gapEnd ?? engine.position));
    this.element.addEventListener('click', (event) => {
      if (event.target instanceof Element && !event.target.closest('button')) engine.toggle();
    });
  }

  swap() {
    const other = this.data.tracks.find((track) => track.name !== this.#placed);
    if (!other) return;
    this.large = other.name;
    this.#placed = other.name;
    this.#chosen = true;
    this.#arrange();
  }

  /** Called often; touches the page only where something changed. */
  update() {
    const engine = this.#engine;
    if (!engine) return;
    const at = engine.position;
    let shown = 0;
    for (const [name, pane] of this.panes) {
      const key = engine.shown(name);
      const shows = key !== null;
      shown += shows ? 1 : 0;
      if (key !== null) this.#front(name, key);
      const row = outcomeAt(this.data.ledgers.get(name) ?? [], Math.min(at, this.data.length - 1));
      const note = shows ? '' : row && row.outcome !== 'recorded' ? `${trackText(name)} not recorded: ${causeText(row.cause)}` : `${trackText(name)}: no picture`;
      pane.classList.toggle('missing', !shows);
      if (pane.dataset.note !== note) {
        pane.dataset.note = note;
        const label = pane.querySelector('.pane-note');
        if (label) label.textContent = note;
      }
    }
    this.#place(at);
    this.#sayGap(shown === 0, at);
    this.spinner.hidden = !engine.waiting || shown === 0;
  }

  /** @param {boolean} missing @param {number} at */
  #sayGap(missing, at) {
    const end = missing ? this.#engine?.gapEnd ?? null : null;
    const row = end === null ? null : this.data.tracks.map((t) => outcomeAt(t.ledger, Math.min(at, this.data.length - 1))).find((r) => r && r.outcome !== 'recorded');
    const text = end === null || at >= this.data.length - 50 ? '' : row ? `Not recorded: ${causeText(row.cause)}, ${spoken(row.to_ms - row.from_ms)}` : 'Not recorded';
    if (text === this.#said) return;
    this.#said = text;
    this.text.textContent = text;
    this.gap.hidden = !text;
    this.skip.hidden = end === null || end >= this.data.length;
  }

  /** @param {import('../types.d.ts').PlayerTrack} track */
  #addVideo(track) {
    const first = !this.panes.has(track.name);
    // The parts after the first wait until their time comes near: whoever watches the beginning need not load them all.
    const video = el('video', { preload: first ? 'auto' : 'metadata', playsinline: true, tabindex: -1, 'aria-label': `${trackText(track.name)} recording`, 'data-track': track.key, 'data-offset-ms': track.offset });
    if (track.growing) this.feeds.push(new Feed(video, track.url));
    else video.src = track.url;
    video.disableRemotePlayback = true;
    // Only the camera has sound.
    video.muted = track.name !== 'camera';
    this.videos.set(track.key, video);
    const there = this.panes.get(track.name);
    if (there) {
      video.hidden = true;
      there.querySelector('video:last-of-type')?.after(video);
      return;
    }
    const pane = el('div', { class: 'pane', 'data-track': track.name }, video, el('span', { class: 'pane-label' }, trackText(track.name)), el('span', { class: 'pane-note' }));
    this.panes.set(track.name, pane);
    this.element.append(pane);
  }

  /** @param {string} name @param {string} key shows this recording of a track and hides its other parts */
  #front(name, key) {
    const video = this.videos.get(key);
    if (!video?.hidden) return;
    for (const other of this.panes.get(name)?.querySelectorAll('video') ?? []) other.hidden = other !== video;
    video.preload = 'auto';
  }

  /** Until somebody chooses, the large place is not left empty through a long gap while the other picture is there. @param {number} at */
  #place(at) {
    if (this.#chosen) return;
    const row = outcomeAt(this.data.ledgers.get(this.large) ?? [], at);
    const away = !this.#engine?.shows(this.large) && (!row || row.to_ms - row.from_ms >= LONG_GAP_MS);
    const other = away ? this.data.tracks.find((track) => this.#engine?.shows(track.name)) : undefined;
    const placed = other?.name ?? this.large;
    if (placed === this.#placed) return;
    this.#placed = placed;
    this.#arrange();
  }

  #arrange() {
    for (const [name, pane] of this.panes) pane.classList.toggle('large', name === this.#placed);
    this.element.dataset.layout = this.panes.size > 1 ? 'both' : 'one';
  }
}
