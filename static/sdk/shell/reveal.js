/**
 * Pages that hide themselves until `top === self`, which never becomes true in a frame; the recommended form of it is
 * https://cheatsheetseries.owasp.org/cheatsheets/Clickjacking_Defense_Cheat_Sheet.html. Only asked for a page that tried to leave the frame and
 * was held there: then the frame is its own site's, and it may be seen.
 */

const SMALL_RULES = 3;

/** @param {Window} view @returns {boolean} the page can be seen, by itself or now */
export function reveal(view) {
  const { document } = view;
  for (const element of [document.documentElement, document.body]) {
    if (!element) return false;
    if (isHidden(view, element)) unhide(view, element);
    if (isHidden(view, element)) return false;
  }
  return isFilled(document);
}

/** @param {Window} view @param {HTMLElement} element */
function isHidden(view, element) {
  const { display, visibility, opacity } = view.getComputedStyle(element);
  return display === 'none' || visibility === 'hidden' || opacity === '0';
}

/** @param {Window} view @param {HTMLElement} element */
function unhide(view, element) {
  for (const property of ['display', 'visibility', 'opacity']) element.style.removeProperty(property);
  element.hidden = false;
  for (const sheet of view.document.styleSheets) {
    if (!isHidden(view, element)) return;
    // Only the little style sheet that is there to hide the page, not the one with its layout.
    if (sheet.href || sheet.disabled || sheet.cssRules.length > SMALL_RULES) continue;
    sheet.disabled = true;
    if (isHidden(view, element)) sheet.disabled = false;
  }
}

/** @param {Document} document */
function isFilled(document) {
  return document.body.innerText.trim() !== '' || document.body.querySelector('img,input,button,canvas,video,object,embed,iframe') !== null;
}
