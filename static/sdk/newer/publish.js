/** Puts `Proview` on a window and tells a page that waits for it. */

import { callPage } from '../errors.js';

/** @param {Record<string, any> | undefined} proview */
export function publishProview(proview) {
  const target = /** @type {any} */ (window);
  // What the page has under this name stays. An element with such an id is under it, too, until something else is.
  if (proview && (!target.Proview || target.Proview instanceof Element)) target.Proview = proview;
  if (target.Proview === proview) callPage(target.proviewOnLoad);
}
