// @ts-check
/** Events of a running session, newest on top, as they come. */
import { el } from './dom.js';
import { eventParts } from './eventitem.js';
import { plain, severityText } from './format.js';

const KEPT = 300;

export class Feed {
  constructor() {
    this.count = el('span', { class: 'count' }, '0');
    this.list = el('ol', { class: 'event-list', tabindex: 0, 'aria-label': 'Events, newest first' });
    // Only what matters is read aloud; a screen reader must not be flooded by every focus change.
    this.loud = el('p', { class: 'sr', 'aria-live': 'polite' });
    this.note = el('p', { class: 'hint event-note' }, 'Events appear here as they happen.');
    this.element = el('section', { class: 'events', 'aria-label': 'Events' }, el('div', { class: 'events-head' }, el('h2', {}, 'Events'), this.count), this.note, this.list, this.loud);
    this.total = 0;
  }

  /** @param {import('./types.d.ts').SessionEvent[]} events in order of arrival @param {Map<number, string>} meanings @param {boolean} first */
  add(events, meanings, first) {
    if (!events.length) return;
    this.total += events.length;
    this.count.textContent = String(this.total);
    this.note.hidden = true;
    for (const event of events.slice(-KEPT)) {
      const item = el('div', { class: 'event', 'data-severity': event.severity, title: meanings.get(event.event_type_id) }, ...eventParts(event, meanings));
      this.list.prepend(el('li', { class: first ? null : 'fresh' }, item));
      if (!first && (event.severity === 'high' || event.severity === 'medium')) this.loud.textContent = `${severityText(event.severity)}: ${plain(event.name)}`;
    }
    while (this.list.children.length > KEPT) this.list.lastElementChild?.remove();
  }
}
