// previewStyle in both notations, and what it may not do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePreviewStyle } from '../../static/sdk/previewstyle.js';

test('CSS text with and without the last semicolon', () => {
  const expected = [['position', 'fixed'], ['bottom', '0px']];
  assert.deepEqual(parsePreviewStyle('position: fixed; bottom: 0px;'), expected);
  assert.deepEqual(parsePreviewStyle('position: fixed; bottom: 0px'), expected);
  assert.deepEqual(parsePreviewStyle('/* a */ position: fixed !important; bottom:0px'), expected);
});

test('object notation, as text and as an object', () => {
  const expected = [['position', 'fixed'], ['z-index', '10'], ['background-color', 'rgb(1, 2, 3)']];
  assert.deepEqual(parsePreviewStyle("{position: 'fixed', zIndex: 10, backgroundColor: 'rgb(1, 2, 3)'}"), expected);
  assert.deepEqual(parsePreviewStyle('position: "fixed", zIndex: "10", backgroundColor: "rgb(1, 2, 3)"'), expected);
  assert.deepEqual(parsePreviewStyle({ position: 'fixed', zIndex: 10, backgroundColor: 'rgb(1, 2, 3)' }), expected);
  assert.deepEqual(parsePreviewStyle({ width: 200 }), [['width', '200px']]);
});

test('nothing that loads, runs or escapes gets through', () => {
  for (const hostile of [
    'background: url(//evil.example/x)',
    'background: u\\72l(x)',
    'behavior: url(x)',
    'width: expression(alert(1))',
    'position: fixed } * { display: none',
    'content: "x"',
    '--x: 1; background: var(--x)',
    'background: image-set("x" 1x)',
    'position: javascript:alert(1)',
    '@import "x"',
    'display: contents',
  ]) assert.deepEqual(parsePreviewStyle(hostile), [], hostile);
});

test('junk of any type or size is no style', () => {
  for (const junk of [null, undefined, 5, true, '', ';;;', ':', 'x'.repeat(5000), []]) assert.deepEqual(parsePreviewStyle(junk), []);
  assert.ok(parsePreviewStyle('top: 1px;'.repeat(300)).length <= 40);
});
