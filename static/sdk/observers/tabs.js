/**
 * Other tabs and windows of this browser in which the exam runs. A page that is left for the next one says so, and comes back
 * within a moment: that is no second tab.
 */

const CHANNEL = 'proview.exam';
const GONE_AFTER_MS = 2000;

export class TabsObserver {
  #report;
  #id = crypto.randomUUID();
  /** @type {Set<string>} */
  #others = new Set();
  /** @type {BroadcastChannel | null} */
  #channel = null;
  #said = false;
  #timer = 0;

  /** @param {Sdk.Report} report */
  constructor(report) {
    this.#report = report;
  }

  start() {
    if (this.#channel || typeof BroadcastChannel === 'undefined') return;
    this.#open();
    addEventListener('pagehide', this.#close);
    addEventListener('pageshow', this.#open);
  }

  stop() {
    removeEventListener('pagehide', this.#close);
    removeEventListener('pageshow', this.#open);
    clearTimeout(this.#timer);
    this.#close();
  }

  #open = () => {
    if (this.#channel) return;
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = this.#heard;
    this.#channel.postMessage({ type: 'here', id: this.#id, answer: true });
  };

  #close = () => {
    this.#channel?.postMessage({ type: 'gone', id: this.#id });
    this.#channel?.close();
    this.#channel = null;
  };

  /** @param {MessageEvent} event */
  #heard = ({ data }) => {
    if (typeof data?.id !== 'string') return;
    if (data.type === 'gone') this.#others.delete(data.id);
    else this.#others.add(data.id);
    if (data.answer) this.#channel?.postMessage({ type: 'here', id: this.#id, answer: false });
    clearTimeout(this.#timer);
    if (this.#others.size > 0) this.#say(true);
    else this.#timer = setTimeout(() => this.#say(false), GONE_AFTER_MS);
  };

  /** @param {boolean} open */
  #say(open) {
    if (open === this.#said) return;
    this.#said = open;
    this.#report(open ? 'secondTab' : 'oneTab');
  }
}
