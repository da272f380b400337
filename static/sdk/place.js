/**
 * One tab of a browser records a session at a time (Web Locks): whoever comes second waits in line, or takes the place. When the
 * first one is closed, or crashes, the next in line has it. Other browsers do not see the lock; there the service decides.
 */

const PREFIX = 'proview.recording.';

export class Place {
  uuid;
  /** Resolves when it is ours, or nobody waits any more. @type {Promise<void>} */
  taken;
  /** Somebody else took it. @type {() => void} */
  onLost = () => undefined;
  /** @type {() => void} */
  #granted = () => undefined;
  /** @type {() => void} */
  #release = () => undefined;
  #inLine = new AbortController();
  #left = false;

  /** @param {string} uuid */
  constructor(uuid) {
    this.uuid = uuid;
    this.taken = new Promise((resolve) => { this.#granted = () => resolve(undefined); });
    if (navigator.locks) this.#request({ signal: this.#inLine.signal });
    else this.#granted();
  }

  /** Ours within so many milliseconds. @param {number} ms @returns {Promise<boolean>} */
  within(ms) {
    return Promise.race([this.taken.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), ms))]);
  }

  /** Without waiting: who has it is told. */
  take() {
    this.#inLine.abort();
    this.#request({ steal: true });
  }

  leave() {
    this.#left = true;
    this.#inLine.abort();
    this.#release();
    this.#granted();
  }

  /** @param {LockOptions} how */
  #request(how) {
    let held = false;
    const keep = () => new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
      held = true;
      this.#release = () => resolve();
      this.#granted();
      if (this.#left) resolve();
    });
    // Rejected when somebody takes it from us, or when we gave up waiting.
    navigator.locks.request(PREFIX + this.uuid, how, keep).catch(() => {
      if (held && !this.#left) this.onLost();
      // Browsers that refuse locks in this place (opaque origins) have nobody to share it with.
      else if (!held && !how.signal?.aborted) this.#granted();
    });
  }
}

/**
 * A tab of this browser is recording it now.
 * @param {string} uuid
 */
export async function isRecorded(uuid) {
  const locks = await navigator.locks?.query().catch(() => null);
  return locks?.held?.some(({ name }) => name === PREFIX + uuid) ?? false;
}
