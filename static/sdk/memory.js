/** What one tab remembers between its pages. Storage may be refused (blocked cookies); then every page starts afresh. */

const KEY = 'proview.running';

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
