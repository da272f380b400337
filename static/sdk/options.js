/**
 * Options of `tv('init', token, options)`: every documented name and every spelling that real clients send.
 * A wrong type is an error with the option's path; unknown options are ignored, because wrappers pass their own along.
 */

import { ProviewError } from './errors.js';

const MAX_TEXT = { token: 512, launch: 4096, session: 256, profileId: 256, title: 512, additionalInstruction: 1_000_000 };

const MOST_LINKS_TEXT = 100_000;

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
  enforceTSB: ['enforceTSB'],
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
    additionalInstruction: text('additionalInstruction'),
    referenceLinks: links(...find('referenceLinks'), fault),
    language: text('language'),
    screen: flag('screen'),
    skipHardwareTest: flag('skipHardwareTest'),
    clear: flag('clear'),
    isIDRequired: flag('isIDRequired'),
    enforceTSB: flag('enforceTSB'),
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
export function checkText(path, value, most, fault) {
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
 * @param {string} path
 * @param {unknown} value
 * @param {(path: string, message: string, code?: string) => void} fault
 */
function links(path, value, fault) {
  const found = parseLinks(value);
  if (!found) fault(path, 'must be a JSON list of {"caption", "url"}');
  return found ?? [];
}

/**
 * `referenceLinks` is a JSON string of [{caption, url}]; nothing, "", "[]", "null" and "undefined" occur in the wild.
 * @param {unknown} value
 * @returns {Sdk.ReferenceLink[] | null} null: unreadable
 */
export function parseLinks(value) {
  let list = value;
  if (typeof value === 'string' && value.length > MOST_LINKS_TEXT) return null;
  if (value === '' || value === 'undefined') return [];
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value);
    } catch {
      return null;
    }
  }
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) return null;
  return list.slice(0, 50).flatMap((one) => {
    const url = typeof one?.url === 'string' ? one.url.trim() : '';
    // Only what a click may safely open; javascript: and data: are dropped.
    if (!/^https?:\/\/[^\s]+$/i.test(url) || url.length > 2048) return [];
    const caption = typeof one.caption === 'string' || typeof one.caption === 'number' ? String(one.caption).trim() : '';
    return [{ caption: (caption || url).slice(0, 200), url }];
  });
}
