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

test('nothing makes the box larger than the style sheet lets it be', () => {
  for (const hostile of [
    'padding: 5000px', 'padding: 50vw', 'padding: 99em', 'border: 3000px solid red', 'border: 90vmax solid', 'border-width: 100vh', 'border-width: 40%',
    'outline: 9999px solid white', 'min-width: 100vw', 'min-height: 100%', 'transform: scale(90)', 'transform: matrix(9, 0, 0, 9, 0, 0)', 'transform: translate(1px) scale3d(9, 9, 9)',
    'transform: perspective(1px)', 'zoom: 90', 'clip-path: none', 'filter: blur(1px)', 'content-visibility: hidden', 'inset-inline: 0', 'all: unset', 'pointer-events: auto',
  ]) assert.deepEqual(parsePreviewStyle(hostile), [], hostile);
  assert.equal(parsePreviewStyle('padding: 4px 8px; border: 2px solid #fff; border-width: 1px; transform: translate(-50%, 0) rotate(3deg); outline: 1px dotted red').length, 5);
});

test('an object that throws is no style', () => {
  assert.deepEqual(parsePreviewStyle({ get top() { throw new Error('no'); } }), []);
  assert.deepEqual(parsePreviewStyle({ top: { toString() { throw new Error('no'); } } }), []);
  assert.deepEqual(parsePreviewStyle(new Proxy({}, { ownKeys() { throw new Error('no'); } })), []);
});
