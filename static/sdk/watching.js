/** When the live picture is sent: while a proctor watches, or always, by the session's policy. */

import { Live } from './live.js';

export class Watching {
  #link;
  #streams;
  /** @type {Live | null} */
  #live = null;

  /**
   * @param {() => Sdk.Link | null} link
   * @param {() => {camera: MediaStream | null, screen: MediaStream | null}} streams
   */
  constructor(link, streams) {
    this.#link = link;
    this.#streams = streams;
  }

  /**
   * @param {boolean} wanted
   * @param {RTCIceServer[]} [iceServers]
   */
  tell(wanted, iceServers) {
    const link = this.#link();
    if (!link || link.started.policy.live === 'off') return;
    const { live, capture } = link.started.policy;
    this.#live ??= new Live(
      { streams: this.#streams, maxKbps: { camera: capture.camera.kbps, screen: capture.screen.kbps } },
      (message) => this.#link()?.signal.send(message) ?? false,
    );
    if (wanted || live === 'always') this.#live.start(iceServers ?? link.started.ice_servers);
    else this.#live.stop();
  }

  /** @param {any} message */
  answer(message) {
    this.#live?.answer(message);
  }

  /** @param {any} message */
  failed(message) {
    this.#live?.failed(message);
  }

  renew() {
    this.#live?.renew();
  }

  stop() {
    this.#live?.stop();
  }

  dispose() {
    this.#live?.dispose();
  }
}
