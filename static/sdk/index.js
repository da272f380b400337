/** Entry of the SDK; called by the loader (static/init.js) with what its tag says. */

import { publishProview } from './newer/publish.js';
import { Page } from './page.js';
import { Shell } from './shell.js';
import { stopLeftSession } from './stop.js';
import { Buffer } from './buffer.js';
import { Drain } from './drain.js';

/** @type {Page | null} */
let page = null;

/** @param {Sdk.BootConfig} config */
export function boot(config) {
  page = new Page(config);
  if (config.role === 'shell') new Shell(page, config.base).start();
  else if (config.role === 'stop') stopLeftSession();
  else if (config.auto) page.autoStart();
  else drainQuietly(page);
  adopt();
}

/** The loader was executed (again): a new queue may be there, and somebody who waits for `Proview`. */
export function adopt() {
  page?.adopt();
  publishProview(window.__proview?.proview);
}

/**
 * A page that may never start a session still hands in what an earlier one left.
 * @param {Page} waiting
 */
async function drainQuietly(waiting) {
  const buffer = await Buffer.open();
  if (!waiting.busy) new Drain(buffer).start();
}
