/** A form that was about to replace the wrong window, sent once more into the right one: by the page itself, so that origin, referrer and cookies are its own. */

/**
 * @param {Window} view the page
 * @param {{url: string, data: FormData, form: HTMLFormElement | null, target: string}} what
 */
export function resubmit(view, { url, data, form, target }) {
  const { document } = view;
  const files = [...data.values()].some((value) => typeof value !== 'string');
  const copy = document.createElement('form');
  Object.assign(copy, { method: 'post', action: url, target, hidden: true, enctype: files ? 'multipart/form-data' : (form?.enctype ?? '') });
  if (form?.acceptCharset) copy.acceptCharset = form.acceptCharset;
  for (const [name, value] of data) copy.append(field(document, name, value));
  (document.body ?? document.documentElement).append(copy);
  // A field named "submit" hides the method.
  /** @type {any} */ (view).HTMLFormElement.prototype.submit.call(copy);
  copy.remove();
}

/**
 * @param {Document} document
 * @param {string} name
 * @param {FormDataEntryValue} value
 */
function field(document, name, value) {
  // A textarea keeps line breaks, which an input would drop.
  if (typeof value === 'string') return Object.assign(document.createElement('textarea'), { name, value });
  const list = new DataTransfer();
  list.items.add(value);
  return Object.assign(document.createElement('input'), { type: 'file', name, files: list.files });
}
