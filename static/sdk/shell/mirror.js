/** What the browser shows of a page outside of it, copied from the page in the frame to the window: address, title, icons, colour, viewport. */

const METAS = ['theme-color', 'viewport', 'color-scheme'];
const POLL_MS = 500;

export class Mirror {
  #frame;
  #own;
  /** @type {MutationObserver | null} */
  #observer = null;
  #timer = 0;

  /**
   * @param {HTMLIFrameElement} frame
   * @param {(work: () => void) => void} own runs a navigation of the shell's own
   */
  constructor(frame, own) {
    this.#frame = frame;
    this.#own = own;
  }

  /** @param {Window} view a page that has just begun, or is there by now */
  watch(view) {
    const address = () => this.#address(view);
    // pushState and replaceState fire no event of their own.
    if (view.navigation) view.navigation.addEventListener('currententrychange', address);
    else this.#poll();
    view.addEventListener('hashchange', address);
    view.addEventListener('popstate', address);
    view.addEventListener('pageshow', () => this.follow(view));
  }

  /** @param {Window} view */
  follow(view) {
    this.#address(view);
    this.#head(view);
    this.#observer?.disconnect();
    const observer = (this.#observer = new MutationObserver(() => this.#head(view)));
    const { head, documentElement } = view.document;
    observer.observe(documentElement, { childList: true, attributeFilter: ['lang'] });
    if (head) observer.observe(head, { childList: true, subtree: true, characterData: true, attributeFilter: ['href', 'content', 'rel'] });
  }

  // Browsers without the navigation API.
  #poll() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      try {
        const view = this.#frame.contentWindow;
        if (view) this.#address(view);
      } catch {
        // Another origin is in the frame.
      }
    }, POLL_MS);
  }

  /** @param {Window} view */
  #address(view) {
    const { href, protocol } = view.location;
    // blob: and about: pages have no address that could be asked for again.
    if (!protocol.startsWith('http') || view !== this.#frame.contentWindow || href === location.href) return;
    try {
      this.#own(() => history.replaceState(history.state, '', href));
    } catch {
      // Browsers limit how often this may be called (https://html.spec.whatwg.org/multipage/nav-history-apis.html#shared-history-push/replace-state-steps).
    }
  }

  /** @param {Window} view */
  #head(view) {
    const page = view.document;
    const title = page.title || document.title;
    if (document.title !== title) document.title = title;
    if (this.#frame.title !== title) this.#frame.title = title;
    this.#frame.lang = page.documentElement?.lang ?? '';
    this.#icons(page);
    for (const name of METAS) this.#meta(page, name);
  }

  /** @param {Document} page */
  #icons(page) {
    const wanted = [...page.querySelectorAll('link[rel~="icon"][href]')];
    const ours = [...document.head.querySelectorAll('link[rel~="icon"]')];
    const line = (/** @type {Element} */ link, base = document.baseURI) => new URL(link.getAttribute('href') ?? '', base).href + link.getAttribute('sizes') + link.getAttribute('media');
    if (wanted.map((link) => line(link, page.baseURI)).join() === ours.map((link) => line(link)).join()) return;
    for (const link of ours) link.remove();
    for (const link of wanted) {
      const copy = document.createElement('link');
      for (const name of ['rel', 'type', 'sizes', 'media']) if (link.hasAttribute(name)) copy.setAttribute(name, link.getAttribute(name) ?? '');
      copy.href = new URL(link.getAttribute('href') ?? '', page.baseURI).href;
      document.head.append(copy);
    }
  }

  /** @param {Document} page @param {string} name */
  #meta(page, name) {
    const theirs = page.querySelector(`meta[name="${name}" i]`)?.getAttribute('content');
    let ours = document.head.querySelector(`meta[name="${name}"]`);
    if (theirs === undefined || theirs === null) return ours?.remove();
    ours ??= document.head.appendChild(Object.assign(document.createElement('meta'), { name }));
    if (ours.getAttribute('content') !== theirs) ours.setAttribute('content', theirs);
  }
}
