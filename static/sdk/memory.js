/** What one tab remembers between its pages. Storage may be refused (blocked cookies); then every page starts afresh. */

const KEY = 'proview.running';

const SAID = 'proview.said';

/** @typedef {{uuid: string, chosen: {camera?: string, microphone?: string}, capture: Sdk.Policy['capture']}} Running */

/** @returns {Running | null} the session that the previous page of this tab was recording */
export function recallRunning() {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return typeof value?.uuid === 'string' && value.capture?.camera ? value : null;
  } catch {
    return null;
  }
}

/** @param {Running | null} running */
export function rememberRunning(running) {
  try {
    if (running) sessionStorage.setItem(KEY, JSON.stringify(running));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Nothing to do: the next page asks for consent again.
  }
}

/** What lasts longer than a page (a second display): said when it changes, and not by each page of a session again. */
export class Facts {
  #uuid;
  /** Where storage is refused. @type {Record<string, unknown>} */
  #memory = {};

  /** @param {string} uuid */
  constructor(uuid) {
    this.#uuid = uuid;
  }

  /**
   * @param {string} what
   * @param {unknown} value how it is now
   * @param {unknown} usual what it is taken for before anybody looked
   */
  changed(what, value, usual) {
    const known = this.#known();
    if ((what in known ? known[what] : usual) === value) return false;
    known[what] = value;
    try {
      sessionStorage.setItem(SAID, JSON.stringify({ uuid: this.#uuid, known }));
    } catch {
      this.#memory = known;
    }
    return true;
  }

  /** @returns {Record<string, unknown>} */
  #known() {
    try {
      const { uuid, known } = JSON.parse(sessionStorage.getItem(SAID) ?? '{}');
      if (uuid === this.#uuid && known) return known;
    } catch {
      // Storage is refused, or somebody wrote into it.
    }
    return this.#memory;
  }
}
