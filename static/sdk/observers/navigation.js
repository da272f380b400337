/** Pages that change their address without a load. The path alone: queries, fragments and `;jsessionid` hold secrets. */

const LOOK_MS = 1000;
const LONGEST = 200;

export class NavigationObserver {
  #report;
  #view;
  #path = '';
  #timer = 0;

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.#report = report;
    this.#view = view;
  }

  start() {
    if (this.#path) return;
    this.#path = pathOf(this.#view.location);
    const { navigation } = /** @type {any} */ (this.#view);
    if (navigation) navigation.addEventListener('currententrychange', this.#look);
    else this.#timer = /** @type {any} */ (this.#view).setInterval(this.#look, LOOK_MS);
  }

  stop() {
    /** @type {any} */ (this.#view).navigation?.removeEventListener('currententrychange', this.#look);
    /** @type {any} */ (this.#view).clearInterval(this.#timer);
    this.#path = '';
  }

  #look = () => {
    const path = pathOf(this.#view.location);
    if (path === this.#path) return;
    this.#path = path;
    this.#report('addressChanged', { path });
  };
}

/**
 * The path of a page, and of a page in the page where that stands in the fragment (`#/question/3`).
 * @param {{pathname: string, hash: string}} location
 */
export function pathOf({ pathname, hash }) {
  const inner = /^#!?\//.test(hash) ? hash.replace(/\?.*$/s, '') : '';
  return (pathname.replace(/;[^/]*/g, '') + inner).slice(0, LONGEST);
}
