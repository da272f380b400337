/** Whose page is in the frame: the mark that the server puts on shell and pages (middleware/mark.py). */

const KEY = 'proview.reopened';
const AGAIN_MS = 10_000;

/** @param {Window} view @returns {string} `<session>.<profile>`, hashed; empty where the server put none */
export function markOf(view) {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (/** @type {any} */ (view).performance.getEntriesByType('navigation'));
  return entry?.serverTiming?.find(({ name }) => name === 'proview')?.description ?? '';
}

/**
 * @param {string} mine of the shell
 * @param {string} theirs of the page
 * @returns {'same' | 'sitting' | 'person'} what has changed. A page that names nobody (an error, logged out) is nobody else's.
 */
export function compare(mine, theirs) {
  const [session = '', profile = ''] = mine.split('.');
  const [otherSession = '', otherProfile = ''] = theirs.split('.');
  if (otherProfile && otherProfile !== profile) return 'person';
  return otherSession && otherSession !== session ? 'sitting' : 'same';
}

/**
 * Ids that differ from request to request (a cookie that is sent only sometimes) must not turn into a loop.
 * @param {string} mark
 * @returns {boolean} a new shell was opened for this mark just now
 */
export function wasReopened(mark) {
  const now = Date.now();
  try {
    const last = JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
    sessionStorage.setItem(KEY, JSON.stringify({ mark, at: now }));
    return last.mark === mark && now - last.at < AGAIN_MS;
  } catch {
    return false;
  }
}
