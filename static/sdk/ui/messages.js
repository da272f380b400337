/** What the candidate is told while the session runs. Short outages are not worth a word. */

import { openScreen } from '../devices.js';
import { asProviewError } from '../errors.js';
import { formatMinutes } from '../locale.js';
import { say } from '../strings.js';

const OFFLINE_AFTER_MS = 2500;
const UPLOADING_AFTER_MS = 600;
const WARN_BEFORE_END_MS = 5 * 60_000;

export class Messages {
  #root;
  #offlineTimer = 0;
  #uploadTimer = 0;
  #limitTimer = 0;
  #saidOffline = false;

  /** @param {Sdk.Root} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {boolean} online @param {number} agoMs since when */
  network(online, agoMs) {
    clearTimeout(this.#offlineTimer);
    if (!online) {
      this.#offlineTimer = setTimeout(() => {
        this.#saidOffline = true;
        this.#root.notice('network', say('offline'), { warn: true });
      }, OFFLINE_AFTER_MS - agoMs);
    } else if (this.#saidOffline) {
      this.#saidOffline = false;
      this.#root.notice('network', say('online'), { seconds: 4 });
    }
  }

  /** @param {boolean} busy */
  uploading(busy) {
    clearTimeout(this.#uploadTimer);
    clearTimeout(this.#offlineTimer);
    clearTimeout(this.#limitTimer);
    if (busy) this.#uploadTimer = setTimeout(() => this.#root.notice('upload', say('uploading')), UPLOADING_AFTER_MS);
    else for (const id of ['upload', 'network', 'camera', 'screen', 'paused', 'buffer', 'replaced', 'service', 'limit']) this.#root.clearNotice(id);
  }

  /** @param {boolean} paused */
  paused(paused) {
    if (paused) this.#root.notice('paused', say('pausedText'));
    else this.#root.clearNotice('paused');
  }

  /** @param {boolean} full */
  bufferFull(full) {
    if (full) this.#root.notice('buffer', say('bufferFull'), { warn: true });
    else this.#root.clearNotice('buffer');
  }

  cameraLost() {
    this.#root.preview(null, '');
    this.#root.notice('camera', say('cameraLost'), { warn: true });
  }

  cameraBack() {
    this.#root.notice('camera', say('deviceBack'), { seconds: 4 });
  }

  /**
   * @param {Sdk.Policy['capture']} capture
   * @param {(stream: MediaStream) => void} onStream
   * @param {(code: string) => void} onRefused the candidate may try again
   */
  screenLost(capture, onStream, onRefused) {
    const run = () => openScreen(capture).then((stream) => {
      this.#root.clearNotice('screen');
      onStream(stream);
    }, (reason) => onRefused(asProviewError(reason).code));
    this.#root.notice('screen', say('screenLost'), { warn: true, action: { label: say('shareAgain'), run } });
  }

  /** @param {() => void} run */
  replaced(run) {
    this.#root.notice('replaced', say('replacedText'), { warn: true, action: { label: say('continueHere'), run } });
  }

  /** Another tab of this browser records. @param {() => void} take */
  elsewhere(take) {
    this.#root.notice('replaced', say('elsewhereText'), { warn: true, action: { label: say('continueHere'), run: take } });
  }

  here() {
    this.#root.clearNotice('replaced');
  }

  /** A time limit must not come as a surprise (WCAG 2.2, 2.2.1). @param {number} leftMs until the session is ended */
  endsIn(leftMs) {
    clearTimeout(this.#limitTimer);
    const until = Math.min(Math.max(leftMs - WARN_BEFORE_END_MS, 0), 2 ** 31 - 1);
    const minutes = Math.max(1, Math.round((leftMs - until) / 60_000));
    this.#limitTimer = setTimeout(() => this.#root.notice('limit', say('endsSoon', { time: formatMinutes(minutes) }), { warn: true }), until);
  }

  /** @param {string} state */
  ended(state) {
    this.#root.notice('ended', say('ended', { state: say(state === 'terminated' ? 'stateTerminated' : 'stateStopped') }), { warn: true });
  }

  finished() {
    this.#root.notice('ended', say('finished'), { seconds: 6 });
  }

  /**
   * The page goes on without us.
   * @param {string} code
   * @param {boolean} trying
   */
  failedOpen(code, trying) {
    // A reference for the institution's support, not a message: only what looks like a code.
    const shown = /^\w{1,40}$/.test(code) ? code : 'internal';
    this.#root.notice('service', say(trying ? 'failedOpen' : 'failedRefused', { code: shown }), { warn: true });
  }

  /** Resolves when the candidate is ready to be asked. @returns {Promise<void>} */
  availableAgain() {
    return new Promise((resolve) => {
      const run = () => {
        this.#root.clearNotice('service');
        resolve();
      };
      this.#root.notice('service', say('availableAgain'), { warn: true, action: { label: say('startNow'), run } });
    });
  }
}
