// @ts-check
/** The seek bar with event markers, and below it one strip per track: what is recorded, and why the rest is not. */
import { el } from '../dom.js';
import { SEVERITIES, causeText, clock, severityText, spoken, trackText } from '../format.js';
import { outcomeAt, recordedShare } from './data.js';

const MARKER_SLOTS = 240;
// A shorter gap is an edge of the encoder's, not something to explain in the legend.
const SEEN_MS = 250;

/** @typedef {import('../types.d.ts').PlayerData} PlayerData */
/** @typedef {import('../types.d.ts').SessionEvent} SessionEvent */
/** @typedef {import('./engine.js').Engine} Engine */

export class Timeline {
  #second = -1;

  /** @param {PlayerData} data @param {Engine} engine */
  constructor(data, engine) {
    this.data = data;
    this.engine = engine;
    this.played = el('div', { class: 'played' });
    this.markers = el('div', { class: 'markers' });
    this.bar = el('div', { class: 'seek', role: 'slider', tabindex: 0, 'aria-label': 'Position', 'aria-valuemin': 0, 'aria-valuemax': Math.round(data.length / 1000), 'aria-valuenow': 0, 'aria-valuetext': '0:00' },
      el('div', { class: 'rail' }, this.played));
    this.cursor = el('div', { class: 'cursor' });
    this.tip = el('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' });
    this.strips = this.#strips();
    this.legend = this.#legend();
    this.area = el('div', { class: 'lanes' }, el('div', { class: 'lane seek-lane' }, el('span', { class: 'lane-name' }, 'Events'), el('div', { class: 'lane-body' }, this.markers, this.bar)), ...this.strips, el('div', { class: 'overlay', 'aria-hidden': 'true' }, this.cursor, this.tip));
    this.element = el('div', { class: 'timeline' }, this.area, this.legend);
    this.showMarkers(data.events);
    this.#listen();
  }

  /** The data has grown. @param {SessionEvent[]} events those that are shown */
  refresh(events) {
    const strips = this.#strips();
    this.strips.forEach((strip) => strip.remove());
    this.area.querySelector('.seek-lane')?.after(...strips);
    this.strips = strips;
    const legend = this.#legend();
    this.legend.replaceWith(legend);
    this.legend = legend;
    this.bar.setAttribute('aria-valuemax', String(Math.round(this.data.length / 1000)));
    this.#second = -1;
    this.showMarkers(events);
    this.update();
  }

  update() {
    const at = this.engine.position;
    const share = `${(at / this.data.length) * 100}%`;
    this.cursor.style.left = share;
    this.played.style.width = share;
    const second = Math.floor(at / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.bar.setAttribute('aria-valuenow', String(second));
    this.bar.setAttribute('aria-valuetext', `${spoken(at)} of ${spoken(this.data.length)}`);
  }

  /** @param {SessionEvent[]} events neighbours share a marker, which has the colour of the loudest */
  showMarkers(events) {
    /** @type {Map<number, SessionEvent[]>} */
    const slots = new Map();
    for (const event of events) {
      const slot = Math.floor((Math.min(event.at, this.data.length) / this.data.length) * MARKER_SLOTS);
      slots.set(slot, [...(slots.get(slot) ?? []), event]);
    }
    this.markers.replaceChildren(...[...slots.values()].map((group) => this.#marker(group)));
  }

  /** @param {SessionEvent[]} group */
  #marker(group) {
    const loudest = group.reduce((a, b) => (SEVERITIES.indexOf(b.severity) < SEVERITIES.indexOf(a.severity) ? b : a));
    const names = group.slice(0, 4).map((event) => `${clock(event.at)} ${event.name}`);
    if (group.length > 4) names.push(`and ${group.length - 4} more`);
    // The list of events is the way for keyboard and screen reader; hundreds of tab stops would be in the way.
    const marker = el('button', { type: 'button', class: 'marker', tabindex: -1, 'aria-hidden': 'true', 'data-severity': loudest.severity, 'data-at': loudest.at, title: names.join('\n') });
    marker.style.left = `${(Math.min(loudest.at, this.data.length) / this.data.length) * 100}%`;
    marker.addEventListener('click', () => this.engine.seek(loudest.at));
    return marker;
  }

  #strips() {
    return [...this.data.ledgers].map(([name, ledger]) => this.#strip(name, ledger));
  }

  /** @param {string} name @param {import('../types.d.ts').Outcome[]} ledger */
  #strip(name, ledger) {
    const body = el('div', { class: 'lane-body strip' });
    for (const row of ledger) {
      const from = Math.max(0, row.from_ms);
      const recorded = row.outcome === 'recorded';
      const words = recorded ? `Recorded${row.source === 'live' ? ' (from the live connection)' : ''}` : `Not recorded: ${causeText(row.cause)}`;
      const part = el('div', { class: 'part', 'data-outcome': recorded ? 'recorded' : 'gap', 'data-cause': recorded ? null : row.cause ?? 'unknown', 'data-source': row.source, title: `${words}, ${clock(from)}–${clock(row.to_ms)} (${spoken(row.to_ms - from)})` });
      part.style.left = `${(from / this.data.length) * 100}%`;
      part.style.width = `${((row.to_ms - from) / this.data.length) * 100}%`;
      body.append(part);
    }
    const share = recordedShare(ledger);
    const gaps = ledger.filter((row) => row.outcome !== 'recorded');
    const percent = share === null ? '–' : `${Math.floor(share * 1000) / 10} %`;
    const spokenGaps = gaps.slice(0, 20).map((row) => `${clock(row.from_ms)} to ${clock(row.to_ms)}: ${causeText(row.cause)}`).join('; ');
    body.setAttribute('role', 'img');
    body.setAttribute('aria-label', `${trackText(name)}: ${percent} recorded. ${gaps.length ? `Gaps: ${spokenGaps}` : 'No gaps'}.`);
    return el('div', { class: 'lane', 'data-track': name }, el('span', { class: 'lane-name' }, trackText(name), el('small', {}, percent)), body);
  }

  #legend() {
    const causes = new Set([...this.data.ledgers.values()].flat().filter((row) => row.outcome !== 'recorded' && row.to_ms - row.from_ms >= SEEN_MS).map((row) => row.cause ?? 'unknown'));
    const entry = (/** @type {string} */ outcome, /** @type {string | null} */ cause, /** @type {string} */ text) =>
      el('li', {}, el('span', { class: 'part swatch', 'data-outcome': outcome, 'data-cause': cause }), text);
    return el('ul', { class: 'legend', 'aria-label': 'Legend' }, entry('recorded', null, 'Recorded'), ...[...causes].map((cause) => entry('gap', cause, causeText(cause))));
  }

  #listen() {
    const at = (/** @type {PointerEvent} */ event) => {
      const box = this.bar.getBoundingClientRect();
      return Math.max(0, Math.min(1, (event.clientX - box.left) / Math.max(1, box.width))) * this.data.length;
    };
    let dragging = false;
    this.area.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest('.marker, .lane-name'))) return;
      dragging = true;
      this.area.setPointerCapture(event.pointerId);
      this.engine.seek(at(event));
      this.bar.focus({ preventScroll: true });
      event.preventDefault();
    });
    this.area.addEventListener('pointermove', (event) => {
      if (dragging) this.engine.seek(at(event));
      this.#showTip(at(event));
    });
    for (const name of ['pointerup', 'pointercancel']) this.area.addEventListener(name, () => { dragging = false; });
    this.area.addEventListener('pointerleave', () => { this.tip.hidden = true; });
  }

  /** @param {number} at */
  #showTip(at) {
    const lines = [clock(at)];
    for (const [name, ledger] of this.data.ledgers) {
      const row = outcomeAt(ledger, at);
      if (row && row.outcome !== 'recorded') lines.push(`${trackText(name)} not recorded: ${causeText(row.cause)}, ${clock(row.from_ms)}–${clock(row.to_ms)}`);
    }
    const near = this.data.length / 150;
    for (const event of this.data.events.filter((e) => Math.abs(e.at - at) < near).slice(0, 3)) lines.push(`${severityText(event.severity)}: ${event.name}`);
    this.tip.replaceChildren(...lines.map((line) => el('span', {}, line)));
    this.tip.hidden = false;
    const share = at / this.data.length;
    this.tip.style.left = `${share * 100}%`;
    this.tip.dataset.side = share > 0.7 ? 'right' : share < 0.3 ? 'left' : 'middle';
  }
}
