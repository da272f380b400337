// @ts-check
/** What the types of events mean: M/v1/events/catalogue as words beside an event. Without an answer there are none. */
import { call } from './api.js';

/** @param {string} mount @returns {Promise<Map<number, string>>} by number of the type */
export async function loadMeanings(mount) {
  const { events } = await call(`${mount}/v1/events/catalogue`).catch(() => ({ events: [] }));
  return new Map(events.map((/** @type {import('./types.d.ts').EventMeaning} */ type) => [type.event_type_id, words(type)]));
}

/** @param {import('./types.d.ts').EventMeaning} type */
function words({ meaning, severity, heuristic, rests_on }) {
  const lines = [meaning];
  if (severity === 'technical') lines.push('Technical: it never counts against the candidate.');
  if (heuristic) lines.push(`Heuristic, a reason to look and not a finding: ${rests_on}.`);
  return lines.join(' ');
}
