/** Entry of the SDK in pages that record themselves; called by the loader (static/init.js) with what its tag says. */

import { Buffer } from './buffer.js';
import { Drain } from './drain.js';
import { adoptPage, bootPage } from './entry.js';
import { stopLeftSession } from './stop.js';

/** @param {Sdk.BootConfig} config */
export function boot(config) {
  bootPage(config, (page) => {
    if (config.role === 'stop') stopLeftSession();
    else if (config.auto) page.autoStart();
    else drainQuietly(page);
  });
}

/** The loader was executed (again): a new queue may be there, and somebody who waits for `Proview`. */
export function adopt() {
  adoptPage();
}

/**
 * A page that may never start a session still hands in what an earlier one left.
 * @param {Sdk.Page} waiting
 */
async function drainQuietly(waiting) {
  const buffer = await Buffer.open();
  if (!waiting.busy) new Drain(buffer).start();
}
