// @ts-check
/** Building elements. Text is always text: nothing here parses HTML, so what a candidate wrote cannot become markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] false, null and undefined are left out
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @type {Record<string, string>} */
const ICONS = {
  play: 'M7 4.5v15l12.5-7.5z',
  pause: 'M6 4.5h4.2v15H6zm7.8 0H18v15h-4.2z',
  volume: 'M4 9v6h3.5L12 19V5L7.5 9zm10.5-.5v7a4 4 0 0 0 0-7zm0-4v2a6.5 6.5 0 0 1 0 11v2a8.5 8.5 0 0 0 0-15z',
  muted: 'M4 9v6h3.5L12 19V5L7.5 9zm11 .3-1 1 1.7 1.7-1.7 1.7 1 1 1.7-1.7 1.7 1.7 1-1-1.7-1.7 1.7-1.7-1-1-1.7 1.7z',
  full: 'M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z',
  swap: 'M7 4 3 8l4 4V9h9V7H7zm10 8v3H8v2h9v3l4-4z',
  keys: 'M3 6h18v12H3zm2 2v2h2V8zm4 0v2h2V8zm4 0v2h2V8zm4 0v2h2V8zM5 12v2h2v-2zm12 0v2h2v-2zm-8 0v2h6v-2z',
  back: 'M12 5V1.5L7 6l5 4.5V7a5.5 5.5 0 1 1-5.5 5.5h-2A7.5 7.5 0 1 0 12 5z',
  forward: 'M12 5V1.5L17 6l-5 4.5V7a5.5 5.5 0 1 0 5.5 5.5h2A7.5 7.5 0 1 1 12 5z',
};

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  for (const [key, value] of [['viewBox', '0 0 24 24'], ['aria-hidden', 'true'], ['focusable', 'false'], ['class', 'icon']]) svg.setAttribute(key, value);
  path.setAttribute('d', ICONS[name] ?? '');
  svg.append(path);
  return svg;
}

/**
 * @param {string} label what it does, for everybody
 * @param {string} name its picture
 * @param {(event: MouseEvent) => void} press
 */
export function iconButton(label, name, press) {
  const button = el('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label }, icon(name));
  button.addEventListener('click', press);
  return button;
}

/** @param {Element} button @param {string} label @param {string} name */
export function relabel(button, label, name) {
  if (button.getAttribute('aria-label') === label) return;
  button.setAttribute('aria-label', label);
  button.setAttribute('title', label);
  button.replaceChildren(icon(name));
}
