/** Entry of the SDK in the window of frame mode: a page's SDK, with the shell around the exam's pages. */

import { adoptPage, bootPage } from './entry.js';
import { Shell } from './shell.js';

/** @param {Sdk.BootConfig} config */
export function boot(config) {
  bootPage(config, (page) => new Shell(page, config.base).start());
}

export function adopt() {
  adoptPage();
}
