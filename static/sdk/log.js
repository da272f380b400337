/** error = gave up, warn = retrying, info = one line per step of the session's life. */

const PREFIX = '[proview]';

export const log = {
  /** @param {...unknown} words */
  error: (...words) => console.error(PREFIX, ...words),
  /** @param {...unknown} words */
  warn: (...words) => console.warn(PREFIX, ...words),
  /** @param {...unknown} words */
  info: (...words) => console.info(PREFIX, ...words),
};
