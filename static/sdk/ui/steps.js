/** The cards that the candidate sees before the recording starts. Each returns a promise of the decision. */

import { LevelMeter } from '../level.js';
import { formatMinutes, ready } from '../locale.js';
import { parseLinks } from '../options.js';
import { explain, say } from '../strings.js';
import { actions, card } from './card.js';
import { el, videoOf } from './dom.js';
import { richText } from './richtext.js';

const HEARD_LEVEL = 0.18;
const UNHEARD_AFTER_MS = 15_000;

/**
 * @param {Sdk.Root} root
 * @param {'preparing' | 'resuming'} what
 */
export function showWaiting(root, what) {
  const title = el('p', { id: 'title', role: 'status' });
  const box = el('div', { class: 'card wait' }, el('span', { class: 'spin', 'aria-hidden': 'true' }), title);
  const show = () => root.cover(box, { clear: what === 'resuming' });
  show();
  // The page is covered at once; the language may still be on its way.
  ready().then(() => {
    if (!box.isConnected || !root.covered) return;
    title.textContent = say(what);
    show();
  });
}

/**
 * @param {Sdk.Root} root
 * @param {{policy: Sdk.Policy, options: Sdk.Options, screen: boolean, place: [number, number]}} what
 * @returns {Promise<boolean>} agreed
 */
export function askConsent(root, { policy, options, screen, place }) {
  return new Promise((resolve) => {
    /** @type {[Sdk.StringKey, Sdk.StringKey][]} */
    const items = [['consentCamera', 'consentCameraMore'], ['consentMicrophone', 'consentMicrophoneMore']];
    if (screen) items.push(['consentScreen', 'consentScreenMore']);
    if (policy.checks?.id || policy.checks?.face) items.push(['consentPhotos', 'consentPhotosMore']);
    items.push(['consentActivity', 'consentActivityMore']);
    const title = options.title || policy.title || '';
    const instructions = richText(options.additionalInstruction || policy.instructions || '');
    const given = options.referenceLinks.length > 0 ? options.referenceLinks : parseLinks(policy.reference_links) ?? [];
    const links = given.map(({ caption, url }) => el('li', {}, el('a', { href: url, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, caption)));
    root.cover(card(place, say('consentTitle'), [
      title ? el('p', { class: 'soft', dir: 'auto' }, title) : null,
      el('p', {}, say('consentIntro')),
      el('ul', { class: 'what' }, ...items.map(([name, more]) => el('li', {}, el('b', {}, say(name)), el('span', {}, say(more))))),
      instructions ? el('h2', {}, say('instructions')) : null,
      instructions,
      links.length > 0 ? el('h2', {}, say('links')) : null,
      links.length > 0 ? el('ul', {}, ...links) : null,
      policy.on_limit === 'stop' ? el('p', {}, say('consentLimit', { time: formatMinutes(policy.session_minutes) })) : null,
      el('p', { class: 'soft' }, say('consentUse')),
      actions([say('agree'), () => resolve(true), true], [say('decline'), () => resolve(false)]),
    ]));
  });
}

/** @param {Sdk.Root} root @returns {Promise<void>} */
export function showDeclined(root) {
  return new Promise((resolve) => {
    root.cover(card(null, say('declinedTitle'), [el('p', {}, say('declinedText')), actions([say('back'), () => resolve(), true])]));
  });
}

/**
 * The browser asks for the devices; this card says what to answer.
 * @param {Sdk.Root} root
 * @param {[number, number]} place
 */
export function showAsking(root, place) {
  root.cover(card(place, say('checkTitle'), [el('p', { role: 'status' }, say('checkWaiting'))]));
}

/**
 * Live picture, microphone level and the choice of devices.
 * @param {Sdk.Root} root
 * @param {{stream: MediaStream, devices: {camera: MediaDeviceInfo[], microphone: MediaDeviceInfo[]}, last: boolean, mustHear: boolean, place: [number, number], onHeard: () => void}} what `mustHear`: the way on
 *     opens with the first sound, or after a while around it
 * @returns {Promise<'go' | 'unheard' | {camera?: string, microphone?: string}>} go on, or open these devices instead
 */
export function checkDevices(root, { stream, devices, last, mustHear, place, onHeard }) {
  return new Promise((resolve) => {
    const bar = el('i');
    const meter = el('div', { class: 'meter', role: 'meter', 'aria-label': say('level'), 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': 0 }, bar);
    const hint = el('p', { class: 'hint', role: 'status' }, say('silent'));
    let heard = false;
    let smooth = 0;
    const level = new LevelMeter(stream, (now) => {
      // The card was taken away without an answer.
      if (!meter.isConnected) return level.stop();
      smooth = Math.max(now, smooth * 0.8);
      bar.style.transform = `scaleX(${smooth.toFixed(2)})`;
      meter.setAttribute('aria-valuenow', String(Math.round(smooth * 100)));
      if (heard || now < HEARD_LEVEL) return;
      heard = true;
      hint.textContent = say('heard');
      hint.classList.add('good');
      around.replaceWith(onward);
      onHeard();
    });
    const onward = actions([last ? say('start') : say('next'), () => done('go'), true]);
    const around = el('div', { class: 'actions' }, el('button', { type: 'button', class: 'primary', 'aria-disabled': 'true' }, say('next')));
    const unheard = () => {
      if (heard || !meter.isConnected) return;
      hint.textContent = say('stillSilent');
      around.replaceChildren(...actions([say('goUnheard'), () => done('unheard')]).children);
    };
    if (mustHear) setTimeout(unheard, UNHEARD_AFTER_MS);
    /** @param {'go' | 'unheard' | {camera?: string, microphone?: string}} answer */
    const done = (answer) => {
      level.stop();
      resolve(answer);
    };
    const used = {
      camera: stream.getVideoTracks()[0]?.getSettings().deviceId,
      microphone: stream.getAudioTracks()[0]?.getSettings().deviceId,
    };
    /** @param {'camera' | 'microphone'} kind */
    const choice = (kind) => {
      if (devices[kind].length < 2) return null;
      const options = devices[kind].map((one, n) => el('option', { value: one.deviceId, selected: one.deviceId === used[kind] }, one.label || `${say(kind)} ${n + 1}`));
      const select = el('select', { on: { change: () => done({ ...used, [kind]: select.value }) } }, ...options);
      return el('label', {}, say(kind), select);
    };
    root.cover(card(place, say('checkTitle'), [
      el('p', {}, say('checkIntro')),
      el('div', { class: 'view' }, videoOf(stream, say('cameraView'))),
      el('div', { class: 'fields' }, choice('camera'), choice('microphone')),
      meter,
      hint,
      mustHear ? around : onward,
    ]));
    level.start();
  });
}

/**
 * @param {Sdk.Root} root
 * @param {[number, number]} place
 * @param {() => Promise<MediaStream>} open called in the click
 * @returns {Promise<MediaStream>}
 */
export function shareScreen(root, place, open) {
  return new Promise((resolve, reject) => {
    root.cover(card(place, say('shareTitle'), [
      el('p', {}, say('shareIntro')),
      el('p', { class: 'soft' }, say('shareKeep')),
      actions([say('share'), () => open().then(resolve, reject), true]),
    ]));
  });
}

/**
 * What went wrong and what to do about it.
 * @param {Sdk.Root} root
 * @param {{code: string, device?: string}} error
 * @param {'retry' | 'reload'} way
 * @returns {Promise<void>}
 */
export function showProblem(root, error, way) {
  return new Promise((resolve) => {
    const [title, text] = explain(error.code, error.device ?? 'both');
    const box = card(null, title, [el('p', { role: 'alert' }, text), actions([say(way), () => resolve(), true])]);
    box.classList.add('bad');
    box.dataset.code = error.code;
    root.cover(box);
  });
}
