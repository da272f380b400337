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
        for (const handler of [...(handlers.get(key) ?? [])]) callPage(handler, structuredClone(event));
      }
    },
  };
}

/**
 * Makes the client the page's `ProctorClient3`. The loader's stand-in becomes it, so that references to that stay good; an object
 * of somebody else's is left alone.
 * @param {Sdk.Client} client
 */
export function publish(client) {
  const there = /** @type {any} */ (window.ProctorClient3 ??= client);
  if (there.early !== true) return;
  delete there.early;
  Object.defineProperties(there, Object.getOwnPropertyDescriptors(client));
}

/**
 * What was called on the stand-in, which put it into the queue of `tv`.
 * @param {any} client
 * @param {unknown} method
 * @param {unknown} args
 */
export function callEarly(client, method, args) {
  if (['stop', 'pause', 'Pause', 'resume', 'on', 'off'].includes(String(method))) client[String(method)](...Array.from(/** @type {ArrayLike<unknown>} */ (args ?? [])));
}
