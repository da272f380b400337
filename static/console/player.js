// @ts-check
/** The player of a session, finished or growing: camera and screen on one clock, timeline, events, coverage. Composes the parts in player/. */
import { el } from './dom.js';
import { Controls } from './player/controls.js';
import { playerData } from './player/data.js';
import { Engine } from './player/engine.js';
import { EventList } from './player/eventlist.js';
import { Keys } from './player/keys.js';
import { Stage } from './player/stage.js';
import { Timeline } from './player/timeline.js';

export class Player {
  #frame = 0;

  /** @param {HTMLElement} root @param {import('./types.d.ts').PlaybackJson} json @param {Map<number, string>} meanings of the events */
  constructor(root, json, meanings) {
    this.root = root;
    const data = playerData(json);
    this.stage = new Stage(data);
    this.engine = new Engine(data.tracks, this.stage.videos, data.length, data.growing);
    this.data = data;
    this.stage.attach(this.engine);
    this.timeline = new Timeline(data, this.engine);
    this.events = new EventList(data.events, meanings, (event) => this.engine.seek(event.at));
    this.controls = new Controls(this.engine, data.tracks.flatMap((track) => (track.name === 'camera' ? this.stage.videos.get(track.key) ?? [] : [])), { fullscreen: () => this.fullscreen(), help: () => this.keys.help() });
    this.box = el('section', { class: 'theatre', 'aria-label': 'Recording' }, this.stage.element, el('div', { class: 'deck' }, this.timeline.element, this.controls.element));
    this.element = el('div', { class: 'player' }, this.box, this.events.element);
    if (!data.tracks.length) this.stage.element.append(el('p', { class: 'no-media' }, 'Nothing was recorded in this session. The events are listed beside.'));
    this.keys = new Keys(this.element, {
      toggle: () => this.engine.toggle(),
      move: (ms) => this.engine.seek(this.engine.position + ms),
      jump: (share) => this.engine.seek(data.length * share),
      event: (direction) => this.events.step(this.engine.position, direction),
      speed: (step) => this.controls.changeSpeed(step),
      mute: () => this.controls.toggleMute(),
      swap: () => this.stage.swap(),
      fullscreen: () => this.fullscreen(),
    });
    this.events.addEventListener('filter', () => this.timeline.showMarkers(this.events.shown));
    this.engine.addEventListener('tick', () => this.#update());
  }

  start() {
    this.root.replaceChildren(this.element);
    this.engine.start();
    this.stage.feeds.forEach((feed) => feed.start());
    this.keys.start();
    const paint = () => {
      if (this.engine.playing) {
        this.timeline.update();
        this.controls.update();
      }
      this.#frame = requestAnimationFrame(paint);
    };
    this.#frame = requestAnimationFrame(paint);
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.keys.stop();
    this.engine.stop();
    this.stage.feeds.forEach((feed) => feed.stop());
    this.root.replaceChildren();
  }

  /**
   * The session has grown.
   * @param {import('./types.d.ts').PlaybackJson} json
   * @returns {boolean} false: other tracks than before, so that another player is needed
   */
  refresh(json) {
    const fresh = playerData(json);
    const { data } = this;
    if (fresh.growing !== data.growing || fresh.tracks.length !== data.tracks.length) return false;
    if (fresh.tracks.some((track, i) => track.url !== data.tracks[i]?.url)) return false;
    fresh.tracks.forEach((track, i) => Object.assign(/** @type {object} */ (data.tracks[i]), { duration: track.duration, ledger: track.ledger }));
    Object.assign(data, { length: fresh.length, ledgers: fresh.ledgers, events: fresh.events });
    this.engine.length = fresh.length;
    this.events.refresh(data.events);
    this.timeline.refresh(this.events.shown);
    return true;
  }

  fullscreen() {
    const change = document.fullscreenElement ? document.exitFullscreen() : this.box.requestFullscreen();
    change.catch(() => {});
  }

  #update() {
    this.stage.update();
    this.timeline.update();
    this.controls.update();
    this.events.follow(this.engine.position);
    this.element.dataset.drift = String(Math.round(this.engine.drift));
    this.element.dataset.playing = this.engine.playing ? 'yes' : 'no';
  }
}
