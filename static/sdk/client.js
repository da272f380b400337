/** `ProctorClient3`: the methods that pages call. Callbacks always fire, once, whatever the state of the session. */

import { callPage } from './errors.js';
import { log } from './log.js';

/**
 * @param {() => Sdk.Session | null} current the session of this page, if there is one
 * @returns {Sdk.Client & {deliver(event: Sdk.ClientEvent): void}}
 */
export function createClient(current) {
  /** @type {Map<string, Set<Function>>} */
  const handlers = new Map();
  /** @param {Promise<void> | undefined} work @param {unknown} callback */
  const then = async (work, callback) => {
    try {
      await work;
    } catch (fault) {
      log.error(fault);
    }
    callPage(callback);
  };
  const pause = (/** @type {unknown} */ callback) => void then(current()?.pause(), callback);
  return {
    stop: (callback) => void then(current()?.stop('api'), callback),
    pause,
    Pause: pause,
    resume: (callback) => void then(current()?.resume(), callback),
    on(id, handler) {
      if (typeof handler !== 'function') return;
      const key = String(id);
      const set = handlers.get(key) ?? new Set();
      handlers.set(key, set.add(handler));
    },
    off(id, handler) {
      if (handler === undefined) handlers.delete(String(id));
      else handlers.get(String(id))?.delete(/** @type {Function} */ (handler));
    },
    get state() {
      return current()?.state ?? 'idle';
    },
    deliver(event) {
      for (const key of [String(event.event_type_id), event.name, '*']) {
        for (const handler of [...(handlers.get(key) ?? [])]) callPage(handler, { ...event });
      }
    },
  };
}
