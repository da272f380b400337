/**
 * The page's side of a session: `tv('init', …)`, its queue, `ProctorClient3`, callbacks and DOM events. Works the same in a page
 * that records itself and in the shell of frame mode.
 */

import { callEarly, createClient, publish } from './client.js';
import { Emitter } from './emitter.js';
import { asProviewError, callPage, ProviewError } from './errors.js';
import { domEventName } from './events.js';
import { ready, use } from './locale.js';
import { log } from './log.js';
import { rememberRunning } from './memory.js';
import { createProview } from './newer/proview.js';
import { observeFrame } from './observers/document.js';
import { parseOptions } from './options.js';
import { Session } from './session.js';
import { Messages } from './ui/messages.js';
import { Root } from './ui/root.js';
import { showProblem } from './ui/steps.js';

// What Talview's secure browser adds to its user agent. A page's wish, not a proof: a user agent can be made up.
const SECURE_BROWSER = 'Proview-SB';

export class Page extends Emitter {
  /** @type {Session | null} */
  session = null;
  #config;
  #root;
  #messages;
  /** Each call of init waits for its one answer. @type {Sdk.Options[]} */
  #waiting = [];
  /** @type {Set<Sdk.Options>} */
  #listening = new Set();
  /** What the present session was started with. @type {Sdk.Options | null} */
  #begun = null;
  client = createClient(() => this.session);

  /** @param {Sdk.BootConfig} config */
  constructor(config) {
    super();
    this.#config = config;
    this.#root = new Root(config.cover);
    this.#messages = new Messages(this.#root);
    // React wrappers refuse to load while the global exists, so a page that starts the session itself gets it with its first call.
    if (config.auto || !config.tagged) publish(this.client);
    // Pages in our frames (the shell's, or a site's own frameset) find the one session here.
    window.__proview = {
      observe: (view) => observeFrame(view, (key, data) => this.session?.observe(key, data), () => this.session?.activity()),
      init: (token, options) => this.init(token, options),
      stop: (reason) => this.session?.stop(/** @type {any} */ (reason)) ?? Promise.resolve(),
      client: this.client,
      proview: createProview(this),
    };
  }

  /** The server that injected the loader knows who sits here. */
  get launched() {
    return this.#config.route !== '';
  }

  get busy() {
    return this.session !== null && !['idle', 'stopped'].includes(this.session.state);
  }

  /** Takes over the command function and what was queued in it; the snippet may put a new one any number of times. */
  adopt() {
    const target = /** @type {any} */ (window);
    const { name } = this.#config;
    const stub = target[name];
    if (stub?.proview === this) return;
    const command = (/** @type {unknown[]} */ ...call) => this.#command(call);
    command.proview = this;
    command.q = /** @type {unknown[]} */ ([]);
    command.l = stub?.l ?? Date.now();
    target[name] = command;
    // The queue is the page's: whatever lies in it, the next entry is looked at, too.
    for (const call of Array.from(stub?.q ?? [])) this.#command(Array.from(/** @type {ArrayLike<unknown>} */ (call ?? [])));
  }

  /** @param {unknown[]} call */
  #command([verb, first, second]) {
    if (verb === 'init') this.init(first, second);
    else if (verb === 'client') callEarly(this.client, first, second);
    else log.warn('unknown command', verb);
  }

  /** Starts without a call of the page: the launch cookie says who and what. */
  autoStart() {
    this.#start(parseOptions(''));
  }

  /**
   * @param {unknown} token
   * @param {unknown} given
   */
  init(token, given) {
    publish(this.client);
    let options;
    try {
      options = parseOptions(token, given);
    } catch (fault) {
      log.error(fault);
      callPage(/** @type {any} */ (given)?.initCallback, fault);
      return;
    }
    if (options.enforceTSB && !navigator.userAgent.includes(SECURE_BROWSER)) return this.#refuse(options);
    this.begin(options);
  }

  /**
   * Starts a session, or joins the one that is there.
   * @param {Sdk.Options} options
   */
  begin(options) {
    publish(this.client);
    const { session } = this;
    if (!session || session.state === 'stopped') return this.#start(options);
    // Single-page sites go from one exam to the next without a stop, or do not wait for it.
    const over = session.ending ?? (isAnother(this.#begun, options) ? session.stop('page') : null);
    if (over) {
      over.then(() => this.begin(options));
      return;
    }
    if (session.state === 'idle') return this.#start(options);
    // Injected tag and snippet in one page: one session, everybody is told.
    this.#waiting.push(options);
    this.#listening.add(options);
    if (['running', 'paused'].includes(session.state)) this.#settle(null);
  }

  /** Stays closed, as the page demands it: the card is no session's. @param {Sdk.Options} options */
  async #refuse({ initCallback, language }) {
    const error = new ProviewError('secure_browser_required', `The page asks for the secure browser (${SECURE_BROWSER} in the user agent).`);
    callPage(initCallback, error);
    use(language);
    await ready();
    await showProblem(this.#root, error, 'reload');
    location.reload();
  }

  /**
   * Has the service make the session that `begin` then records.
   * @param {Sdk.Options} options
   * @throws {ProviewError} refused, or no answer for long (trying goes on)
   */
  async register(options) {
    if (this.busy) return;
    const session = this.#registered(options);
    const unavailable = new Promise((_, reject) => session.listen('unavailable', ({ error }) => reject(error)));
    await Promise.race([session.register(), unavailable]).catch((fault) => {
      if (!asProviewError(fault).temporary) session.state = 'stopped';
      throw fault;
    });
  }

  /** @param {Sdk.Options} options */
  #start(options) {
    const session = this.#registered(options);
    this.#waiting.push(options);
    this.#listening.add(options);
    session.start().catch((thrown) => {
      const error = asProviewError(thrown);
      log.error('no session', error.code, error.message);
      session.state = 'stopped';
      this.#failOpen(error, false);
    });
  }

  /** @param {Sdk.Options} options */
  #registered(options) {
    if (this.session?.state === 'idle') return this.session;
    this.#begun = options;
    if (options.clear) rememberRunning(null);
    const { route, base } = this.#config;
    const told = { ...(options.token && { token: options.token }), ...(options.launch && { launch: options.launch }), ...(route && { route }) };
    const ids = { session: options.session, profile_id: options.profileId, session_type: options.sessionType, title: options.title };
    const chosen = { screen: options.screen, skipHardwareTest: options.skipHardwareTest, isIDRequired: options.isIDRequired, language: options.language, event_external_id: options.eventExternalId };
    const body = { ...told, ...filled(ids), ...options.about, options: filled(chosen) };
    const session = new Session({ base, root: this.#root, options, body, framed: this.#config.role === 'shell' });
    this.session = session;
    session.listen('event', (detail) => this.#deliver(detail));
    session.listen('network', (detail) => {
      for (const one of this.#listening) callPage(one.networkDisconnectionCallback, detail);
      if (!detail.online) this.emit('offline');
    });
    session.listen('problem', (detail) => {
      for (const { onProblem } of this.#waiting) callPage(onProblem, detail.error);
      detail.told = this.#settle(detail.error, ({ onProblem }) => !onProblem);
    });
    session.listen('running', () => {
      this.#settle(null);
      this.emit('running');
    });
    // The candidate is being watched: a shell may show its page.
    session.listen('elsewhere', () => this.emit('unavailable'));
    session.listen('unavailable', (detail) => this.#failOpen(detail.error, true));
    session.listen('stopped', (detail) => {
      if (detail.by === 'path') this.#messages.finished();
      this.#settle(new ProviewError('stopped', 'The session was stopped before it ran.'));
      this.#listening.clear();
      this.emit('stopped', detail);
    });
    return session;
  }

  /**
   * The service's fault, or its refusal: the page must not suffer. A page that waits for its callback is told.
   * @param {import('./errors.js').ProviewError} error
   * @param {boolean} trying
   */
  #failOpen(error, trying) {
    this.#root.uncover();
    this.#messages.failedOpen(error.code, trying);
    this.#settle(error);
    this.emit('unavailable');
  }

  /**
   * Answers everybody who waits, once.
   * @param {Error | null} error
   * @param {(options: Sdk.Options) => boolean} [whom]
   * @returns {boolean} somebody of the page got it
   */
  #settle(error, whom = () => true) {
    const waiting = this.#waiting.filter(whom);
    this.#waiting = this.#waiting.filter((one) => !waiting.includes(one));
    const { audio, video, screen } = this.session?.captured ?? { audio: false, video: false, screen: false };
    for (const { initCallback } of waiting) {
      if (error) callPage(initCallback, error);
      else callPage(initCallback, null, this.session?.uuid, audio, video, screen);
    }
    return waiting.some(({ initCallback }) => initCallback !== null);
  }

  /** Handlers get copies: what one of them changes is neither seen by the next nor written down. @param {Sdk.ClientEvent} event */
  #deliver(event) {
    this.client.deliver(event);
    dispatchEvent(new CustomEvent(domEventName(event.name), { detail: structuredClone(event) }));
  }
}

/**
 * Without empty values, which mean "not given".
 * @param {Record<string, unknown>} values
 */
function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== false));
}

/**
 * Whether a call of init names another sitting than the one that was begun by a call of init.
 * @param {Sdk.Options | null} begun
 * @param {Sdk.Options} asked
 */
function isAnother(begun, asked) {
  if (!begun?.session || !asked.session) return false;
  return begun.session !== asked.session || Boolean(begun.profileId && asked.profileId && begun.profileId !== asked.profileId);
}
