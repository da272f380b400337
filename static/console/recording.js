// @ts-check
/** Waits until a session's recording is there and shows it; used by the session page and by the embedded page. */
import { ApiProblem, call, poll } from './api.js';
import { el } from './dom.js';
import { Player } from './player.js';

const EVERY_MS = 1000;

/**
 * @param {HTMLElement} root
 * @param {string} url of the playback JSON
 * @param {{ open?: boolean }} [options] open: the session may still run
 */
export function showRecording(root, url, { open = false } = {}) {
  const say = (/** @type {string} */ text, /** @type {string} */ kind) => {
    if (root.dataset.said === text) return;
    root.dataset.said = text;
    root.replaceChildren(el('div', { class: `waiting ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, kind === 'busy' ? el('span', { class: 'spinner' }) : null, el('p', {}, text)));
  };
  say('Loading the recording…', 'busy');
  poll(async () => {
    /** @type {import('./types.d.ts').PlaybackJson} */
    let json;
    try {
      json = await call(url);
    } catch (error) {
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429) {
        say(error.status === 401 ? 'This view has expired. Reload the page that shows it.' : error.message, 'bad');
        return false;
      }
      say('The server does not answer. Trying again…', 'busy');
      throw error;
    }
    if (!json.finalised) {
      const running = open || ['created', 'running', 'paused'].includes(json.state);
      say(running ? 'The session is still running. Its recording opens here by itself seconds after the end.' : 'The session has ended. Its recording is being prepared and opens here by itself.', 'busy');
      return true;
    }
    delete root.dataset.said;
    new Player(root, json).start();
    return false;
  }, EVERY_MS);
}
