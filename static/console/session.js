// @ts-check
/** The page of one session: live view and events while it runs, the player afterwards. */
import { ApiProblem, call, poll } from './api.js';
import { el } from './dom.js';
import { Feed } from './feed.js';
import { clock, size } from './format.js';
import { LiveView } from './live.js';
import { FromTheStart } from './fromthestart.js';
import { loadMeanings } from './meanings.js';
import { showRecording } from './recording.js';
import { Identity } from './identity.js';
import { localise } from './times.js';
import { Uploaded } from './uploaded.js';

const EVERY_MS = 1500;

/** @param {HTMLElement} root @param {Identity | null} identity */
function running(root, identity) {
  const { mount, uuid, live } = root.dataset;
  const at = (/** @type {string | undefined} */ one) => `${mount}/console/sessions/${encodeURIComponent(one ?? '')}`;
  const base = at(uuid);
  const feed = new Feed();
  const meanings = loadMeanings(mount ?? '');
  // The picture comes from the newest session of the sitting; at the time limit another one goes on with it.
  let newest = root.dataset.newest;
  const mayWatch = root.dataset.watch === 'yes';
  const view = live === 'yes' || (live === 'off' && mayWatch) ? new LiveView({ url: `${at(newest)}/live`, iceServers: JSON.parse(root.dataset.ice || '[]'), off: live === 'off' }) : null;
  const watch = mayWatch ? new FromTheStart(`${mount}/v1/playback/${encodeURIComponent(uuid ?? '')}`, view !== null) : null;
  const uploaded = view ? new Uploaded(view, `${at(newest)}/edge`) : null;
  const problem = el('p', { class: 'notice bad', role: 'status', hidden: true });
  const notices = [...root.children];
  const now = el('div', { class: view ? 'player' : 'player only-events' }, view ? view.element : null, feed.element);
  root.replaceChildren(...notices, problem, ...(watch ? [watch.choice, watch.element] : []), now);
  // Until there is something to watch, live picture and events stay.
  watch?.addEventListener('change', () => { now.hidden = watch.watching; });
  if (watch && !view) watch.show(true);
  // Who watches from the start goes on doing so: the view opens the finished recording by itself.
  const ended = () => { if (!watch?.open) location.reload(); };
  view?.addEventListener('ended', ended);
  if (view) {
    afterLoad(() => {
      view.start();
      uploaded?.start();
    });
  }
  let last = 0;
  poll(async () => {
    try {
      const answer = await call(`${base}/state?after=${last}`);
      feed.add(answer.events, await meanings, last === 0);
      last = answer.events.at(-1)?.id ?? last;
      if (!answer.session.open) {
        uploaded?.stop();
        ended();
        return false;
      }
      if (answer.session.newest !== newest) {
        newest = answer.session.newest;
        view?.move(`${at(newest)}/live`);
        uploaded?.move(`${at(newest)}/edge`);
      }
      show(answer.session);
      identity?.show(answer.identity);
      problem.hidden = true;
    } catch (error) {
      problem.hidden = false;
      if (error instanceof ApiProblem && (error.status === 401 || error.status === 404)) {
        problem.textContent = error.status === 401 ? 'You have been logged out. Reload the page to log in again.' : error.message;
        view?.stop();
        uploaded?.stop();
        return false;
      }
      problem.textContent = 'The server does not answer. Trying again…';
      throw error;
    }
    return true;
  }, EVERY_MS);
}

/**
 * A video without data yet holds the page's load event back (HTML standard, "delaying-the-load-event flag"), and a screen
 * that is not shared never has data.
 * @param {() => void} run
 */
function afterLoad(run) {
  if (document.readyState === 'complete') run();
  else addEventListener('load', run, { once: true });
}

/** @param {import('./types.d.ts').Row} session */
function show(session) {
  const write = (/** @type {string} */ selector, /** @type {string} */ text) => {
    const target = document.querySelector(selector);
    if (target && target.textContent !== text) target.textContent = text;
  };
  write('[data-state-badge]', session.state_text);
  document.querySelector('[data-state-badge]')?.setAttribute('data-state', session.state);
  write('[data-length]', clock(session.length_ms));
  write('[data-bytes]', size(session.bytes));
}

/** @param {'terminate' | 'reject'} name */
function confirmed(name) {
  const dialog = document.getElementById(name);
  if (!(dialog instanceof HTMLDialogElement)) return;
  document.querySelector(`[data-${name}]`)?.addEventListener('click', () => dialog.showModal());
  dialog.querySelector('[data-cancel]')?.addEventListener('click', () => dialog.close());
}

const root = document.getElementById('view');
if (root) {
  const { mount, uuid } = root.dataset;
  const identity = Identity.find(`${mount}/console`);
  if (root.dataset.open === 'yes') running(root, identity);
  else if (root.dataset.watch === 'yes') showRecording(root, `${mount}/v1/playback/${encodeURIComponent(uuid ?? '')}`);
}
confirmed('terminate');
confirmed('reject');
localise();
