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
const choice = { asked: /** @type {unknown} */ (''), setting: /** @type {unknown} */ (''), among: Object.keys(LANGUAGES) };

/** Tags of all languages. @returns {string[]} */
export function languages() {
  return Object.keys(LANGUAGES);
}

/** Those of them that the page offers. @returns {string[]} */
export function allowed() {
  return [...choice.among];
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
 * Chooses the language of everything that is shown from now on: what the page asks for, else the service's setting for this
 * exam, else the page's own language, else the browser's.
 * @param {unknown} [asked] a tag; null, '' and unknown tags leave the choice as it is
 * @param {string[]} [among] the only tags to choose from
 * @returns {string} the tag that is applied; its words may take a moment, see `ready`
 */
export function use(asked, among) {
  // Lists of other products say en-US.
  if (among) choice.among = [...new Set(among.map((tag) => lookup([tag])).filter(Boolean))];
  if (lookup([asked], choice.among)) choice.asked = asked;
  const { asked: page, setting, among: ours } = choice;
  const tag = /** @type {Tag} */ (lookup([page, setting, document.documentElement.lang, ...navigator.languages], ours) || ours[0] || FALLBACK);
  if (tag !== wanted) {
    wanted = tag;
    loading = load(tag);
  }
  return tag;
}

/** What the service is configured to for this exam. @param {unknown} setting a tag, or nothing */
export function useSetting(setting) {
  choice.setting = setting;
  return use();
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
