// @ts-check
/** Keyboard shortcuts of the player, and the overlay that lists them. */
import { el } from '../dom.js';

/** @type {[string, string][]} */
const HELP = [
  ['Space or K', 'Play or pause'], ['← →', 'Back or forward 5 s'], ['J L', 'Back or forward 10 s'], [', .', 'Previous or next event'],
  ['↑ ↓', 'Faster or slower'], ['0 … 9', 'Jump to 0 … 90 %'], ['M', 'Mute'], ['S', 'Swap camera and screen'], ['F', 'Full screen'], ['?', 'This help'],
];

/**
 * @typedef {object} Actions
 * @property {() => void} toggle
 * @property {(ms: number) => void} move
 * @property {(share: number) => void} jump
 * @property {(direction: 1 | -1) => void} event
 * @property {(step: number) => void} speed
 * @property {() => void} mute
 * @property {() => void} swap
 * @property {() => void} fullscreen
 */

export class Keys {
  /** @param {HTMLElement} root @param {Actions} actions */
  constructor(root, actions) {
    this.root = root;
    this.dialog = el('dialog', { class: 'help', 'aria-label': 'Keyboard shortcuts' },
      el('h2', {}, 'Keyboard shortcuts'),
      el('dl', {}, ...HELP.map(([keys, what]) => el('div', {}, el('dt', {}, ...keys.split(' ').map((key) => (['or', '…'].includes(key) ? ` ${key} ` : el('kbd', {}, key)))), el('dd', {}, what)))),
      el('form', { method: 'dialog' }, el('button', { type: 'submit', class: 'primary' }, 'Close')));
    root.append(this.dialog);
    /** @type {Record<string, () => void>} */
    this.map = {
      ' ': actions.toggle, k: actions.toggle, arrowleft: () => actions.move(-5000), arrowright: () => actions.move(5000), j: () => actions.move(-10_000),
      l: () => actions.move(10_000), ',': () => actions.event(-1), '.': () => actions.event(1), arrowup: () => actions.speed(1), arrowdown: () => actions.speed(-1),
      m: actions.mute, s: actions.swap, f: actions.fullscreen, '?': () => this.help(), home: () => actions.jump(0), end: () => actions.jump(1),
    };
    for (let digit = 0; digit <= 9; digit += 1) this.map[String(digit)] = () => actions.jump(digit / 10);
  }

  start() {
    document.addEventListener('keydown', this.#press);
  }

  stop() {
    document.removeEventListener('keydown', this.#press);
  }

  help() {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  /** @type {(event: KeyboardEvent) => void} */
  #press = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const target = event.target;
    if (this.dialog.open && key !== '?') return;
    if (target instanceof Element) {
      if (target.closest('input:not([type=range]), textarea, select, dialog[open]')) return;
      // Inside the player shortcuts win over what an arrow key does there; elsewhere the page keeps its keys.
      const inside = this.root.contains(target) || target === document.body || target.id === 'main';
      if (!inside) return;
      if (key === ' ' && target.closest('button, a, summary')) return;
      if (key.startsWith('arrow') && target.closest('input[type=range], .event-list')) return;
    }
    const action = this.map[key];
    if (!action) return;
    event.preventDefault();
    action();
  };
}
