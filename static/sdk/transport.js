/**
 * What this tab learned about WebSockets here: where the way to the service does not carry them, the next page of an exam does
 * not lose time by finding out again. Storage may be refused; then every page finds out for itself.
 */

const KEY = 'proview.http';
/** A network that refuses sockets may let them through later: another Wi-Fi, another proxy. */
export const AGAIN_MS = 5 * 60_000;

/** How long sockets are not worth a try, ms. 0: try. */
export function socketRestMs() {
  try {
    const left = Number(sessionStorage.getItem(KEY)) - Date.now();
    return left > 0 && left <= AGAIN_MS ? left : 0;
  } catch {
    return 0;
  }
}

/** @param {boolean} works */
export function rememberSocket(works) {
  try {
    if (works) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, String(Date.now() + AGAIN_MS));
  } catch {
    // As above.
  }
}
