// @ts-check
/** Photos that candidates took before the exam: their addresses, their names, and small ones for the list. */
import { el } from './dom.js';

const NAMES = /** @type {Record<string, string>} */ ({ id: 'Photo ID', face: 'Face' });

/** @param {string} kind */
export function nameOfPhoto(kind) {
  return NAMES[kind] ?? kind;
}

/** @param {string} base of the console @param {import('./types.d.ts').PhotoKey} photo */
export function addressOfPhoto(base, { uuid, kind, version }) {
  return `${base}/sessions/${encodeURIComponent(uuid)}/photos/${encodeURIComponent(kind)}-${version}.jpg`;
}

/**
 * The newest photo of each kind, while somebody has to look at them.
 * @param {HTMLElement} place
 * @param {string} base
 * @param {import('./types.d.ts').Row} session
 */
export function showThumbs(place, base, session) {
  const wanted = session.photos.map((one) => addressOfPhoto(base, one));
  if (place.dataset.shown === wanted.join(' ')) return;
  place.dataset.shown = wanted.join(' ');
  place.replaceChildren(...session.photos.map((one, n) => el('img', { src: wanted[n], alt: `${nameOfPhoto(one.kind)} of ${session.profile_id}`, loading: 'lazy', width: 72, height: 54 })));
}
