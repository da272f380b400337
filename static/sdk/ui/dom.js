/** Builds elements without innerHTML: host pages may enforce Trusted Types. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props] `class`, `on` ({event: handler}), `style` pairs; everything else is an attribute
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') for (const [type, handler] of Object.entries(value)) node.addEventListener(type, /** @type {any} */ (handler));
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/**
 * A live video of a stream. `muted` as a property: the attribute alone does not stop the echo in every browser.
 * @param {MediaStream} stream
 * @param {string} label
 */
export function videoOf(stream, label) {
  const video = el('video', { 'aria-label': label, autoplay: true, playsinline: true });
  video.muted = true;
  video.disablePictureInPicture = true;
  video.srcObject = stream;
  return video;
}
