/** What all cards are made of: place, heading, buttons. */

import { say } from '../strings.js';
import { el } from './dom.js';

/**
 * @param {[number, number] | null} place step n of m
 * @param {string} title
 * @param {(Node | null)[]} content
 */
export function card(place, title, content) {
  const box = el('section', { class: 'card' });
  if (place && place[1] > 1) {
    const bar = el('i', { 'aria-hidden': 'true' });
    bar.style.setProperty('--done', `${(100 * place[0]) / place[1]}%`);
    box.append(el('p', { class: 'steps' }, say('step', { n: place[0], of: place[1] }), bar));
  }
  box.append(el('h1', { id: 'title', tabindex: '-1' }, title), ...content.filter((one) => one !== null));
  return box;
}

/**
 * Buttons; each works once, so that a double click does not decide twice.
 * @param {...[string, () => void, boolean?]} buttons
 */
export function actions(...buttons) {
  return el('div', { class: 'actions' }, ...buttons.map(([label, run, primary]) => {
    const button = el('button', { type: 'button', class: primary ? 'primary' : '' }, label);
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-disabled') === 'true') return;
      button.setAttribute('aria-disabled', 'true');
      run();
    });
    return button;
  }));
}
