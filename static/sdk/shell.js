/**
 * Frame mode: this page owns the capture, the exam runs in a same-origin frame and may load as many pages as it likes.
 * Composes what is in shell/. The frame's pages find us as `window.parent.__proview`. docs/frame-mode.md says what pages notice of it.
 */

import { sleep } from './backoff.js';
import { log } from './log.js';
import { pathOf } from './observers/navigation.js';
import { keepInSight, printWhole } from './shell/around.js';
import { Guest } from './shell/guest.js';
import { compare, markOf, wasReopened } from './shell/identity.js';
import { Mirror } from './shell/mirror.js';
import { Outward } from './shell/outward.js';
import { isCircling, openInline } from './shell/inline.js';
import { reveal } from './shell/reveal.js';

const HIDDEN_FOR_GOOD_MS = 400;
const LAST_WORDS_MS = 1500;

export class Shell {
  #page;
  #mount;
  #opened = false;
  /** @type {WeakSet<Document>} */
  #observed = new WeakSet();
  /** @type {{frame: HTMLIFrameElement, guest: Guest, outward: Outward, mirror: Mirror} | null} */
  #parts = null;
  /** Why the session ended, while this shell is still on the screen. */
  #endedBy = '';

  /**
   * @param {Sdk.Page} page
   * @param {string} base
   */
  constructor(page, base) {
    this.#page = page;
    this.#mount = new URL(base).pathname;
  }

  start() {
    // A service worker that stores pages by address alone may have put a shell into the shell.
    if (window.parent !== window) return log.error('the shell was answered where the page itself was asked for');
    if (!window.navigation && isCircling()) return this.#leave(() => openInline(location.href));
    this.#page.listen('running', this.#open);
    this.#page.listen('unavailable', this.#open);
    this.#page.listen('stopped', (detail) => { this.#endedBy = detail.by; });
    const port = window.__proview;
    if (port) port.enter = (view) => this.#parts?.guest.enter(view);
    addEventListener('pagehide', () => { /** @type {any} */ (window).__proviewLeft = true; });
    // The script is the first child of head: the frame may not exist yet.
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', this.#find);
    else this.#find();
    this.#page.autoStart();
  }

  #find = () => {
    const frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById('proview-frame'));
    if (!frame) return;
    const guest = new Guest(frame, this.#entered);
    const outward = new Outward({ frame, mount: this.#mount, guest }, { onHeld: this.#held, onCircling: this.#refused });
    this.#parts = { frame, guest, outward, mirror: new Mirror(frame, (work) => outward.own(work)) };
    frame.addEventListener('load', this.#loaded);
    outward.start();
    printWhole(frame);
    if (this.#opened) this.#fill();
  };

  #open = () => {
    if (this.#opened) return;
    this.#opened = true;
    this.#fill();
  };

  #fill() {
    if (!this.#parts) return;
    const { frame, outward } = this.#parts;
    frame.focus();
    // Coming back to a window that was left, browsers fill its frames by themselves.
    if (frame.contentWindow?.location.href !== 'about:blank') return this.#loaded();
    const source = (frame.dataset.proviewSrc ?? '/') + location.hash;
    const here = location.href;
    const from = document.referrer;
    if (from && new URL(from).origin === location.origin) {
      // The page is to see who led here, not us: a frame's referrer is the address of the document around it.
      outward.own(() => history.replaceState(history.state, '', from));
      frame.src = source;
      outward.own(() => history.replaceState(history.state, '', here));
    } else {
      frame.referrerPolicy = 'no-referrer';
      frame.src = source;
      frame.addEventListener('load', () => frame.removeAttribute('referrerpolicy'), { once: true });
    }
  }

  /** @param {Window} view a new document in the frame */
  #entered = (view) => {
    this.#parts?.mirror.watch(view);
    keepInSight(view);
  };

  #loaded = () => {
    const view = this.#parts?.frame.contentWindow;
    if (!this.#parts || !view) return;
    const { guest, mirror } = this.#parts;
    try {
      if (!view.location.protocol.startsWith('http')) return;
      guest.enter(view);
      guest.facts(view).loadedAt ||= performance.now();
      guest.autofocus(view);
      mirror.follow(view);
      this.#page.session?.report('pageLoaded', { path: pathOf(view.location) });
      this.#observe(view);
      this.#stopWhereAsked(view.location.pathname);
      this.#restartWhereNeeded(view);
      if (guest.facts(view).held) setTimeout(() => this.#show(view, view.document), HIDDEN_FOR_GOOD_MS);
    } catch (reason) {
      // The frame left for another origin: the address bar stays where it was.
      log.info('another origin is in the frame', String(reason));
    }
  };

  /** Pages without a tag (log-in, help) are a part of the sitting, too; those with one ask for it themselves (frame.js). @param {Window} view */
  #observe(view) {
    const port = window.__proview;
    if (!port || this.#observed.has(view.document) || view.document.querySelector('script[data-proview-role]')) return;
    this.#observed.add(view.document);
    port.observe(view);
  }

  /** A script wanted the window for its page. It has it, in all that counts; perhaps it hid the page first. @param {Window} view */
  #held = (view) => {
    if (this.#parts?.guest.facts(view).loadedAt) setTimeout(() => this.#show(view, view.document), HIDDEN_FOR_GOOD_MS);
  };

  /** @param {Window} view @param {Document} page */
  #show(view, page) {
    if (view.document === page && !reveal(view)) this.#refused(view);
  }

  /** The page cannot be held in a frame: it gets the window, and records itself. @param {Window} view */
  #refused = (view) => {
    const { href } = view.location;
    this.#page.session?.report('frameRefused', { path: pathOf(view.location) });
    this.#leave(() => openInline(href));
  };

  /** @param {() => void} work */
  #leave(work) {
    if (this.#parts) this.#parts.outward.own(work);
    else work();
  }

  /** @param {string} path */
  #stopWhereAsked(path) {
    // Servlet containers write a session's id into the path (`/done;jsessionid=…`); the service matches without it, too.
    const plain = path.replace(/;[^/]*/g, '');
    for (const source of this.#page.session?.policy?.stop_paths ?? []) {
      // The service writes Python's named groups.
      if (pattern(source)?.test(plain)) this.#page.session?.stop('path');
    }
  }

  /**
   * A protected page that is not of this session gets a shell, and so a session, of its own: the next exam after one that ended,
   * another attempt, or another person who logged in meanwhile.
   * @param {Window} view
   */
  async #restartWhereNeeded(view) {
    const { href } = view.location;
    const tag = view.document.querySelector('script[data-proview-role="page"][data-proview-start="auto"]');
    const next = tag && (this.#endedBy === 'path' || this.#endedBy === 'api');
    const mark = markOf(view);
    const change = mark ? compare(markOf(window), mark) : 'same';
    if (!next && (change === 'same' || wasReopened(mark))) return;
    // The first person's recording ends here; the other attempt of the same person may be gone on with.
    if (change === 'person') await Promise.race([this.#page.session?.stop('page'), sleep(LAST_WORDS_MS)]);
    this.#leave(() => location.replace(href));
  }
}

/** @param {string} source */
function pattern(source) {
  try {
    return new RegExp(source.replace(/\(\?P</g, '(?<'));
  } catch (reason) {
    log.error('stop path is not understood', source, reason);
    return null;
  }
}
