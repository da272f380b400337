/** Connection lost and back, as the session's signal sees it: the service answers, by socket or HTTP, or it does not. */

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

  /** @param {boolean} online what the link found out */
  reached(online) {
    if (online === this.#online) return;
    this.#online = online;
    this.#report(online ? 'networkRestored' : 'networkLost');
    this.#onChange(online);
  }
}
