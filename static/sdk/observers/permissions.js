/** The permission for camera or microphone is withdrawn or given again. Browsers that do not answer for them are not watched. */

export class PermissionsObserver {
  #report;
  /** @type {AbortController | null} */
  #listeners = null;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    if (this.#listeners) return;
    this.#listeners = new AbortController();
    for (const device of ['camera', 'microphone']) this.#watch(device, this.#listeners.signal);
  }

  stop() {
    this.#listeners?.abort();
    this.#listeners = null;
  }

  /** @param {string} device @param {AbortSignal} signal */
  async #watch(device, signal) {
    const status = await navigator.permissions?.query({ name: /** @type {any} */ (device) }).catch(() => null);
    if (!status) return;
    let { state } = status;
    status.addEventListener('change', () => {
      const granted = status.state === 'granted';
      if (granted !== (state === 'granted')) this.#report(granted ? 'permissionGranted' : 'permissionRevoked', { device, state: status.state });
      state = status.state;
    }, { signal });
  }
}
