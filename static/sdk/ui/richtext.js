/** Instructions as elements of ours: what `parseRichText` kept, and nothing else. */

import { parseRichText } from '../richtext.js';
import { el } from './dom.js';

/**
 * @param {string} html of a rich-text editor, or plain text
 * @returns {HTMLElement | null} null where there is nothing to read
 */
export function richText(html) {
  const blocks = parseRichText(html);
  if (blocks.length === 0) return null;
  const box = el('div', { class: 'text', tabindex: '0', dir: 'auto' });
  for (const { tag, list, runs } of blocks) {
    const block = el(tag, {}, ...runs.map(({ text, mark }) => (mark ? el(mark, {}, text) : text)));
    const last = box.lastElementChild;
    if (!list) box.append(block);
    else if (last?.localName === list) last.append(block);
    else box.append(el(list, {}, block));
  }
  return box;
}
