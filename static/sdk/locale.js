/**
 * Which language the candidate reads. English is part of the SDK (strings.js); of the others only the one that is needed is
 * fetched (locales/<tag>.json), and what it lacks is English. A missing file costs the translation, never the exam.
 * docs/languages.md says how a language is added.
 */

import { log } from './log.js';

/** Every language there is, with its direction of writing. */
const LANGUAGES = { en: 'ltr', ar: 'rtl', de: 'ltr', es: 'ltr', fr: 'ltr', hi: 'ltr', pt: 'ltr' };
const FALLBACK = 'en';
// A card without words may wait this long for them; then it speaks English.
const PATIENCE_MS = 4000;

/** @typedef {keyof typeof LANGUAGES} Tag */

/** What is loaded, thus shown; `wanted` may still be on its way. */
let shown = { tag: /** @type {Tag} */ (FALLBACK), words: /** @type {Record<string, unknown>} */ ({}) };
let wanted = /** @type {Tag} */ (FALLBACK);
let loading = Promise.resolve();

/** Tags of all languages. @returns {string[]} */
export function languages() {
  return Object.keys(LANGUAGES);
}

/**
 * The first of the wanted languages that we have (RFC 4647 section 3.4, Lookup).
 * @param {unknown[]} ranges in order of preference; what is no language tag is passed over
 * @param {string[]} [among] tags to choose from
 * @returns {string} '' where none fits
 */
export function lookup(ranges, among = languages()) {
  for (const range of ranges) {
    if (typeof range !== 'string' || range.length > 100) continue;
    // pt_BR is how PHP applications spell it.
    const parts = range.trim().toLowerCase().split(/[-_]/);
    while (parts.length > 0) {
      const found = among.find((tag) => tag.toLowerCase() === parts.join('-'));
      if (found) return found;
      parts.pop();
      // A single letter opens an extension, which means nothing without what followed.
      if (parts.at(-1)?.length === 1) parts.pop();
    }
  }
  return '';
}

/**
 * Chooses the language of everything that is shown from now on. What the page asks for comes first, then the page's own
 * language, then the browser's.
 * @param {unknown} asked one tag or several; null, undefined and unknown tags choose nothing
 * @param {string[]} [among] tags to choose from
 * @returns {string} the tag that is applied; its words may take a moment, see `ready`
 */
export function use(asked, among = languages()) {
  const page = document.documentElement.lang;
  const ours = among.filter((tag) => tag in LANGUAGES);
  const tag = /** @type {Tag} */ (lookup([...(Array.isArray(asked) ? asked : [asked]), page, ...navigator.languages], ours) || ours[0] || FALLBACK);
  if (tag !== wanted) {
    wanted = tag;
    loading = load(tag);
  }
  return tag;
}

/** Resolves when the chosen language's words are there, or will not come. Never rejects. */
export function ready() {
  return loading;
}

/** The language that is shown now. */
export function current() {
  return { tag: shown.tag, direction: LANGUAGES[shown.tag] };
}

/** @param {string} key @returns {string | undefined} */
export function translated(key) {
  const text = shown.words[key];
  return typeof text === 'string' ? text : undefined;
}

/** A number as the language writes it. @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function formatNumber(value, options) {
  return new Intl.NumberFormat(shown.tag, options).format(value);
}

/** "90 minutes", in the right plural. @param {number} value */
export function formatMinutes(value) {
  return formatNumber(value, { style: 'unit', unit: 'minute', unitDisplay: 'long' });
}

/** @param {Tag} tag */
async function load(tag) {
  let now = { tag: /** @type {Tag} */ (FALLBACK), words: {} };
  if (tag !== FALLBACK) {
    try {
      const answer = await fetch(new URL(`./locales/${tag}.json`, import.meta.url), { credentials: 'omit', signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      now = { tag, words: await answer.json() };
    } catch (reason) {
      log.warn('no words in', tag, String(reason));
    }
  }
  // Meanwhile another language may have been chosen.
  if (wanted !== tag) return;
  shown = now;
  // What failed is tried again when it is asked for again.
  wanted = now.tag;
}
