/**
 * Frame mode: this page owns the capture, the exam runs in a same-origin frame and may load as many pages as it likes.
 * The address bar, title and icon follow the frame. The frame's pages find us as `window.parent.__proview`.
 */

import { log } from './log.js';

export class Shell {
  #page;
  #frame;
  #opened = false;
  /** Why the session ended, while this shell is still on the screen. */
  #endedBy = '';

  /** @param {Sdk.Page} page */
  constructor(page) {
    this.#page = page;
    this.#frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById('proview-frame'));
  }

  start() {
    this.#page.listen('running', this.#open);
    this.#page.listen('unavailable', this.#open);
    this.#page.listen('stopped', (detail) => { this.#endedBy = detail.by; });
    if (!this.#frame) this.#whenParsed();
    this.#page.autoStart();
  }

  // The script is the first child of head: the frame does not exist yet.
  #whenParsed() {
    document.addEventListener('DOMContentLoaded', () => {
      this.#frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById('proview-frame'));
      if (this.#opened) this.#fill();
    });
  }

  #open = () => {
    if (this.#opened) return;
    this.#opened = true;
    if (this.#frame) this.#fill();
  };

  #fill() {
    const frame = this.#frame;
    if (!frame) return;
    frame.addEventListener('load', this.#loaded);
    frame.src = (frame.dataset.proviewSrc ?? '/') + location.hash;
    frame.focus();
  }

  #loaded = () => {
    const view = this.#frame?.contentWindow;
    if (!view) return;
    try {
      if (view.location.href === 'about:blank') return;
      this.#follow(view);
      view.addEventListener('hashchange', () => this.#follow(view));
      view.addEventListener('popstate', () => this.#follow(view));
      this.#page.session?.report('pageLoaded', { path: view.location.pathname });
      this.#stopWhereAsked(view.location.pathname);
      this.#restartWhereNeeded(view);
    } catch {
      // The frame left for another origin: the address bar stays where it was.
    }
  };

  /** @param {Window} view */
  #follow(view) {
    const { pathname, search, hash } = view.location;
    history.replaceState(history.state, '', pathname + search + hash);
    document.title = view.document.title || document.title;
    const icon = view.document.querySelector('link[rel~="icon"]')?.getAttribute('href');
    if (!icon) return;
    const link = document.head.querySelector('link[rel~="icon"]') ?? document.head.appendChild(Object.assign(document.createElement('link'), { rel: 'icon' }));
    link.setAttribute('href', new URL(icon, view.document.baseURI).href);
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
   * The next exam in the same window: a protected page after the session ended gets a shell, and so a session, of its own.
   * @param {Window} view
   */
  #restartWhereNeeded(view) {
    const tag = view.document.querySelector('script[data-proview-role="page"][data-proview-start="auto"]');
    if (tag && (this.#endedBy === 'path' || this.#endedBy === 'api')) location.replace(view.location.href);
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
