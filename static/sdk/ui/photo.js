/** The step in which candidates photograph their ID or their face: a live picture, a button, a look at what was taken. */

import { say } from '../strings.js';
import { actions, card } from './card.js';
import { el, videoOf } from './dom.js';

/** @type {Record<Sdk.PhotoKind, {title: Sdk.StringKey, how: Sdk.StringKey, tips: Sdk.StringKey, check: Sdk.StringKey}>} */
const WORDS = {
  id: { title: 'idTitle', how: 'idHow', tips: 'idTips', check: 'idCheck' },
  face: { title: 'faceTitle', how: 'faceHow', tips: 'faceTips', check: 'faceCheck' },
};

/**
 * @param {Sdk.Root} root
 * @param {{kind: Sdk.PhotoKind, stream: MediaStream, place: [number, number] | null, take: (video: HTMLVideoElement) => Promise<Sdk.Still>}} what
 * @returns {Promise<Sdk.Still>} what the candidate decided for
 */
export function takePhoto(root, what) {
  return new Promise((resolve) => aim(root, what, resolve));
}

/**
 * @param {Sdk.Root} root
 * @param {Parameters<typeof takePhoto>[1]} what
 * @param {(still: Sdk.Still) => void} done
 */
function aim(root, what, done) {
  const { kind, stream, place, take } = what;
  const { title, how, tips } = WORDS[kind];
  const video = videoOf(stream, say('cameraView'));
  const hint = el('p', { class: 'hint', role: 'status' });
  const shoot = async () => {
    try {
      look(root, what, await take(video), done);
    } catch {
      hint.textContent = say('photoFailed');
      buttons.replaceWith(buttons = actions([say('takePhoto'), shoot, true]));
    }
  };
  let buttons = actions([say('takePhoto'), shoot, true]);
  root.cover(card(place, say(title), [
    el('p', {}, say(how)),
    el('div', { class: `view photo ${kind}` }, video, el('i', { class: 'aim', 'aria-hidden': 'true' })),
    el('p', { class: 'soft' }, say(tips)),
    hint,
    buttons,
  ]));
}

/**
 * @param {Sdk.Root} root
 * @param {Parameters<typeof takePhoto>[1]} what
 * @param {Sdk.Still} still
 * @param {(still: Sdk.Still) => void} done
 */
function look(root, what, still, done) {
  // A canvas and no image: a page's CSP may forbid blob: and data:.
  still.canvas.setAttribute('role', 'img');
  still.canvas.setAttribute('aria-label', say('photoTaken'));
  root.cover(card(what.place, say(WORDS[what.kind].title), [
    el('p', {}, say(WORDS[what.kind].check)),
    el('div', { class: `view photo taken ${what.kind}` }, still.canvas),
    still.dark ? el('p', { class: 'hint', role: 'status' }, say('photoDark')) : null,
    actions([say('usePhoto'), () => done(still), true], [say('retakePhoto'), () => aim(root, what, done)]),
  ]));
}
