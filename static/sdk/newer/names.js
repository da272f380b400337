/** The newer SDK's names for what we have: data source names, session types, states, attendee and workflow. */

import { ProviewError } from '../errors.js';
import { Input } from './input.js';

/** '' lets the service decide. */
const TYPES = { Recorded: 'ai_proctor', RecordedAndReview: 'record_and_review', Live: 'live_proctor', Dynamic: '' };
const STATES = ['init', 'registered', 'running', 'paused', 'suspended', 'terminated', 'stopped', 'completed'];

/** `Proview.session.constant`. */
export const constant = Object.freeze({ type: same(Object.keys(TYPES)), state: same(STATES) });

/** Field of an attendee: how long it may be. What else a page hands over is not kept. */
const ATTENDEE = { identifier: 256, first_name: 128, middle_name: 128, last_name: 128, name: 256, email: 256, country_code: 3, country: 128, phone: 64 };
const WORKFLOW = { identifier: 256, title: 512, name: 512 };

/**
 * `<token>@<host>/<project>`, also as a URL; anything else is the account token itself. The host is not asked: the service is where
 * the loader came from.
 * @param {string} dsn
 */
export function tokenOf(dsn) {
  const parts = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/)?([^@/:\s]+)(?::[^@/\s]*)?@[^@/\s]+(?:\/\d*)?\/?$/i.exec(dsn);
  return parts?.[1] ?? dsn;
}

/**
 * A constant of `constant.type` in any spelling, or a classic name.
 * @param {string} type
 * @param {Input} input
 */
export function sessionType(type, input) {
  if (!type) return '';
  const plain = type.toLowerCase().replace(/[^a-z]/g, '');
  const found = Object.entries(TYPES).find(([name, ours]) => name.toLowerCase() === plain || ours === type);
  if (!found) input.fault('type', `must be one of ${Object.keys(TYPES).join(', ')}`, 'choice');
  return found?.[1] ?? '';
}

/**
 * @param {Sdk.Session | null} session
 * @returns {string} one of `constant.state`
 */
export function stateOf(session) {
  if (!session) return 'init';
  if (session.state === 'running') return 'running';
  if (session.state === 'paused') return session.pausedBy === 'server' ? 'suspended' : 'paused';
  if (session.state === 'stopping' || session.state === 'stopped') return session.endedBy === 'complete' ? 'completed' : session.endedBy === 'terminated' ? 'terminated' : 'stopped';
  return session.uuid ? 'registered' : 'init';
}

/** @param {unknown} given */
export function parseAttendee(given) {
  const attendee = read(given, 'attendee', ATTENDEE, 'setAttendee');
  // Never a real address: nobody has agreed to be written to.
  if (attendee.identifier) attendee.email ??= attendee.identifier.includes('@') ? attendee.identifier : `${encodeURIComponent(attendee.identifier)}@attendee.invalid`;
  return attendee;
}

/** @param {unknown} given */
export function parseWorkflow(given) {
  return read(given, 'workflow', WORKFLOW, 'setWorkflow');
}

/**
 * @param {unknown} given
 * @param {string} what
 * @param {Record<string, number>} fields
 * @param {string} call
 */
function read(given, what, fields, call) {
  const input = new Input(given ?? null, what);
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, most] of Object.entries(fields)) {
    const value = input.text(name, most);
    if (value) values[name] = value;
  }
  if (!values.identifier && input.faults.length === 0) input.fault('identifier', 'is missing', 'missing');
  input.check(call);
  return values;
}

/** @param {string[]} names @returns {Readonly<Record<string, string>>} */
function same(names) {
  return Object.freeze(Object.fromEntries(names.map((name) => [name, name])));
}

/** @param {string} code @param {string} message */
export function warning(code, message) {
  return new ProviewError(code, message, { type: 'warning' });
}
