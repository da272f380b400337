/** The observers of one sitting as one part. */

import { Facts } from '../memory.js';
import { DisplayObserver } from './display.js';
import { DocumentObservers } from './document.js';
import { FocusObserver } from './focus.js';
import { FullscreenObserver } from './fullscreen.js';
import { IdleObserver } from './idle.js';
import { Limiter } from './limiter.js';
import { MediaDevicesObserver } from './mediadevices.js';
import { pathOf } from './navigation.js';
import { NetworkObserver } from './network.js';
import { PermissionsObserver } from './permissions.js';
import { QualityObserver } from './quality.js';
import { SilenceObserver } from './silence.js';
import { StreamObserver } from './stream.js';
import { TabsObserver } from './tabs.js';
import { VisibilityObserver } from './visibility.js';
import { WindowObserver } from './window.js';

export class Observers {
  #report;
  #link;
  #framed;
  #onNetwork;
  #limiter;
  /** @type {{start(): unknown, stop(): void}[]} */
  #all = [];
  /** @type {NetworkObserver | null} */
  #network = null;
  /** @type {IdleObserver | null} */
  #idle = null;
  /** @type {Sdk.Facts | null} */
  #facts = null;
  #silenceMs = 0;
  /** @type {Map<Sdk.TrackName, StreamObserver>} */
  #streams = new Map();
  /** @type {SilenceObserver | null} */
  #silence = null;

  /**
   * @param {Sdk.Report} report
   * @param {{framed: boolean, link: () => Sdk.Link | null, onNetwork: (online: boolean, agoMs: number) => void}} options `framed`: the exam is in a
   *     frame of this page
   */
  constructor(report, { framed, link, onNetwork }) {
    this.#report = report;
    this.#framed = framed;
    this.#link = link;
    this.#onNetwork = onNetwork;
    this.#limiter = new Limiter(report);
    /** What anybody observes goes through here. @type {Sdk.Report} */
    this.pass = this.#limiter.pass;
  }

  /** When the session runs. */
  start() {
    const link = this.#link();
    if (this.#all.length > 0 || !link) return;
    const { pass } = this;
    const { policy } = link.started;
    const facts = new Facts(link.uuid);
    const network = new NetworkObserver(pass, this.#onNetwork);
    this.#facts = facts;
    this.#network = network;
    this.#silenceMs = policy.silence_ms;
    this.#idle = new IdleObserver(pass, policy.idle_ms);
    this.#all = [
      new FocusObserver(pass), new VisibilityObserver(pass), new FullscreenObserver(pass), new DocumentObservers(pass, window, { navigation: !this.#framed }), this.#idle,
      new WindowObserver(pass, facts), new DisplayObserver(pass, facts), new TabsObserver(pass), new MediaDevicesObserver(pass), new PermissionsObserver(pass),
      new QualityObserver(pass, () => (network.online ? this.#measure(policy.slice_ms) : null)),
    ];
    for (const observer of this.#all) observer.start();
    // The shell tells of its frame's pages.
    if (!this.#framed) this.#report('pageLoaded', { path: pathOf(location) });
  }

  stop() {
    this.watch({ camera: null, screen: null });
    for (const observer of this.#all.splice(0).reverse()) observer.stop();
    this.#limiter.flush();
  }

  /** The streams that are open now. @param {Record<Sdk.TrackName, MediaStream | null>} streams */
  watch(streams) {
    for (const track of /** @type {Sdk.TrackName[]} */ (['camera', 'screen'])) {
      const stream = streams[track];
      if (this.#streams.get(track)?.stream === (stream ?? undefined)) continue;
      this.#streams.get(track)?.stop();
      this.#streams.delete(track);
      if (track === 'camera') this.#listen(stream);
      if (!stream || !this.#facts) continue;
      const observer = new StreamObserver(this.pass, this.#facts, track, stream);
      this.#streams.set(track, observer);
      observer.start();
    }
  }

  activity() {
    this.#idle?.activity();
  }

  /** @param {boolean} online @param {number} agoMs since when */
  reached(online, agoMs) {
    this.#network?.reached(online, agoMs, this.#link()?.clock.now() ?? 0);
  }

  /** @param {number} sliceMs */
  #measure(sliceMs) {
    const link = this.#link();
    return link && { rttMs: link.clock.rtt, backlogMs: link.uploader.pending * sliceMs };
  }

  /** @param {MediaStream | null} stream */
  #listen(stream) {
    this.#silence?.stop();
    this.#silence = stream && this.#facts && new SilenceObserver(this.pass, stream, this.#silenceMs);
    this.#silence?.start();
  }
}
