// @ts-check
/** Numbers and codes as words. Pure. */

/** @param {number} ms `4:05` or `1:04:05` */
export function clock(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** @param {number} ms for sentences and screen readers: `12 s`, `3 min 5 s`, `1 h 4 min` */
export function spoken(ms) {
  const total = Math.max(0, Math.round(ms / 1000));
  if (total < 1) return 'less than 1 s';
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return [hours ? `${hours} h` : '', minutes ? `${minutes} min` : '', seconds && !hours ? `${seconds} s` : ''].filter(Boolean).join(' ');
}

/** @param {number} epoch date and time in the reader's zone */
export function localTime(epoch) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(epoch);
}

/** @param {number} epoch time of day with seconds, in the reader's zone */
export function timeOfDay(epoch) {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(epoch);
}

/** @param {number} count */
export function size(count) {
  let value = count;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1000) return unit === 'B' || value >= 100 ? `${Math.round(value)} ${unit}` : `${value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** Severities, loudest first. @type {import('./types.d.ts').Severity[]} */
export const SEVERITIES = ['high', 'medium', 'low', 'technical', 'info'];

/** @param {string} severity */
export function severityText(severity) {
  return { high: 'High', medium: 'Medium', low: 'Low', technical: 'Technical', info: 'Info' }[severity] ?? 'Info';
}

/** @param {string | null} cause of a gap, as the ledger names it */
export function causeText(cause) {
  /** @type {Record<string, string>} */
  const words = {
    setup: 'consent and device check', paused: 'paused', permission: 'permission withdrawn', device: 'device lost', storage: 'browser storage full',
    network: 'network', upload: 'not uploaded yet', page: 'page load', server: 'server unavailable', damaged: 'damaged on disk', codec: 'recorded in another codec',
    unreadable: 'not readable', browser: 'browser closed or stopped', handover: 'changing to the next part',
    sleep: 'computer asleep', quality: 'change of quality',
  };
  return words[cause ?? ''] ?? (cause || 'unknown cause');
}

/** @param {string} track */
export function trackText(track) {
  return { camera: 'Camera', screen: 'Screen', microphone: 'Microphone' }[track] ?? track;
}

/**
 * Without characters that are not seen or turn the direction of what stands behind them: a name must not look like another one.
 * @param {string} text written by the candidate's browser
 */
export function plain(text) {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, '\u{fffd}');
}

/**
 * The details of an event in one line.
 * @param {Record<string, unknown>} data written by the candidate's browser
 */
export function detailText(data) {
  const parts = [];
  for (const [key, value] of Object.entries(data ?? {})) {
    if (value === null || value === '' || typeof value === 'object') continue;
    parts.push(plain(`${key.replaceAll('_', ' ')}: ${value}`));
    if (parts.length === 6) break;
  }
  const text = parts.join(' · ');
  return text.length > 240 ? `${text.slice(0, 239)}…` : text;
}
