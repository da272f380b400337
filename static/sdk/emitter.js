/** EventTarget with details: `emit(name, detail)` and `listen(name, handler)`, where the handler gets the detail itself. */

export class Emitter extends EventTarget {
  /** @param {string} name @param {any} [detail] */
  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {string} name @param {(detail: any) => unknown} handler @param {AbortSignal} [signal] */
  listen(name, handler, signal) {
    this.addEventListener(name, (event) => handler(/** @type {CustomEvent} */ (event).detail), { signal });
  }
}
