// @ts-check
/** The row of buttons: play, steps, time, speed, volume, full screen, help. */
import { el, iconButton, relabel } from '../dom.js';
import { clock } from '../format.js';

// So near to the newest picture it is called live.
const NEAR_EDGE_MS = 4000;
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];

/** @typedef {import('./engine.js').Engine} Engine */

export class Controls {
  /**
   * @param {Engine} engine
   * @param {HTMLVideoElement[]} sounds the elements that are heard, one for each part of the sitting
   * @param {{ fullscreen: () => void, help: () => void }} actions
   */
  constructor(engine, sounds, actions) {
    this.engine = engine;
    this.sounds = sounds;
    this.playButton = iconButton('Play (space)', 'play', () => engine.toggle());
    this.playButton.classList.add('play');
    this.time = el('span', { class: 'now' }, '0:00');
    this.total = el('span', { class: 'total' }, ` / ${clock(engine.length)}`);
    this.edge = el('button', { type: 'button', class: 'to-live', hidden: !engine.growing, title: 'To the newest picture' }, 'Live');
    this.edge.addEventListener('click', () => {
      engine.seek(engine.end);
      engine.play();
    });
    this.speed = el('select', { 'aria-label': 'Speed', title: 'Speed (↑ ↓)' }, ...SPEEDS.map((speed) => el('option', { value: speed }, `${speed}×`)));
    this.speed.value = '1';
    this.speed.addEventListener('change', () => engine.setRate(Number(this.speed.value)));
    this.muteButton = iconButton('Mute (M)', 'volume', () => this.toggleMute());
    this.volume = el('input', { type: 'range', min: 0, max: 1, step: 0.05, value: 1, 'aria-label': 'Volume', class: 'volume' });
    this.volume.addEventListener('input', () => this.#setVolume(Number(this.volume.value)));
    const help = iconButton('Keyboard shortcuts (?)', 'keys', () => actions.help());
    help.classList.add('desk');
    this.element = el('div', { class: 'controls', role: 'group', 'aria-label': 'Playback' },
      this.playButton,
      iconButton('Back 10 s (J)', 'back', () => engine.seek(engine.position - 10_000)),
      iconButton('Forward 10 s (L)', 'forward', () => engine.seek(engine.position + 10_000)),
      el('span', { class: 'time' }, this.time, this.total),
      this.edge,
      el('span', { class: 'spring' }),
      this.speed,
      el('span', { class: 'sound' }, this.muteButton, this.volume),
      help,
      iconButton('Full screen (F)', 'full', () => actions.fullscreen()));
    if (sounds.length === 0) this.element.querySelector('.sound')?.setAttribute('hidden', '');
    engine.addEventListener('change', () => this.#showState());
  }

  update() {
    const text = clock(this.engine.position);
    if (this.time.textContent !== text) this.time.textContent = text;
    const total = ` / ${clock(this.engine.length)}`;
    if (this.total.textContent !== total) this.total.textContent = total;
    this.edge.setAttribute('aria-pressed', String(this.engine.position >= this.engine.end - NEAR_EDGE_MS));
  }

  toggleMute() {
    this.#mute(!this.sounds[0]?.muted);
  }

  /** @param {number} step +1 faster, -1 slower */
  changeSpeed(step) {
    const at = SPEEDS.indexOf(this.engine.rate);
    this.engine.setRate(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, (at < 0 ? 2 : at) + step))] ?? 1);
  }

  #showState() {
    const { playing, rate } = this.engine;
    relabel(this.playButton, playing ? 'Pause (space)' : 'Play (space)', playing ? 'pause' : 'play');
    this.speed.value = String(rate);
  }

  /** @param {number} volume */
  #setVolume(volume) {
    for (const sound of this.sounds) sound.volume = volume;
    this.#mute(volume === 0);
  }

  /** @param {boolean} muted */
  #mute(muted) {
    for (const sound of this.sounds) sound.muted = muted;
    relabel(this.muteButton, muted ? 'Unmute (M)' : 'Mute (M)', muted ? 'muted' : 'volume');
  }
}
