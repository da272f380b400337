// Options of tv('init', …): spellings, types, hostile values. Run by test_modules.py.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinks, parseOptions } from '../../static/sdk/options.js';

/** @param {unknown} options @param {unknown} [token] */
function faultsOf(options, token = 't') {
  try {
    parseOptions(token, options);
  } catch (error) {
    assert.equal(error.code, 'options_invalid');
    return error.validationErrors.map(({ path, code }) => `${path}:${code}`);
  }
  return [];
}

test('both spellings of every doubled name are read', () => {
  assert.equal(parseOptions('t', { session_type: 'live_proctor' }).sessionType, 'live_proctor');
  assert.equal(parseOptions('t', { sessionType: 'live_proctor' }).sessionType, 'live_proctor');
  assert.equal(parseOptions('t', { sessionId: 'a' }).session, 'a');
  assert.equal(parseOptions(undefined, { launch: 'signed' }).launch, 'signed');
  assert.equal(parseOptions('t', { session: 'b', sessionId: 'a' }).session, 'b');
  assert.equal(parseOptions('t', { event_external_id: 'e' }).eventExternalId, 'e');
  assert.equal(parseOptions('t', { sessionTitle: 'x' }).title, 'x');
});

test('what real clients leave out or send along is tolerated', () => {
  const options = parseOptions('t', { clear: true, flash: false, url: 'x', version: 5, debug: {}, profileId: undefined, language: null, referenceLinks: undefined });
  assert.equal(options.clear, true);
  assert.equal(options.profileId, '');
  assert.equal(options.initCallback, null);
  assert.deepEqual(parseOptions(undefined).referenceLinks, []);
});

test('ids that are numbers become text', () => {
  assert.equal(parseOptions('t', { profileId: 17 }).profileId, '17');
});

test('every wrong type is an error with its path', () => {
  assert.deepEqual(faultsOf({ session: {}, profileId: [], screen: 'maybe', initCallback: 'f', previewStyle: 4 }).sort(), ['initCallback:type', 'previewStyle:type', 'profileId:type', 'screen:type', 'session:type']);
  assert.deepEqual(faultsOf('text'), ['options:type']);
  assert.deepEqual(faultsOf([]), ['options:type']);
  assert.deepEqual(faultsOf({}, 5 * Infinity), ['token:type']);
  assert.deepEqual(faultsOf({ sessionType: 'noproctor' }), ['session_type:choice'].map((one) => one.replace('session_type', 'sessionType')));
});

test('a title of ten megabytes is refused', () => {
  assert.deepEqual(faultsOf({ sessionTitle: 'x'.repeat(10 * 2 ** 20) }), ['sessionTitle:too_long']);
});

test('reference links are a JSON string, and only http links survive', () => {
  assert.deepEqual(parseOptions('t', { referenceLinks: '[]' }).referenceLinks, []);
  assert.deepEqual(parseOptions('t', { referenceLinks: '' }).referenceLinks, []);
  const text = JSON.stringify([{ caption: 'Rules', url: 'https://x.example/r' }, { caption: 'bad', url: 'javascript:alert(1)' }, null, { url: 'http://y.example' }]);
  assert.deepEqual(parseOptions('t', { referenceLinks: text }).referenceLinks, [{ caption: 'Rules', url: 'https://x.example/r' }, { caption: 'http://y.example', url: 'http://y.example' }]);
  assert.deepEqual(faultsOf({ referenceLinks: '{bad' }), ['referenceLinks:type']);
});

test('links that nobody wrote well are no links; a page that hands over a list may', () => {
  for (const none of [undefined, null, '', 'null', 'undefined', '[]', []]) assert.deepEqual(parseLinks(none), []);
  for (const unreadable of ['{bad', 'https://x.example', '5', '{}', {}, 5, true, '['.repeat(200_000)]) assert.equal(parseLinks(unreadable), null);
  const hostile = ['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x', 'vbscript:x', '//evil.example', 'https://', 'https://a b', 'ftp://x', 'https://x/' + 'y'.repeat(3000), {}, null];
  assert.deepEqual(parseLinks(hostile.map((url) => ({ caption: 'c', url }))), []);
  assert.deepEqual(parseLinks([{ caption: { toString() { throw new Error('no'); } }, url: 'https://x.example' }, { caption: 7, url: 'https://x.example' }]), [
    { caption: 'https://x.example', url: 'https://x.example' }, { caption: '7', url: 'https://x.example' },
  ]);
  assert.equal(parseLinks(Array.from({ length: 500 }, () => ({ url: 'https://x.example' }))).length, 50);
});

test('instructions of an editor may be long, but not of any length', () => {
  assert.equal(parseOptions('t', { additionalInstruction: '<p>x</p>'.repeat(50_000) }).additionalInstruction.length, 400_000);
  assert.deepEqual(faultsOf({ additionalInstruction: 'x'.repeat(10 * 2 ** 20) }), ['additionalInstruction:too_long']);
});

test('the demand for the secure browser is read', () => {
  assert.equal(parseOptions('t', { enforceTSB: true }).enforceTSB, true);
  assert.equal(parseOptions('t', { enforceTSB: 'false', isScreenProtectionEnabled: true, minimizeOption: {}, blacklistedSoftwaresMac: 5 }).enforceTSB, false);
});
