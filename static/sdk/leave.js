/* In the place of a redirect to another origin that a page in our frame was answered with: sends the window there, as the
 * redirect would have done without the frame. A frame of the site's own goes there by itself. A classic script: it is all that this page runs. */
(function (/** @type {any} */ w, d) {
  'use strict';
  var to = (/** @type {HTMLScriptElement} */ (d.currentScript)).dataset.proviewTo, ours = false;
  try { ours = w.frameElement.id === 'proview-frame' && !!w.parent.__proview; } catch (e) { /* a frame in another site's page */ }
  (ours ? w.parent : w).location.replace(to);
  // A download leaves every page where it is: back to the one that had the link.
  if (ours) setTimeout(function () { if (!w.parent.__proviewLeft) w.history.back(); }, 4000);
})(window, document);
