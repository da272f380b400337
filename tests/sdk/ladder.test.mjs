// The degradation ladder: when it goes down, when it comes back, and what it asks for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge, LOWEST, lowered } from '../../static/sdk/ladder.js';

const GOOD = { online: true, backlogMs: 1000, lateMs: 0, filled: 0.01 };
const CAPTURE = { video_codec: 'vp8', audio_kbps: 32, camera: { width: 640, height: 480, fps: 15, kbps: 300 }, screen: { width: 1280, height: 720, fps: 5, kbps: 400 } };

/** Looks at the sample until it moves; how many looks that took. */
function until(judge, sample, most = 500) {
  for (let looks = 1; looks <= most; looks += 1) {
    const reason = judge.look(typeof sample === 'function' ? sample(looks) : sample);
    if (reason) return [reason, looks];
  }
  return [null, most];
}

test('a backlog that grows while the connection is there leads down, step by step, to stills and no further', () => {
  const judge = new Judge();
  for (let level = 1; level <= LOWEST; level += 1) {
    assert.deepEqual(until(judge, { ...GOOD, backlogMs: 30_000 })[0], 'backlog');
    assert.equal(judge.level, level);
  }
  assert.deepEqual(until(judge, { ...GOOD, backlogMs: 30_000 }, 50), [null, 50]);
});

test('a backlog that shrinks after an outage, and an outage itself, are no reason', () => {
  const judge = new Judge();
  assert.equal(until(judge, (looks) => ({ ...GOOD, online: false, backlogMs: looks * 2000 }), 100)[0], null);
  assert.equal(until(judge, (looks) => ({ ...GOOD, backlogMs: 200_000 - looks * 1900 }), 100)[0], null);
  assert.equal(judge.level, 0);
});

test('late slices and a buffer that fills lead down, also without a connection', () => {
  assert.equal(until(new Judge(), { ...GOOD, lateMs: 4000 })[0], 'encoder');
  assert.equal(until(new Judge(), { ...GOOD, online: false, filled: 0.6 })[0], 'storage');
});

test('one bad look is none', () => {
  const judge = new Judge();
  assert.equal(until(judge, (looks) => (looks % 3 ? GOOD : { ...GOOD, lateMs: 9000 }), 100)[0], null);
});

test('it climbs back after half a minute, and waits longer where that was too early', () => {
  const judge = new Judge();
  until(judge, { ...GOOD, backlogMs: 30_000 });
  const [reason, first] = until(judge, GOOD);
  assert.deepEqual([reason, judge.level], ['recovered', 0]);
  until(judge, { ...GOOD, backlogMs: 30_000 });
  const [, second] = until(judge, GOOD);
  assert.equal(second, 2 * first);
});

test('each level asks for less, in even numbers, and the last for one picture a second', () => {
  assert.deepEqual(lowered(CAPTURE, 0), CAPTURE);
  let before = CAPTURE;
  for (let level = 1; level <= LOWEST; level += 1) {
    const now = lowered(CAPTURE, level);
    assert.ok(now.camera.kbps < before.camera.kbps && now.camera.width <= before.camera.width && now.camera.fps <= before.camera.fps);
    assert.ok(now.camera.width % 2 === 0 && now.screen.height % 2 === 0);
    before = now;
  }
  assert.equal(before.camera.fps, 1);
  assert.equal(before.audio_kbps, 32, 'speech is kept');
});
