/**
 * The small picture of the candidate: where `previewStyle` or the style sheet puts it, and in another corner with each press of its
 * button, so that it can always be moved away without dragging (WCAG 2.2, 2.5.7). The tab remembers the corner.
 */

import { parsePreviewStyle } from '../previewstyle.js';
import { keepInSight } from '../shell/around.js';
import { say } from '../strings.js';
import { el, videoOf } from './dom.js';

const KEY = 'proview.corner';
const CORNERS = 4;

let looking = false;

/**
 * @param {MediaStream} stream
 * @param {unknown} style
 */
export function previewBox(stream, style) {
  const label = say('previewLabel');
  const move = el('button', { type: 'button', class: 'move', 'aria-label': say('movePreview'), title: say('movePreview') });
  const box = el('div', { class: 'preview', role: 'group', 'aria-label': label }, videoOf(stream, label), el('span', { class: 'dot', 'aria-hidden': 'true' }, say('recording')), move);
  for (const [name, value] of parsePreviewStyle(style)) box.style.setProperty(name, value);
  // A style that places the box on one side must not be stretched by our default for the other.
  if (box.style.left) box.style.right ||= 'auto';
  if (box.style.right) box.style.left ||= 'auto';
  if (box.style.top) box.style.bottom ||= 'auto';
  put(box, recall());
  // A click takes the focus away from the exam's field, and pages notice.
  move.addEventListener('pointerdown', (event) => event.preventDefault());
  move.addEventListener('click', () => put(box, (Number(box.dataset.corner ?? 0) + 1) % CORNERS));
  if (!looking) keepInSight(window);
  looking = true;
  return box;
}

/** @param {HTMLElement} box @param {number} corner 0 is where the style puts it */
function put(box, corner) {
  if (corner) box.dataset.corner = String(corner);
  else delete box.dataset.corner;
  try {
    sessionStorage.setItem(KEY, String(corner));
  } catch {
    // Storage refused: the next page begins with the usual corner.
  }
}

function recall() {
  try {
    return Number(sessionStorage.getItem(KEY)) % CORNERS || 0;
  } catch {
    return 0;
  }
}
