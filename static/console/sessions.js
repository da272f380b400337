// @ts-check
/** The list of sessions keeps itself up to date: rows change in place, new ones come in at the top. */
import { ApiProblem, call, poll } from './api.js';
import { clock } from './format.js';
import { showThumbs } from './photos.js';
import { localise } from './times.js';

/** @typedef {import('./types.d.ts').Row} Row */

const EVERY_MS = 2500;
const TYPES = /** @type {Record<string, string>} */ ({ ai_proctor: 'Automated', record_and_review: 'Record and review', live_proctor: 'Live proctoring' });

class SessionTable {
  /** @param {HTMLElement} body @param {HTMLTemplateElement} template */
  constructor(body, template) {
    this.body = body;
    this.template = template;
    this.base = body.dataset.console ?? '';
  }

  /** @param {Row[]} rows all that belong on this page, newest first */
  show(rows) {
    const known = new Map([...this.body.querySelectorAll('tr')].map((row) => [row.dataset.uuid ?? '', row]));
    const wanted = rows.map((row) => this.#fill(known.get(row.uuid) ?? this.#create(), row));
    const same = wanted.length === this.body.children.length && wanted.every((row, at) => this.body.children[at] === row);
    // Moving a row takes the focus from the link in it; so only when rows came or went.
    if (!same) this.body.replaceChildren(...wanted);
  }

  #create() {
    const copy = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const row = /** @type {HTMLTableRowElement} */ (copy.querySelector('tr'));
    row.classList.add('fresh');
    return row;
  }

  /** @param {HTMLTableRowElement} row @param {Row} session */
  #fill(row, session) {
    row.dataset.uuid = session.uuid;
    row.classList.toggle('is-open', session.open);
    const field = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`[data-field=${name}]`));
    const write = (/** @type {string} */ name, /** @type {string} */ text) => {
      const target = field(name);
      if (target.textContent !== text) target.textContent = text;
    };
    field('state').dataset.state = session.state;
    write('state', session.state_text);
    const silent = session.silent_ms ?? 0;
    const note = session.pending ? 'Preparing recording…' : session.open && silent > 15_000 ? `No sign of life for ${clock(silent)}` : session.end_reason;
    write('substate', note);
    field('link').setAttribute('href', `${this.base}/sessions/${encodeURIComponent(session.uuid)}`);
    write('profile', session.profile_id || 'Unnamed candidate');
    write('title', session.title);
    showThumbs(field('photos'), this.base, session);
    write('external', session.external_id);
    field('external').title = session.external_id;
    write('account', `${session.account} · ${TYPES[session.session_type] ?? session.session_type}`);
    const started = /** @type {HTMLTimeElement} */ (field('started'));
    const iso = new Date(session.started_at).toISOString();
    if (started.dateTime !== iso) {
      started.dateTime = iso;
      localise(row);
    }
    write('length', clock(session.length_ms));
    write('cover', session.coverage_text);
    const least = Math.min(1, ...Object.values(session.coverage));
    field('cover').dataset.level = !Object.keys(session.coverage).length ? '' : least >= 0.98 ? 'good' : least >= 0.9 ? 'fair' : 'poor';
    field('cover').title = Object.entries(session.coverage).map(([track, share]) => `${track} ${(share * 100).toFixed(1)} %`).join(', ');
    field('rating').dataset.rating = session.rating ?? '';
    write('rating', session.rating ?? '–');
    field('rating').title = session.rated_by ? `by ${session.rated_by}` : '';
    return row;
  }
}

/** @param {HTMLElement} body */
function start(body) {
  const template = document.getElementById('row');
  const problem = /** @type {HTMLElement} */ (document.querySelector('[data-poll-problem]'));
  const count = document.querySelector('[data-open-count]');
  const waiting = /** @type {HTMLElement} */ (document.querySelector('[data-waiting]'));
  if (!(template instanceof HTMLTemplateElement) || body.dataset.live !== 'yes') return;
  const table = new SessionTable(body, template);
  const say = (/** @type {string} */ text) => {
    problem.hidden = !text;
    if (problem.textContent !== text) problem.textContent = text;
  };
  poll(async () => {
    try {
      const answer = await call(`${table.base}/sessions.json${location.search}`);
      table.show(answer.rows);
      if (count) count.textContent = String(answer.open);
      waiting.querySelector('[data-waiting-count]')?.replaceChildren(String(answer.waiting));
      waiting.hidden = answer.waiting === 0;
      const shown = answer.rows.length > 0;
      document.querySelector('[data-table]')?.toggleAttribute('hidden', !shown);
      document.querySelector('[data-empty]')?.toggleAttribute('hidden', shown);
      say('');
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) {
        say('You have been logged out. Reload the page to log in again.');
        return false;
      }
      say('The list is not up to date: the server does not answer. Trying again.');
      throw error;
    }
    return true;
  }, EVERY_MS);
}

localise();
const body = document.querySelector('[data-rows]');
if (body instanceof HTMLElement) start(body);
for (const select of document.querySelectorAll('.filters select')) {
  select.addEventListener('change', () => /** @type {HTMLSelectElement} */ (select).form?.requestSubmit());
}
