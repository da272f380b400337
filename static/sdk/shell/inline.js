/** The way out for a page that no frame can hold: it is opened in the window itself and recorded in inline mode (middleware/shell.py). */

const COOKIE = 'proview_inline';
const LASTS_S = 3600;
const KEY = 'proview.shells';
const CIRCLE = 4;
const CIRCLE_MS = 15_000;

/** @param {string} href of the page; the cookie is for this path only */
export function openInline(href) {
  const { pathname, protocol } = new URL(href);
  document.cookie = `${COOKIE}=1; Path=${pathname.replace(/;/g, '%3B')}; Max-Age=${LASTS_S}; SameSite=Lax${protocol === 'https:' ? '; Secure' : ''}`;
  location.replace(href);
  // The same address with a fragment would not be loaded again.
  if (href.includes('#')) location.reload();
}

/** Browsers that cannot hold a frame-busting page load its shell again and again. @returns {boolean} this is the fourth time in a row */
export function isCircling() {
  const now = Date.now();
  try {
    const before = JSON.parse(sessionStorage.getItem(KEY) ?? '[]').filter((/** @type {[string, number]} */ [path, at]) => path === location.pathname && now - at < CIRCLE_MS);
    sessionStorage.setItem(KEY, JSON.stringify([...before, [location.pathname, now]]));
    return before.length >= CIRCLE - 1;
  } catch {
    return false;
  }
}
