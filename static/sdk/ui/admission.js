/** Waiting for a proctor, and what they say. */

import { say } from '../strings.js';
import { actions, card } from './card.js';
import { el } from './dom.js';

/** What a waiting candidate is told of how it stands. @typedef {'admitWaiting' | 'admitNobody' | 'admitLong' | 'admitOffline' | 'admitSending'} Standing */

/**
 * @param {Sdk.Root} root
 * @returns {(standing: Standing) => void} says something else; once, if it is the same
 */
export function showAdmission(root) {
  /** @type {Standing} */
  let shown = 'admitWaiting';
  const status = el('p', { role: 'status' }, say(shown));
  root.cover(card(null, say('admitTitle'), [
    el('p', {}, say('admitHow')),
    el('div', { class: 'line' }, el('span', { class: 'spin', 'aria-hidden': 'true' }), status),
  ]));
  return (standing) => {
    if (standing !== shown) status.textContent = say(standing);
    shown = standing;
  };
}

/**
 * @param {Sdk.Root} root
 * @param {string} reason a proctor's words, in whatever language
 * @returns {Promise<void>} the candidate tries again
 */
export function showRejected(root, reason) {
  return new Promise((resolve) => {
    const box = card(null, say('rejectedTitle'), [
      el('p', {}, say('rejectedHow')),
      reason ? el('blockquote', { class: 'text', dir: 'auto', tabindex: '0' }, reason) : null,
      actions([say('retry'), () => resolve(), true]),
    ]);
    box.classList.add('bad');
    root.cover(box);
  });
}

/** A proctor ended it before it began: the page stays covered. @param {Sdk.Root} root @param {string} state */
export function showEnded(root, state) {
  root.cover(card(null, say('rejectedTitle'), [el('p', { role: 'alert' }, say('ended', { state: say(state === 'terminated' ? 'stateTerminated' : 'stateStopped') }))]));
}
