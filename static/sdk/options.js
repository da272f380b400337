/**
 * Options of `tv('init', token, options)`: every documented name and every spelling that real clients send.
 * A wrong type is an error with the option's path; unknown options are ignored, because wrappers pass their own along.
 */

import { ProviewError } from './errors.js';

const MAX_TEXT = { token: 512, launch: 4096, session: 256, profileId: 256, title: 512, additionalInstruction: 20_000 };

/** Ours to Proview's spellings; the first one present wins. */
const SPELLINGS = {
  launch: ['launch'],
  session: ['session', 'sessionId', 'session_id'],
  profileId: ['profileId', 'profile_id'],
  sessionType: ['session_type', 'sessionType'],
  title: ['sessionTitle', 'session_title', 'title'],
  previewStyle: ['previewStyle', 'preview_style'],
  additionalInstruction: ['additionalInstruction'],
  referenceLinks: ['referenceLinks'],
  language: ['language'],
  screen: ['screen'],
  skipHardwareTest: ['skipHardwareTest'],
  clear: ['clear'],
  isIDRequired: ['isIDRequired'],
  eventExternalId: ['event_external_id', 'eventExternalId'],
  initCallback: ['initCallback'],
  networkDisconnectionCallback: ['networkDisconnectionCallback'],
};

const TYPES = ['ai_proctor', 'record_and_review', 'live_proctor'];

/**
 * @param {unknown} token
 * @param {unknown} [given]
 * @returns {Sdk.Options}
 * @throws {ProviewError} code `options_invalid` with one validation error per bad option
 */
export function parseOptions(token, given) {
  /** @type {{path: string, message: string, code: string}[]} */
  const faults = [];
  const fault = (/** @type {string} */ path, /** @type {string} */ message, code = 'type') => {
    faults.push({ path, message, code });
  };
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) fault('options', 'must be an object');
  const source = /** @type {Record<string, unknown>} */ (typeof given === 'object' && given !== null && !Array.isArray(given) ? given : {});

  /** @param {keyof typeof SPELLINGS} name @returns {[string, unknown]} */
  const find = (name) => {
    const spelling = SPELLINGS[name].find((one) => source[one] !== undefined && source[one] !== null);
    return [spelling ?? SPELLINGS[name][0], spelling === undefined ? undefined : source[spelling]];
  };
  /** @param {keyof typeof SPELLINGS} name */
  const text = (name) => checkText(...find(name), /** @type {Record<string, number>} */ (MAX_TEXT)[name] ?? 4096, fault);
  /** @param {keyof typeof SPELLINGS} name */
  const flag = (name) => {
    const [path, value] = find(name);
    if (value === undefined || value === '' || value === false || value === 'false' || value === 0 || value === '0') return false;
    if (value === true || value === 'true' || value === 1 || value === '1') return true;
    fault(path, 'must be true or false');
    return false;
  };
  /** @param {'initCallback' | 'networkDisconnectionCallback'} name */
  const callback = (name) => {
    const [path, value] = find(name);
    if (value === undefined || typeof value === 'function') return /** @type {any} */ (value ?? null);
    fault(path, 'must be a function');
    return null;
  };
  const [stylePath, style] = find('previewStyle');
  if (style !== undefined && typeof style !== 'string' && (typeof style !== 'object' || Array.isArray(style))) fault(stylePath, 'must be a string of CSS');
  const sessionType = text('sessionType');
  if (sessionType && !TYPES.includes(sessionType)) fault(find('sessionType')[0], `must be one of ${TYPES.join(', ')}`, 'choice');

  /** @type {Sdk.Options} */
  const options = {
    token: checkText('token', token ?? undefined, MAX_TEXT.token, fault),
    launch: text('launch'),
    session: text('session'),
    profileId: text('profileId'),
    sessionType,
    title: text('title'),
    previewStyle: typeof style === 'string' || (typeof style === 'object' && style !== null) ? /** @type {any} */ (style) : '',
    additionalInstruction: plainText(text('additionalInstruction')),
    referenceLinks: links(...find('referenceLinks'), fault),
    language: text('language'),
    screen: flag('screen'),
    skipHardwareTest: flag('skipHardwareTest'),
    clear: flag('clear'),
    isIDRequired: flag('isIDRequired'),
    eventExternalId: text('eventExternalId'),
    initCallback: callback('initCallback'),
    networkDisconnectionCallback: callback('networkDisconnectionCallback'),
  };
  if (faults.length > 0) {
    const words = faults.map((one) => `${one.path} ${one.message}`).join('; ');
    throw new ProviewError('options_invalid', `tv('init') was called with invalid options: ${words}.`, { validationErrors: faults });
  }
  return options;
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {number} most
 * @param {(path: string, message: string, code?: string) => void} fault
 */
function checkText(path, value, most, fault) {
  if (value === undefined) return '';
  // Ids of databases arrive as numbers (Moodle's user id).
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') {
    fault(path, 'must be a string');
    return '';
  }
  if (value.length > most) {
    fault(path, `must not be longer than ${most} characters`, 'too_long');
    return '';
  }
  return value;
}

/**
 * `referenceLinks` is a JSON string of [{caption, url}]; "" , "[]" and null occur in the wild.
 * @param {string} path
 * @param {unknown} value
 * @param {(path: string, message: string, code?: string) => void} fault
 * @returns {Sdk.ReferenceLink[]}
 */
function links(path, value, fault) {
  if (value === undefined || value === '') return [];
  let list = value;
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value);
    } catch {
      fault(path, 'must be a JSON list of {"caption", "url"}');
      return [];
    }
  }
  if (list === null) return [];
  if (!Array.isArray(list)) {
    fault(path, 'must be a JSON list of {"caption", "url"}');
    return [];
  }
  return list.slice(0, 50).flatMap((one) => {
    const url = typeof one?.url === 'string' ? one.url.trim() : '';
    // Only what a click may safely open; javascript: and data: are dropped.
    if (!/^https?:\/\//i.test(url)) return [];
    return [{ caption: String(one.caption ?? url).slice(0, 200), url }];
  });
}

/**
 * Instructions come from rich-text editors. They are shown as text: no mark-up of theirs reaches the document.
 * @param {string} html
 */
export function plainText(html) {
  return html
    .replace(/<(script|style)\b[^]*?<\/\1\s*>/gi, '')
    .replace(/<li\b[^>]*>/gi, '\n• ')
    .replace(/<br\s*\/?>|<\/(p|div|li|h[1-6]|tr)\s*>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&nbsp;|&#160;/g, ' ')
    .replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#0?39;/g, "'").replace(/&amp;/g, '&')
    .replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n').trim();
}
