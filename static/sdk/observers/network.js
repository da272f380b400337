/**
 * Connection lost and back, as the session sees it: the service answers, by socket or HTTP, or it does not. The browser's own
 * `offline` event is believed at once, its `online` event is not (a cable without internet is "online").
 */

export class NetworkObserver {
  #report;
  #onChange;
  #online = true;

  /**
   * @param {Sdk.Report} report
   * @param {(online: boolean) => void} onChange
   */
  constructor(report, onChange) {
    this.#report = report;
    this.#onChange = onChange;
  }

  get online() {
    return this.#online;
  }

  start() {
    addEventListener('offline', this.#offline);
  }

  stop() {
    removeEventListener('offline', this.#offline);
  }

  /** @param {boolean} online what the link found out */
  reached(online) {
    if (online === this.#online) return;
    this.#online = online;
    this.#report(online ? 'networkRestored' : 'networkLost');
    this.#onChange(online);
  }

  #offline = () => this.reached(false);
}
