// @ts-check
/** Times of the server's pages in the reader's zone. */
import { localTime } from './format.js';

/** @param {ParentNode} [root] */
export function localise(root = document) {
  for (const time of root.querySelectorAll('time[data-local]')) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const epoch = Date.parse(time.dateTime);
    if (Number.isNaN(epoch)) continue;
    time.title = time.dateTime;
    time.textContent = localTime(epoch);
  }
}

localise();
