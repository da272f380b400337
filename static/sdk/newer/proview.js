/**
 * `window.Proview`, the newer SDK (docs/newer-sdk.md): other names, promises and error objects for the page's one session, which
 * works as it does for `tv('init', …)`. Nothing here throws into the page: a call answers by its promise, by its callback
 * `(output, error)` and, when it fails, by the handler of `onError`.
 */

import { asProviewError, callPage, ProviewError } from '../errors.js';
import { allowed, lookup, use } from '../locale.js';
import { log } from '../log.js';
import { parseOptions } from '../options.js';
import { Input } from './input.js';
import { constant, parseAttendee, parseWorkflow, sessionType, stateOf, tokenOf, warning } from './names.js';

/**
 * @param {Sdk.Page} page
 * @returns {Record<string, any>}
 */
export function createProview(page) {
  const desk = new Desk(page);
  // Plain functions: pages take them off the object, and hand them on as handlers.
  return {
    init: (/** @type {unknown} */ options) => desk.answer(() => desk.init(options)),
    onError: desk.onError,
    getLanguages: () => allowed(),
    setLanguage: (/** @type {unknown} */ tag) => use(tag),
    setAttendee: (/** @type {unknown} */ attendee) => desk.answer(() => desk.describe({ attendee: parseAttendee(attendee) })),
    setWorkflow: (/** @type {unknown} */ workflow) => desk.answer(() => desk.describe({ workflow: parseWorkflow(workflow) })),
    session: {
      register: desk.call('register'),
      start: desk.call('start'),
      stop: desk.call('stop'),
      complete: desk.call('complete'),
      pause: desk.call('pause'),
      resume: desk.call('resume'),
      get state() {
        return stateOf(page.session);
      },
      constant,
    },
  };
}

class Desk {
  #page;
  /** @type {unknown} */
  #handler = null;
  /** Account token of the DSN; '' before init. */
  #token = '';
  #container = '';
  #ids = { attendee: '', workflow: '', session: '' };
  /** @type {{attendee: Record<string, string>, workflow: Record<string, string>}} */
  #about = { attendee: {}, workflow: {} };
  #type = '';
  /** Token and ids of the session that was registered or started from here. */
  #sitting = '';

  /** @param {Sdk.Page} page */
  constructor(page) {
    this.#page = page;
    page.listen('offline', () => this.#tell(warning('network', 'No connection; the recording is kept and sent later.')));
    page.listen('stopped', () => {
      this.#sitting = '';
      if (page.session?.endedBy === 'terminated') this.#tell(new ProviewError('session_terminated', 'The session was ended by a proctor.'));
    });
  }

  /** @param {unknown} handler the only one; anything but a function takes it away */
  onError = (handler) => {
    this.#handler = typeof handler === 'function' ? handler : null;
  };

  /** @param {unknown} given */
  init(given) {
    const input = new Input(given, 'options');
    const dsn = input.text('dsn', 512).trim();
    const ids = idsOf(input);
    const container = input.text('container_id');
    const language = input.text('language', 100);
    const limit = input.tags(['limit_languages', 'allowed_languages']);
    input.check('Proview.init');
    if (!dsn) throw new ProviewError('dsn_missing', 'Missing DSN', { validationErrors: [{ path: 'dsn', message: 'is missing', code: 'missing' }] });
    const token = tokenOf(dsn);
    if (this.#sitting && token !== this.#token) throw warning('already_initialised', 'There is a session of another DSN; stop it first.');
    this.#token = token;
    this.#container = container;
    if (!this.#sitting) Object.assign(this.#ids, ids);
    const offered = limit?.filter((tag) => lookup([tag]));
    use(language, offered?.length ? offered : undefined);
    if (offered?.length === 0) this.#tell(warning('language_unsupported', 'No allowed language is available; all are offered.'));
    return true;
  }

  /**
   * Who and what the session is about; a session that is there already is told at once.
   * @param {{attendee?: Record<string, string>, workflow?: Record<string, string>}} told
   */
  async describe(told) {
    const [[what, values]] = /** @type {['attendee' | 'workflow', Record<string, string>][]} */ (Object.entries(told));
    if (this.#sitting && this.#ids[what] && values.identifier !== this.#ids[what]) {
      throw warning('session_running', `There is a session of another ${what}; stop it first.`);
    }
    this.#ids[what] = values.identifier;
    this.#about[what] = values;
    if (this.#sitting) await this.#page.session?.describe(told);
    return { ...values };
  }

  /** @param {'register' | 'start' | 'stop' | 'complete' | 'pause' | 'resume'} name */
  call(name) {
    return (/** @type {unknown} */ first, /** @type {unknown} */ second) => {
      const [options, callback] = typeof first === 'function' ? [second, first] : [first, second];
      return this.answer(async () => {
        const input = new Input(options, 'options');
        if (callback !== undefined && callback !== null && typeof callback !== 'function') input.fault('callback', 'must be a function');
        input.check(`Proview.session.${name}`);
        if (name === 'register' || name === 'start') await this.#begin(name, input);
        else await this.#command(name);
        return this.#output();
      }, callback);
    };
  }

  /**
   * @param {() => unknown} work
   * @param {unknown} [callback]
   */
  answer(work, callback) {
    const promise = new Promise((resolve) => { resolve(work()); }).catch((thrown) => {
      const error = asProviewError(thrown);
      this.#tell(error);
      throw error;
    });
    // Handled here: pages that do not wait for it would get an "unhandled rejection".
    promise.then((output) => callPage(callback, output, null), (error) => callPage(callback, undefined, error));
    return promise;
  }

  /**
   * @param {'register' | 'start'} name
   * @param {Input} input
   */
  async #begin(name, input) {
    if (!this.#token) throw new ProviewError('not_initialised', 'Proview.init was not called, or failed.');
    const page = this.#page;
    const ids = { ...this.#ids, ...idsOf(input, ['session_identifier', 'identifier']) };
    const type = sessionType(input.text('type', 64), input);
    const title = input.text(['title', 'session_title'], 512);
    input.check(`Proview.session.${name}`);
    // The server that injected this page knows who is there.
    if (!page.launched) {
      for (const what of /** @type {const} */ (['attendee', 'workflow'])) {
        if (!ids[what] && !(what === 'workflow' && ids.session)) input.fault(`${what}_identifier`, 'is missing', 'missing');
      }
      if (!ids.session && ids.attendee.length + ids.workflow.length > 255) input.fault('session_identifier', 'is missing; attendee and workflow are too long to make one', 'missing');
      input.check(`Proview.session.${name}`, 'identifier_missing');
    }
    if (ids.attendee && ids.workflow) ids.session ||= `${ids.workflow}:${ids.attendee}`;
    const sitting = JSON.stringify([this.#token, ids]);
    if (this.#sitting && this.#sitting !== sitting) throw warning('session_running', 'There is a session with other identifiers; stop it first.');
    const { attendee, workflow } = this.#about;
    const about = {
      ...(attendee.identifier === ids.attendee && { attendee }),
      ...(workflow.identifier === ids.workflow && { workflow }),
    };
    const plain = parseOptions(this.#token, { session: ids.session, profileId: ids.attendee, session_type: type, title: title || workflow.title || workflow.name });
    this.#ids = ids;
    this.#type = type;
    this.#sitting = sitting;
    try {
      const options = { ...plain, about, container: this.#container };
      if (name === 'register') await page.register(options);
      else await this.#run(options);
    } catch (fault) {
      if (!page.session || page.session.state === 'stopped') this.#sitting = '';
      throw fault;
    }
  }

  /** Until it is recorded. What the candidate can put right is told as a warning meanwhile. @param {Sdk.Options} options */
  #run(options) {
    return new Promise((resolve, reject) => {
      this.#page.begin({
        ...options,
        onProblem: (error) => this.#tell(warning(error.code, error.message)),
        initCallback: (error) => (error ? reject(error) : resolve(undefined)),
      });
    });
  }

  /** @param {'stop' | 'complete' | 'pause' | 'resume'} name */
  async #command(name) {
    const { session } = this.#page;
    if (!session || session.state === 'stopped') throw warning('session_missing', `Proview.session.${name}: there is no session.`);
    if (name === 'stop') return session.stop('api');
    if (name === 'complete') return session.stop('complete');
    if (session.state === 'idle') throw warning('session_not_running', `Proview.session.${name}: the session does not run yet.`);
    return session[name]();
  }

  #output() {
    const { session } = this.#page;
    const { attendee, workflow, session: identifier } = this.#ids;
    return {
      uuid: session?.uuid ?? '',
      state: stateOf(session),
      type: session?.policy?.session_type ?? this.#type,
      attendee: { identifier: attendee, ...this.#about.attendee },
      workflow: { identifier: workflow, ...this.#about.workflow },
      workflow_step: { identifier },
      session_identifier: identifier,
    };
  }

  /** @param {ProviewError} error */
  #tell(error) {
    (error.type === 'warning' ? log.warn : log.error)(error.code, error.message);
    callPage(this.#handler, error);
  }
}

/**
 * The identifiers that are given.
 * @param {Input} input
 * @param {string[]} [session] spellings
 */
function idsOf(input, session = ['session_identifier']) {
  const ids = { attendee: input.text('attendee_identifier'), workflow: input.text('workflow_identifier'), session: input.text(session) };
  return Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== ''));
}
