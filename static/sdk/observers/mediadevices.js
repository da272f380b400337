/** Cameras, microphones and loudspeakers that come and go. Names may be those of people ("Anna's phone"), so a mark stands for them. */

import { virtualProduct } from './virtual.js';

/** Entries that stand for another one. */
const ALIASES = new Set(['', 'default', 'communications']);

export class MediaDevicesObserver {
  #report;
  /** @type {MediaDeviceInfo[]} */
  #known = [];
  #started = false;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  async start() {
    if (this.#started || !navigator.mediaDevices) return;
    this.#started = true;
    this.#known = await list();
    if (this.#started) navigator.mediaDevices.addEventListener('devicechange', this.#look);
  }

  stop() {
    this.#started = false;
    navigator.mediaDevices?.removeEventListener('devicechange', this.#look);
  }

  #look = async () => {
    const now = await list();
    const { added, removed } = difference(this.#known, now);
    this.#known = now;
    for (const device of added) this.#report('deviceConnected', described(device));
    for (const device of removed) this.#report('deviceRemoved', described(device));
  };
}

/** @param {MediaDeviceInfo} device */
function described({ kind, deviceId, label }) {
  const product = kind === 'videoinput' && virtualProduct(label);
  return { kind, mark: deviceId.slice(0, 8), ...(product && { virtual: product }) };
}

/**
 * @template {{kind: string, deviceId: string}} T
 * @param {T[]} before
 * @param {T[]} after
 */
export function difference(before, after) {
  const names = (/** @type {T[]} */ all) => new Set(all.map((one) => one.kind + one.deviceId));
  const [had, has] = [names(before), names(after)];
  return { added: after.filter((one) => !had.has(one.kind + one.deviceId)), removed: before.filter((one) => !has.has(one.kind + one.deviceId)) };
}

async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter((one) => !ALIASES.has(one.deviceId));
}
