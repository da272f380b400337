// @ts-check
/** Who the candidate is: photos with their retakes, where letting in stands, and who said what. Kept up to date by the page's polls. */
import { el } from './dom.js';
import { clock, localTime } from './format.js';
import { addressOfPhoto, nameOfPhoto } from './photos.js';

const SAID = /** @type {Record<string, string>} */ ({ waiting: 'asked to be let in', approved: 'let them begin', rejected: 'rejected' });

export class Identity {
  #section;
  #base;
  #shown = '';

  /** @param {HTMLElement} section @param {string} base of the console */
  constructor(section, base) {
    this.#section = section;
    this.#base = base;
    this.show(JSON.parse(section.dataset.identity ?? 'null'));
  }

  /** The page's section, if it has one. @param {string} base */
  static find(base) {
    const section = document.querySelector('[data-identity]');
    return section instanceof HTMLElement ? new Identity(section, base) : null;
  }

  /** @param {import('./types.d.ts').IdentityJson | null} identity */
  show(identity) {
    const text = JSON.stringify(identity);
    // What is being looked at, or has the focus, stays as it is while nothing changed.
    if (!identity || text === this.#shown) return;
    this.#shown = text;
    const { photos, words, approval } = identity;
    this.#section.hidden = photos.length === 0 && approval === null;
    this.#section.dataset.approval = approval ?? '';
    // What counts now stands together; what was tried before behind it.
    const isEarlier = (/** @type {import('./types.d.ts').Photo} */ photo) => photos.findIndex(({ kind }) => kind === photo.kind) !== photos.indexOf(photo);
    const ordered = [...photos.filter((one) => !isEarlier(one)), ...photos.filter(isEarlier)];
    this.#find('[data-photos]')?.replaceChildren(...ordered.map((one) => this.#photo(one, isEarlier(one))));
    const standing = this.#find('[data-standing]');
    if (standing) standing.textContent = standingOf(approval, words);
    this.#find('[data-approve]')?.toggleAttribute('hidden', approval !== 'waiting');
    const dialog = document.getElementById('reject');
    if (dialog instanceof HTMLDialogElement && dialog.open && approval !== 'waiting') dialog.close();
    this.#find('[data-words]')?.replaceChildren(...words.map(({ approval: word, reason, by, at }) => el('li', {},
      el('b', {}, by || 'The candidate'), ` ${SAID[word] ?? word}, `, el('time', { datetime: new Date(at).toISOString() }, localTime(at)), reason ? el('p', {}, reason) : null)));
  }

  /** @param {import('./types.d.ts').Photo} photo @param {boolean} earlier */
  #photo(photo, earlier) {
    const name = `${nameOfPhoto(photo.kind)}${earlier ? `, try ${photo.version}` : ''}`;
    const address = addressOfPhoto(this.#base, photo);
    return el('li', { class: earlier ? 'earlier' : null },
      el('a', { href: address, target: '_blank', rel: 'noopener', title: 'Open in full size' }, el('img', { src: address, alt: name, width: photo.width, height: photo.height })),
      el('span', { class: 'sub' }, `${name} · ${clock(photo.at)}`));
  }

  /** @param {string} selector */
  #find(selector) {
    return this.#section.querySelector(selector);
  }
}

/** @param {string | null} approval @param {import('./types.d.ts').Word[]} words */
function standingOf(approval, words) {
  const last = words.find((one) => one.approval === approval);
  if (approval === 'waiting') return `Waiting to be let in${last ? ` since ${localTime(last.at)}` : ''}. Compare the photos with the live picture, then decide.`;
  if (approval === 'approved') return `May begin.`;
  if (approval === 'rejected') return 'Not let in. The candidate has read why and may try again.';
  return '';
}
