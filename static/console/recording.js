// @ts-check
/** Shows a session's recording, also while it grows; used by the session page and by the embedded page. */
import { ApiProblem, call, poll } from './api.js';
import { el } from './dom.js';
import { loadMeanings } from './meanings.js';
import { Player } from './player.js';

const EVERY_MS = 1500;

/**
 * @param {HTMLElement} root
 * @param {string} url of the playback JSON
 * @param {(there: boolean) => unknown} [onPlayer] told when something to watch has come or gone
 * @returns {() => void} stop
 */
export function showRecording(root, url, onPlayer = () => undefined) {
  /** @type {Player | null} */
  let player = null;
  const say = (/** @type {string} */ text, /** @type {string} */ kind) => {
    if (root.dataset.said === text) return;
    root.dataset.said = text;
    root.replaceChildren(el('div', { class: `waiting ${kind}`, role: kind === 'bad' ? 'alert' : 'status' }, kind === 'busy' ? el('span', { class: 'spinner' }) : null, el('p', {}, text)));
  };
  const play = (/** @type {import('./types.d.ts').PlaybackJson} */ json, /** @type {Map<number, string>} */ meanings) => {
    if (player?.refresh(json)) return;
    const before = player && { at: player.engine.position, playing: player.engine.playing };
    player?.stop();
    delete root.dataset.said;
    player = new Player(root, json, meanings);
    player.start();
    onPlayer(true);
    if (before) player.engine.seek(before.at);
    if (before?.playing) player.engine.play();
  };
  say('Loading the recording…', 'busy');
  // Under the same mount as the recording.
  const meanings = loadMeanings(url.slice(0, url.indexOf('/v1/playback/')));
  const end = poll(async () => {
    /** @type {import('./types.d.ts').PlaybackJson} */
    let json;
    try {
      json = await call(url);
    } catch (error) {
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429) {
        player?.stop();
        player = null;
        onPlayer(false);
        say(error.status === 401 ? 'This view has expired. Reload the page that shows it.' : error.message, 'bad');
        return false;
      }
      // What is loaded goes on playing.
      if (!player) say('The server does not answer. Trying again…', 'busy');
      throw error;
    }
    const running = ['created', 'running', 'paused'].includes(json.state);
    if (json.tracks.length || (json.finalised && !running)) play(json, await meanings);
    else say(running ? 'The session is running, and nothing was recorded so far. The picture appears here by itself.' : 'The session has ended. Its recording is being prepared and opens here by itself.', 'busy');
    return running || !json.finalised;
  }, EVERY_MS);
  return () => {
    end();
    player?.stop();
    player = null;
  };
}
