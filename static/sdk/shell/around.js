/** Small things around the page in the frame: printing, and the preview box that must not lie on what the candidate works on. */

const SEEN_THROUGH = '0.12';

/** @param {HTMLIFrameElement} frame the browser's own print command prints the window: as long as the page is */
export function printWhole(frame) {
  addEventListener('beforeprint', () => {
    try {
      frame.style.height = `${frame.contentDocument?.documentElement.scrollHeight ?? 0}px`;
    } catch {
      // Another origin: what is visible of it is printed.
    }
  });
  addEventListener('afterprint', () => frame.style.removeProperty('height'));
}

/**
 * The box lets clicks through; it also lets the eye through while pointer or focus are under it (WCAG 2.2, 2.4.11 Focus Not Obscured).
 * @param {Window} view
 */
export function keepInSight(view) {
  const look = (/** @type {DOMRectReadOnly} */ spot) => {
    const box = /** @type {HTMLElement | null | undefined} */ (document.getElementById('proview_root')?.shadowRoot?.querySelector('.preview'));
    if (!box) return;
    const { left, right, top, bottom } = box.getBoundingClientRect();
    const under = spot.right >= left && spot.left <= right && spot.bottom >= top && spot.top <= bottom;
    box.style.opacity = under ? SEEN_THROUGH : '';
  };
  view.addEventListener('pointermove', ({ clientX, clientY }) => look(new DOMRect(clientX, clientY)), { passive: true });
  view.addEventListener('focusin', ({ target }) => target && look(/** @type {Element} */ (target).getBoundingClientRect()));
}
