// Session clock, retry table, event catalogue, pieces' wire form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay } from '../../static/sdk/backoff.js';
import { Clock } from '../../static/sdk/clock.js';
import { domEventName, EVENTS } from '../../static/sdk/events.js';
import { explain, say } from '../../static/sdk/strings.js';

test('the narrowest round trip gives the offset', () => {
  const local = Clock.local();
  const clock = new Clock(local + 5000 - 60_000);
  clock.sync(local + 5000 + 400, local, local + 1000);
  clock.sync(local + 5000 + 1005, local + 1000, local + 1010);
  assert.ok(Math.abs(clock.now() - 60_000 - (Clock.local() - local)) <= 3);
});

test('an answer that contradicts the estimate starts afresh (sleep)', () => {
  const local = Clock.local();
  const clock = new Clock(local);
  clock.sync(local, local, local + 2);
  clock.sync(local + 3_600_000, local, local + 50);
  assert.ok(clock.now() >= 3_599_900);
});

test('the clock is never negative and ignores nonsense', () => {
  const clock = new Clock(Clock.local() + 10_000);
  assert.equal(clock.now(), 0);
  clock.sync(Number.NaN, 0, 1);
  assert.equal(clock.now(), 0);
});

test('retry delays grow, are capped, jittered and never end', () => {
  assert.equal(retryDelay(0, () => 1), 300);
  assert.equal(retryDelay(1000, () => 1), 8000);
  assert.equal(retryDelay(1000, () => 0), 100);
});

test('event ids are unique; ours start at 10000; documented ones keep their number', () => {
  const ids = Object.values(EVENTS).map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => id < 147 || id >= 10_000));
  assert.deepEqual([EVENTS.focusOut.id, EVENTS.focusOut.name], [5, 'Window Focus-Out']);
  assert.equal(domEventName('Window Focus-Out'), 'proview:window-focus-out');
});

test('errors without words of their own get general ones', () => {
  assert.deepEqual(explain('no_such_code', 'both')[0], say('internal_title'));
  assert.match(explain('device_missing', 'camera')[1], /camera/);
});
