/** What the two entries of the SDK share: index.js in pages, outer.js in the window of frame mode. */

import { publishProview } from './newer/publish.js';
import { Page } from './page.js';

/** @type {Page | null} */
let page = null;

/**
 * @param {Sdk.BootConfig} config
 * @param {(page: Page) => void} begin what this document is for
 */
export function bootPage(config, begin) {
  page = new Page(config);
  begin(page);
  adoptPage();
}

export function adoptPage() {
  page?.adopt();
  publishProview(window.__proview?.proview);
}
