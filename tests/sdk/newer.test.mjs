// Names and input of the newer SDK: pure, so under node.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Input } from '../../static/sdk/newer/input.js';
import { parseAttendee, parseWorkflow, sessionType, stateOf, tokenOf } from '../../static/sdk/newer/names.js';

const KEY = '7d3f0c52-61aa-4f0e-9b1c-5a2f4e8d9c10';

test('a DSN is a token at a host with a project, or the token alone', () => {
  const forms = [`${KEY}@exams.example.edu/42`, `https://${KEY}@exams.example.edu/42`, `//${KEY}@exams.example.edu:8443/42/`, `${KEY}:secret@exams.example.edu/42`, `${KEY}@exams.example.edu`, KEY];
  for (const dsn of forms) assert.equal(tokenOf(dsn), KEY, dsn);
  for (const opaque of ['p123456', 'https://exams.example.edu/42', '@host/1', 'a b@host', 'key@', 'x'.repeat(512)]) assert.equal(tokenOf(opaque), opaque);
});

test('types in every spelling', () => {
  const input = new Input({}, 'options');
  const ours = ['Recorded', 'RecordedAndReview', 'recorded_and_review', 'LIVE', 'live_proctor', 'Dynamic', ''].map((type) => sessionType(type, input));
  assert.deepEqual(ours, ['ai_proctor', 'record_and_review', 'record_and_review', 'live_proctor', 'live_proctor', '', '']);
  assert.deepEqual(input.faults, []);
  sessionType('constructor', input);
  assert.equal(input.faults[0].code, 'choice');
});

test('states of a session', () => {
  const session = (state, more = {}) => ({ state, uuid: 'u', pausedBy: null, endedBy: '', ...more });
  assert.equal(stateOf(null), 'init');
  assert.equal(stateOf(session('starting', { uuid: '' })), 'init');
  assert.equal(stateOf(session('starting')), 'registered');
  assert.equal(stateOf(session('idle')), 'registered');
  assert.equal(stateOf(session('running')), 'running');
  assert.equal(stateOf(session('paused', { pausedBy: 'page' })), 'paused');
  assert.equal(stateOf(session('paused', { pausedBy: 'server' })), 'suspended');
  assert.equal(stateOf(session('stopping', { endedBy: 'complete' })), 'completed');
  assert.equal(stateOf(session('stopped', { endedBy: 'terminated' })), 'terminated');
  for (const endedBy of ['page', 'api', 'path', 'limit', 'stopped']) assert.equal(stateOf(session('stopped', { endedBy })), 'stopped');
});

test('an attendee has an address, and nothing that was not asked for', () => {
  assert.deepEqual(parseAttendee({ identifier: 7, shoes: 41, constructor: 'x' }), { identifier: '7', email: '7@attendee.invalid' });
  assert.equal(parseAttendee({ identifier: 'a b' }).email, 'a%20b@attendee.invalid');
  assert.equal(parseAttendee({ identifier: 'anna@example.edu' }).email, 'anna@example.edu');
  assert.equal(parseAttendee({ identifier: 'x', email: 'own@example.edu' }).email, 'own@example.edu');
  assert.deepEqual(parseWorkflow({ identifier: 'w', title: null, name: '' }), { identifier: 'w' });
  assert.throws(() => parseAttendee(JSON.parse('{"__proto__": {"identifier": 5}, "country_code": "GERMANY"}')), ({ code, validationErrors }) => code === 'options_invalid' && validationErrors[0].path === 'country_code');
});
