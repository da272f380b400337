import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Geometry } from '../../static/sdk/observers/geometry.js';
import { Limiter } from '../../static/sdk/observers/limiter.js';
import { difference } from '../../static/sdk/observers/mediadevices.js';
import { pathOf } from '../../static/sdk/observers/navigation.js';
import { Judge } from '../../static/sdk/observers/quality.js';
import { shortcutOf } from '../../static/sdk/observers/shortcuts.js';
import { virtualProduct } from '../../static/sdk/observers/virtual.js';

const key = (code, held = '', type = 'keydown', repeat = false) => ({
  type, code, repeat, key: code.replace(/^(Key|Digit)/, ''), ctrlKey: held.includes('c'), metaKey: held.includes('m'), altKey: held.includes('a'), shiftKey: held.includes('s'),
});

test('keys for developer tools, source, saving and pictures are recognised on all systems', () => {
  const tools = [['F12'], ['KeyI', 'cs'], ['KeyJ', 'cs'], ['KeyC', 'cs'], ['KeyK', 'cs'], ['KeyI', 'ma'], ['KeyJ', 'ma']];
  for (const [code, held] of tools) assert.deepEqual(shortcutOf(key(code, held)), { seen: 'shortcut', action: 'developer tools' }, code + held);
  for (const held of ['c', 'ma']) assert.equal(shortcutOf(key('KeyU', held)).action, 'page source');
  for (const held of ['c', 'm']) assert.equal(shortcutOf(key('KeyS', held)).action, 'save page');
  assert.deepEqual(shortcutOf(key('PrintScreen', '', 'keyup')), { seen: 'printScreen' });
  for (const code of ['Digit3', 'Digit4', 'Digit5']) assert.deepEqual(shortcutOf(key(code, 'ms')), { seen: 'printScreen' });
});

test('nothing else that a candidate types is seen', () => {
  const typed = [['KeyA'], ['KeyI'], ['KeyI', 's'], ['KeyI', 'c'], ['KeyC', 'c'], ['KeyV', 'c'], ['KeyU'], ['KeyS', 'cs'], ['Digit3', 's'], ['F12', 'c'], ['F5'], ['KeyE', 'ca'], ['PrintScreen']];
  for (const [code, held] of typed) assert.equal(shortcutOf(key(code, held)), null, code + held);
  assert.equal(shortcutOf(key('F12', '', 'keydown', true)), null, 'a key that is held down is one');
  assert.equal(shortcutOf(key('F12', '', 'keyup')), null);
});

test('cameras that are programs are told by their names, real ones are not', () => {
  const programs = {
    'OBS Virtual Camera': 'OBS', 'OBS-Camera': 'OBS', 'ManyCam Virtual Webcam': 'ManyCam', 'Snap Camera': 'Snap Camera', 'Dummy video device (0x0000)': 'v4l2loopback',
    'XSplit VCam': 'XSplit VCam', 'DroidCam Source 3': 'DroidCam', 'e2eSoft iVCam': 'iVCam', 'NewTek NDI Video': 'NDI', 'Some Virtual Cam': 'virtual', 'Camo': 'Camo',
  };
  for (const [label, product] of Object.entries(programs)) assert.equal(virtualProduct(label), product, label);
  for (const label of ['', 'FaceTime HD Camera (Built-in)', 'Integrated Webcam (0bda:5689)', 'Logitech BRIO', 'HP TrueVision HD', 'fake_device_0', 'Brandi cam', 'USB2.0 HD UVC WebCam', 'Jobs Camera', "Camomile's phone"]) {
    assert.equal(virtualProduct(label), null, label);
  }
});

const measures = (change = {}) => ({ outer: [1280, 800], inner: [1280, 700], at: [0, 0], ratio: 1, full: false, ...change });
/** Two looks, so that the measures count. */
const settle = (geometry, change) => [...geometry.look(measures(change)), ...geometry.look(measures(change))];

test('one drag of an edge is one resize, and the way back another', () => {
  const geometry = new Geometry();
  assert.deepEqual(settle(geometry), []);
  for (const width of [1200, 1100, 1000]) assert.deepEqual(geometry.look(measures({ outer: [width, 800], inner: [width, 700] })), []);
  assert.deepEqual(geometry.look(measures({ outer: [1000, 800], inner: [1000, 700] })), [['windowResized', { from: '1280×800', to: '1000×800' }]]);
  assert.deepEqual(settle(geometry, { outer: [1000, 800], inner: [1000, 700] }), []);
  assert.equal(settle(geometry)[0][0], 'windowResized');
});

test('something that opens inside the window is suspected once, and its closing is seen', () => {
  for (const [inner, where, pixels] of [[[800, 700], 'side', 480], [[1280, 400], 'below', 300]]) {
    const geometry = new Geometry();
    settle(geometry);
    assert.deepEqual(settle(geometry, { inner }), [['toolsSuspected', { where, pixels }]]);
    assert.deepEqual(settle(geometry, { inner }), []);
    assert.deepEqual(settle(geometry), [['toolsGone', {}]]);
  }
});

test('a notice bar, zoom, full screen and a move are no developer tools', () => {
  const geometry = new Geometry();
  settle(geometry);
  assert.deepEqual(settle(geometry, { inner: [1280, 640] }), []);
  assert.deepEqual(settle(geometry, { inner: [640, 350], ratio: 2 }), [['zoomed', { from: 1, to: 2 }]]);
  assert.deepEqual(settle(geometry), [['zoomed', { from: 2, to: 1 }]]);
  assert.deepEqual(settle(geometry, { at: [1400, 20] }), [['windowMoved', { x: 1400, y: 20 }]]);
  assert.deepEqual(settle(geometry, { outer: [1920, 1080], inner: [1920, 1080], full: true }), []);
  assert.deepEqual(settle(geometry, { at: [1400, 20] }), []);
});

test('what is open from the start is suspected only where it is unmistakable', () => {
  assert.deepEqual(settle(new Geometry(), { inner: [1280, 620] }), []);
  assert.deepEqual(settle(new Geometry(), { inner: [853, 467], ratio: 1.5 }), [], 'zoomed');
  const geometry = new Geometry();
  assert.deepEqual(settle(geometry, { inner: [800, 700] }), [['toolsSuspected', { where: 'side', pixels: 480, at_start: true }]]);
  assert.deepEqual(settle(geometry), [['toolsGone', {}]]);
});

test('a slow connection is said when several looks agree, and so is a good one', () => {
  const judge = new Judge();
  const good = { rttMs: 40, backlogMs: 1000, type: '4g' };
  const slow = { ...good, rttMs: 2000 };
  assert.deepEqual([good, slow, good, slow, slow, slow].map((sample) => judge.look(sample)), [null, null, null, null, true, null]);
  assert.deepEqual([good, good, slow, good, good, good, good].map((sample) => judge.look(sample)), [null, null, null, null, null, false, null]);
});

test('what waits to be sent counts while it grows, not while it is made up for', () => {
  const judge = new Judge();
  const waiting = (backlogMs) => ({ rttMs: 40, backlogMs, type: '' });
  assert.deepEqual([20_000, 18_000, 15_000].map((ms) => judge.look(waiting(ms))), [null, null, null]);
  assert.deepEqual([16_000, 17_000].map((ms) => judge.look(waiting(ms))), [null, true]);
  const after = new Judge();
  assert.deepEqual([null, waiting(60_000), waiting(50_000), null, waiting(60_000)].map((sample) => after.look(sample)), [null, null, null, null, null]);
  assert.equal([{ rttMs: null, backlogMs: 0, type: '2g' }, { rttMs: null, backlogMs: 0, type: '2g' }].map((one) => new Judge().look(one))[1], null);
});

test('devices are compared by kind and id', () => {
  const device = (kind, deviceId) => ({ kind, deviceId });
  const before = [device('videoinput', 'a'), device('audioinput', 'a')];
  const after = [device('audioinput', 'a'), device('videoinput', 'b')];
  assert.deepEqual(difference(before, after), { added: [device('videoinput', 'b')], removed: [device('videoinput', 'a')] });
  assert.deepEqual(difference(before, before), { added: [], removed: [] });
});

test('paths come without what may be a secret', () => {
  const path = (pathname, hash = '') => pathOf({ pathname, hash });
  assert.equal(path('/exam/1;jsessionid=0A1B/q;v=2'), '/exam/1/q');
  assert.equal(path('/exam', '#access_token=secret'), '/exam');
  assert.equal(path('/exam', '#/question/3?token=secret'), '/exam#/question/3');
  assert.equal(path('/exam', '#!/question/3'), '/exam#!/question/3');
  assert.equal(path('/' + 'x'.repeat(1000)).length, 200);
});

function limited() {
  const seen = [];
  const clock = { ms: 0 };
  const limiter = new Limiter((name, data) => seen.push(data?.count ? [name, data.event, data.count] : name), () => clock.ms);
  return { seen, clock, limiter };
}

test('a type that floods is held to its measure, and what is left out is said', () => {
  const { seen, clock, limiter } = limited();
  for (let n = 0; n < 1000; n += 1) limiter.pass('pasted', {});
  limiter.pass('copied', {});
  assert.deepEqual(seen, [...Array(20).fill('pasted'), 'copied']);
  limiter.flush();
  assert.deepEqual(seen.at(-1), ['leftOut', 'Text Pasted', 980]);
  clock.ms = 60_000;
  for (let n = 0; n < 1000; n += 1) limiter.pass('pasted', {});
  limiter.flush();
  assert.deepEqual(seen.slice(22), [...Array(10).fill('pasted'), ['leftOut', 'Text Pasted', 990]]);
  limiter.flush();
  assert.equal(seen.length, 33);
});

test('a state that was told to begin is told to end, and one that was not is not', () => {
  const { seen, clock, limiter } = limited();
  for (let n = 0; n < 100; n += 1) {
    limiter.pass('focusOut', {});
    limiter.pass('focusIn', {});
  }
  assert.equal(seen.length, 40);
  assert.equal(seen.at(-1), 'focusIn');
  clock.ms = 6000;
  limiter.pass('focusOut', {});
  limiter.pass('focusIn', {});
  assert.deepEqual(seen.slice(40), ['focusOut', 'focusIn']);
  limiter.flush();
});

test('the end of a state that an earlier page began passes', () => {
  const { seen, limiter } = limited();
  limiter.pass('focusIn', {});
  assert.deepEqual(seen, ['focusIn']);
});

test('one print that two windows tell of is one', () => {
  const { seen, clock, limiter } = limited();
  limiter.pass('printRequested', {});
  clock.ms = 20;
  limiter.pass('printRequested', {});
  clock.ms = 5000;
  limiter.pass('printRequested', {});
  limiter.flush();
  assert.deepEqual(seen, ['printRequested', 'printRequested']);
});
