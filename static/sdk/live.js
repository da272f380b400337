/**
 * The live picture for proctors: publishes what is being captured while the server wants it. It is a view, not the
 * evidence: trouble here never touches the recording.
 *
 * aiortc does not restart ICE, and a new connection takes 0.3 s: so trouble means a new RTCPeerConnection.
 */

import { retryDelay } from './backoff.js';
import { log } from './log.js';

const GATHER_MS = 1500;
const ANSWER_MS = 8000;
// "disconnected" often heals by itself within a moment.
const HEAL_MS = 2000;

export class Live {
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  #wanted = false;
  #attempt = 0;
  #id = 0;
  #send;
  #streams;
  #maxKbps;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  #timer = 0;

  /**
   * @param {{streams: () => {camera: MediaStream | null, screen: MediaStream | null}, maxKbps: {camera: number, screen: number}}} options
   * @param {(message: Record<string, unknown>) => boolean} send
   */
  constructor({ streams, maxKbps }, send) {
    this.#streams = streams;
    this.#maxKbps = maxKbps;
    this.#send = send;
    addEventListener('pagehide', this.#hide);
  }

  /** @param {RTCIceServer[]} iceServers */
  start(iceServers) {
    this.#iceServers = iceServers;
    if (this.#wanted && this.#pc) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#publish();
  }

  stop() {
    if (this.#pc) this.#send({ type: 'hangup' });
    this.#wanted = false;
    this.#close();
  }

  dispose() {
    removeEventListener('pagehide', this.#hide);
    this.stop();
  }

  /** The captured tracks changed, or the socket is new: publish afresh. */
  renew() {
    if (this.#wanted) this.#publish();
  }

  /** @param {{id: unknown, sdp: string}} message */
  async answer({ id, sdp }) {
    if (id !== this.#id || this.#pc?.signalingState !== 'have-local-offer') return;
    try {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    } catch (reason) {
      this.#again('answer refused', reason);
    }
  }

  /** @param {{id: unknown, code: string}} message */
  failed({ id, code }) {
    if (id === this.#id) this.#again('refused', code);
  }

  async #publish() {
    this.#close();
    const { camera, screen } = this.#streams();
    const tracks = [
      ['camera', camera?.getVideoTracks()[0], camera],
      ['microphone', camera?.getAudioTracks()[0], camera],
      ['screen', screen?.getVideoTracks()[0], screen],
    ];
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers, bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    const id = ++this.#id;
    try {
      /** @type {[RTCRtpTransceiver, string][]} */
      const sent = [];
      for (const [name, track, stream] of /** @type {[string, MediaStreamTrack | undefined, MediaStream][]} */ (tracks)) {
        if (track?.readyState !== 'live') continue;
        const kbps = name === 'camera' ? this.#maxKbps.camera : this.#maxKbps.screen;
        const transceiver = pc.addTransceiver(track, {
          direction: 'sendonly', streams: [stream], ...(track.kind === 'video' && { sendEncodings: [{ maxBitrate: kbps * 1000 }] }),
        });
        sent.push([transceiver, name]);
      }
      if (sent.length === 0) return this.#close();
      pc.onconnectionstatechange = () => this.#watch(pc);
      await pc.setLocalDescription();
      await gathered(pc);
      if (pc !== this.#pc) return;
      const named = Object.fromEntries(sent.map(([transceiver, name]) => [transceiver.mid, name]));
      if (!this.#send({ type: 'offer', id, sdp: pc.localDescription?.sdp, tracks: named })) return this.#again('no socket');
      this.#timer = setTimeout(() => pc.connectionState !== 'connected' && this.#again('no connection'), ANSWER_MS);
    } catch (reason) {
      if (pc === this.#pc) this.#again('not published', reason);
    }
  }

  /** @param {RTCPeerConnection} pc */
  #watch(pc) {
    if (pc !== this.#pc) return;
    clearTimeout(this.#timer);
    if (pc.connectionState === 'connected') this.#attempt = 0;
    else if (pc.connectionState === 'failed') this.#again('failed');
    else if (pc.connectionState === 'disconnected') this.#timer = setTimeout(() => this.#again('disconnected'), HEAL_MS);
    else this.#timer = setTimeout(() => this.#again('no connection'), ANSWER_MS);
  }

  /** @param {...unknown} why */
  #again(...why) {
    log.warn('live view', ...why);
    this.#close();
    if (this.#wanted) this.#timer = setTimeout(() => this.#publish(), retryDelay(this.#attempt++));
  }

  #close() {
    clearTimeout(this.#timer);
    const pc = this.#pc;
    this.#pc = null;
    if (!pc) return;
    pc.onconnectionstatechange = null;
    pc.close();
  }

  // Without it the server keeps the dead connection for half a minute.
  #hide = () => this.#close();
}

/**
 * The protocol has no trickle: the offer carries all candidates, or those of the first moments.
 * @param {RTCPeerConnection} pc
 * @returns {Promise<void>}
 */
function gathered(pc) {
  return new Promise((resolve) => {
    const check = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', check);
    check();
    setTimeout(resolve, GATHER_MS);
  });
}
