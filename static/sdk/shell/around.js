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
 * So do notices, for the focus.
 * @param {Window} view
 */
export function keepInSight(view) {
  const look = (/** @type {EventTarget | null} */ target, /** @type {DOMRectReadOnly} */ spot, what = '.preview') => {
    const root = document.getElementById('proview_root');
    for (const box of /** @type {NodeListOf<HTMLElement>} */ (root?.shadowRoot?.querySelectorAll(what) ?? [])) {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      // On a button of the box itself, the box is what is looked at.
      const under = target !== root && spot.right >= left && spot.left <= right && spot.bottom >= top && spot.top <= bottom;
      box.style.opacity = under ? SEEN_THROUGH : '';
    }
  };
  view.addEventListener('pointermove', ({ target, clientX, clientY }) => look(target, new DOMRect(clientX, clientY)), { passive: true });
  // A frame that gets the focus is as large as the window; what matters is the focus inside.
  view.addEventListener('focusin', ({ target }) => target && /** @type {Element} */ (target).localName !== 'iframe' && look(target, /** @type {Element} */ (target).getBoundingClientRect(), '.preview, .notice'));
}
