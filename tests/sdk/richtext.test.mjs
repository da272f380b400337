// Instructions of rich-text editors: structure stays, nothing else does. Run by test_modules.py.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRichText } from '../../static/sdk/richtext.js';

/** @param {string} html "tag:text" of each block, with marks as <b>. */
const read = (html) => parseRichText(html).map(({ tag, list, runs }) => `${list || tag}:${runs.map(({ text, mark }) => (mark ? `<${mark}>${text}</${mark}>` : text)).join('')}`);

test('paragraphs, headings, lists, emphasis and breaks stay', () => {
  assert.deepEqual(read('<h2>Rules</h2><p>Read <strong>all</strong> &amp; <em>wait</em>.<br>Then begin.</p><ul><li>One</li><li><p>Two</p></li></ul><ol><li>First</li></ol><div>Good luck</div>'), [
    'h3:Rules', 'p:Read <b>all</b> & <i>wait</i>.\nThen begin.', 'ul:One', 'ul:Two', 'ol:First', 'p:Good luck',
  ]);
});

test('plain text keeps its lines', () => {
  assert.deepEqual(read('Keep your ID at hand.\n- no phone\n\n1 < 2 & 3 > 2'), ['p:Keep your ID at hand.\n- no phone', 'p:1 < 2 & 3 > 2']);
});

test('white space of the source is no text', () => {
  assert.deepEqual(read('<ul>\n  <li> One\n two </li>\n</ul>\n<p> </p><p></p><br>'), ['ul:One two']);
});

test('entities are decoded once, into text', () => {
  assert.deepEqual(read('<p>&lt;b&gt; &amp;lt; &#60;i&#x3e; &nbsp;&#0;&#xD800;&bogus;</p>'), ['p:<b> &lt; <i> &bogus;']);
});

test('elements that do more than format leave at most their text', () => {
  for (const [html, text] of [
    ['<script>alert(1)</script>hi', 'p:hi'],
    ['<SCRIPT src=//evil.example></SCRIPT>hi', 'p:hi'],
    ['<img src=x onerror=alert(1)>hi', 'p:hi'],
    ['<svg onload=alert(1)><text>x</text></svg>hi', 'p:hi'],
    ['<svg><style><img src=x onerror=alert(1)></style></svg>hi', 'p:hi'],
    ['<math><mi xlink:href="data:x">x</mi></math>hi', 'p:hi'],
    ['<iframe srcdoc="<script>alert(1)</script>">no</iframe>hi', 'p:hi'],
    ['<a href="javascript:alert(1)" title="a>b">hi</a>', 'p:hi'],
    ["<a href='x' onclick='alert(1)'>hi", 'p:hi'],
    ['<p style="position:fixed;inset:0" onmouseover=alert(1)>hi', 'p:hi'],
    ['<form action=//evil.example><input name=p><button>hi</button></form>', 'p:hi'],
    ['<textarea><img src=x onerror=alert(1)></textarea>hi', 'p:hi'],
    ['<template><img src=x onerror=alert(1)></template>hi', 'p:hi'],
    ['<noscript><p title="</noscript><img src=x onerror=alert(1)>">hi', 'p:">hi'],
    ['<!--><img src=x onerror=alert(1)>-->hi', 'p:hi'],
    ['<!-- > <b>hidden</b> -->hi', 'p:hi'],
    ['<base href=//evil.example><meta http-equiv=refresh content=0><link rel=stylesheet href=x>hi', 'p:hi'],
    ['<object data=x><embed src=x>x</object>hi', 'p:hi'],
    ['<b onclick=alert(1) x="</b>">hi</b>', 'p:<b>hi</b>'],
    ['<scr<script>ipt>alert(1)</script>hi', 'p:ipt>alert(1)hi'],
    ['<custom-element is=x>hi', 'p:hi'],
    ['<p>hi<', 'p:hi<'],
    ['<p>hi<img src=x', 'p:hi'],
    ['</p></ul></b></script>hi', 'p:hi'],
  ]) assert.deepEqual(read(html), [text], html);
});

test('only tags of the list ever come out, whatever goes in', () => {
  const bits = ['<', '>', '"', "'", '/', '!', '--', '&', ';', '#', 'x', ' ', '\n', 'p', 'b', 'ul', 'li', 'script', 'style', 'a href=', '<p', '</', '<!--', '-->', '&lt;', '\u0000', '<li>', '<ul>', '<br>'];
  let seed = 7;
  const next = () => (seed = (seed * 48271) % 2147483647);
  for (let n = 0; n < 3000; n += 1) {
    const html = Array.from({ length: 1 + (next() % 30) }, () => bits[next() % bits.length]).join('');
    for (const { tag, list, runs } of parseRichText(html)) {
      assert.match(tag, /^(p|h3|li)$/);
      assert.match(list, /^(ul|ol)?$/);
      for (const { text, mark } of runs) {
        assert.equal(typeof text, 'string');
        assert.match(mark, /^[biu]?$/);
      }
    }
  }
});

test('a megabyte of anything is read quickly and cut', () => {
  for (const bit of ['<', '<a ', '<a "', '<!--', '<!-', '<b><', '&#', '<p>x', '<ul><li>', '<a b="" ', 'word ', '<b>x']) {
    const blocks = parseRichText(bit.repeat(2 ** 20 / bit.length));
    assert.ok(blocks.length <= 500);
    assert.ok(blocks.reduce((sum, { runs }) => sum + runs.reduce((most, { text }) => most + text.length, 0), 0) <= 20_000, bit);
  }
});
