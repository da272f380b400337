/** Connection lost and back, as the session's signal sees it: the service answers, by socket or HTTP, or it does not. */

export class NetworkObserver {
  #report;
  #onChange;
  #online = true;

  /**
   * @param {Sdk.Report} report
   * @param {(online: boolean, agoMs: number) => void} onChange
   */
  constructor(report, onChange) {
    this.#report = report;
    this.#onChange = onChange;
  }

  get online() {
    return this.#online;
  }

  /** What the link found out. @param {boolean} online @param {number} agoMs since when @param {number} now session clock */
  reached(online, agoMs, now) {
    if (online === this.#online) return;
    this.#online = online;
    this.#report(online ? 'networkRestored' : 'networkLost', {}, Math.max(0, Math.round(now - agoMs)));
    this.#onChange(online, agoMs);
  }
}
