// @ts-check
/** The list of events: filter by severity and text, follows the playback, a click seeks. At most a window of it is in the page. */
import { el } from '../dom.js';
import { eventParts } from '../eventitem.js';
import { SEVERITIES, detailText, severityText } from '../format.js';

const WINDOW = 400;
const HINT = 'Technical events never count against the candidate. Heuristic ones are guesses: a reason to look.';
// Beside the severities, and filtered as they are.
const GUESS = 'heuristic';

/** @typedef {import('../types.d.ts').SessionEvent} SessionEvent */

/** Fires `filter` when other events are shown. */
export class EventList extends EventTarget {
  #from = 0;
  #current = -1;
  #touched = 0;

  /** @param {SessionEvent[]} events sorted by time @param {Map<number, string>} meanings @param {(event: SessionEvent) => void} choose */
  constructor(events, meanings, choose) {
    super();
    this.meanings = meanings;
    this.events = events;
    this.choose = choose;
    /** @type {Set<string>} */
    this.hidden = new Set();
    this.shown = events;
    this.search = el('input', { type: 'search', placeholder: 'Filter events', 'aria-label': 'Filter events', autocomplete: 'off' });
    this.list = el('ol', { class: 'event-list', tabindex: 0, 'aria-label': 'Events in order of time' });
    this.note = el('p', { class: 'hint event-note' });
    this.count = el('span', { class: 'count' }, String(events.length));
    this.chips = this.#chips();
    this.element = el('section', { class: 'events', 'aria-label': 'Events' },
      el('div', { class: 'events-head' }, el('h2', {}, 'Events'), this.count),
      this.search, this.chips, el('p', { class: 'hint event-note' }, HINT), this.list, this.note);
    this.search.addEventListener('input', () => this.#refilter());
    for (const name of ['wheel', 'touchmove', 'keydown']) this.list.addEventListener(name, () => { this.#touched = Date.now(); }, { passive: true });
    this.#render();
  }

  /** @param {SessionEvent[]} events the list has grown; what is filtered and read stays */
  refresh(events) {
    if (events.length === this.events.length) return;
    this.events = events;
    this.count.textContent = String(events.length);
    const chips = this.#chips();
    this.chips.replaceWith(chips);
    this.chips = chips;
    this.#select();
    this.#render();
    this.#current = -1;
  }

  /** @param {number} at marks the newest event that has happened, and keeps it in sight */
  follow(at) {
    let [low, high] = [0, this.shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.shown[middle]?.at ?? 0) <= at + 50) low = middle + 1;
      else high = middle;
    }
    if (low - 1 === this.#current) return;
    this.#current = low - 1;
    if (this.#current >= 0 && (this.#current < this.#from || this.#current >= this.#from + WINDOW)) {
      this.#from = Math.max(0, this.#current - WINDOW / 2);
      this.#render();
    }
    this.#mark();
  }

  /** @param {number} at @param {1 | -1} direction the next or previous shown event */
  step(at, direction) {
    const event = direction > 0 ? this.shown.find((e) => e.at > at + 100) : this.shown.findLast((e) => e.at < at - 700);
    if (event) this.choose(event);
  }

  #chips() {
    const kinds = [...SEVERITIES.map((severity) => ({ kind: /** @type {string} */ (severity), text: severityText(severity), events: this.events.filter((event) => event.severity === severity) })),
      { kind: GUESS, text: 'Heuristic', events: this.events.filter((event) => event.heuristic) }];
    return el('div', { class: 'chips', role: 'group', 'aria-label': 'Severity' }, ...kinds.filter(({ events }) => events.length > 0).map(({ kind, text, events }) => {
      const chip = el('button', { type: 'button', class: 'chip', 'data-severity': kind, 'aria-pressed': String(!this.hidden.has(kind)) }, text, el('small', {}, String(events.length)));
      chip.addEventListener('click', () => {
        if (!this.hidden.delete(kind)) this.hidden.add(kind);
        chip.setAttribute('aria-pressed', String(!this.hidden.has(kind)));
        this.#refilter();
      });
      return chip;
    }));
  }

  #refilter() {
    this.#select();
    this.#from = 0;
    this.#current = -1;
    this.#render();
    this.dispatchEvent(new Event('filter'));
  }

  #select() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = this.events.filter((event) => {
      if (this.hidden.has(event.severity) || (event.heuristic && this.hidden.has(GUESS))) return false;
      const text = `${event.name} ${detailText(event.data)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  #render() {
    const part = this.shown.slice(this.#from, this.#from + WINDOW);
    this.list.replaceChildren(...part.map((event) => this.#item(event)));
    const more = this.shown.length > WINDOW ? `Showing ${this.#from + 1}–${this.#from + part.length} of ${this.shown.length}; the list moves with the playback.` : '';
    this.note.textContent = this.events.length === 0 ? 'No events were recorded.' : this.shown.length === 0 ? 'No event fits the filter.' : more;
    this.note.hidden = !this.note.textContent;
  }

  /** @param {SessionEvent} event */
  #item(event) {
    const button = el('button', { type: 'button', class: 'event', 'data-severity': event.severity, title: this.meanings.get(event.event_type_id) }, ...eventParts(event, this.meanings));
    button.addEventListener('click', () => this.choose(event));
    return el('li', {}, button);
  }

  #mark() {
    for (const item of this.list.querySelectorAll('[aria-current]')) item.removeAttribute('aria-current');
    const item = this.list.children[this.#current - this.#from];
    if (!(item instanceof HTMLElement)) return;
    item.querySelector('button')?.setAttribute('aria-current', 'true');
    // Whoever scrolls the list reads it; it follows again after a while.
    if (Date.now() - this.#touched < 6000 || this.list.matches(':focus-within, :hover')) return;
    const box = this.list;
    if (item.offsetTop < box.scrollTop || item.offsetTop + item.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = item.offsetTop - box.clientHeight / 2;
  }
}
