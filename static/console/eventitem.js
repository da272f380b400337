// @ts-check
/** What one event looks like, in the list of a recording and in the feed of a running session. */
import { el } from './dom.js';
import { clock, detailText, plain, severityText } from './format.js';

/**
 * @param {import('./types.d.ts').SessionEvent} event
 * @param {Map<number, string>} meanings
 */
export function eventParts(event, meanings) {
  const detail = detailText(event.data);
  const meaning = meanings.get(event.event_type_id);
  return [
    el('span', { class: 'event-at' }, clock(event.at)),
    el('span', { class: 'event-what' },
      el('b', {}, plain(event.name)), event.heuristic ? el('small', { class: 'guess' }, 'heuristic') : null,
      detail ? el('span', { class: 'event-detail' }, detail) : null),
    el('span', { class: 'event-severity' }, severityText(event.severity)),
    // Shown with the event that is chosen or played; hovering shows it everywhere.
    meaning ? el('span', { class: 'event-meaning' }, meaning) : null,
  ];
}
