/**
 * What a change of the window's measures means. Pure. A measure counts when it is the same at two looks in a row, so that
 * dragging an edge is one event.
 */

// Docked developer tools start at about this; a scroll bar has 15, a row of bookmarks 35.
const TOOLS_PX = 160;
// Seen for the first time there is nothing to compare with: title, tabs, tool bars and notices of a browser stay below this.
const FIRST_TOOLS_PX = 320;
const SAME_PX = 40;

/** @typedef {{outer: [number, number], inner: [number, number], at: [number, number], ratio: number, full: boolean}} Measures */
/** @typedef {[key: Sdk.EventKey, data: Record<string, unknown>]} Finding */

export class Geometry {
  /** @type {Measures | null} */
  #settled = null;
  /** @type {Measures | null} */
  #last = null;
  /** What the page measured before something opened beside it. @type {[number, number] | null} */
  #before = null;

  /**
   * @param {Measures} now
   * @returns {Finding[]}
   */
  look(now) {
    const steady = this.#last !== null && same(this.#last, now);
    this.#last = now;
    if (!steady) return [];
    const was = this.#settled;
    this.#settled = now;
    return was ? this.#compare(was, now) : this.#first(now);
  }

  /** @param {Measures} now @returns {Finding[]} */
  #first(now) {
    const { outer, inner, ratio, full } = now;
    // Zoom changes what an inner pixel is, and a page cannot tell it from a dense display.
    if (full || ratio % 1 !== 0) return [];
    const [side, below] = [outer[0] - inner[0], outer[1] - inner[1]];
    if (Math.max(side, below) <= FIRST_TOOLS_PX) return [];
    this.#before = [...outer];
    return [['toolsSuspected', { where: side > below ? 'side' : 'below', pixels: Math.max(side, below), at_start: true }]];
  }

  /** @param {Measures} was @param {Measures} now @returns {Finding[]} */
  #compare(was, now) {
    if (was.full !== now.full) return [];
    if (was.ratio !== now.ratio) {
      this.#before = null;
      return [['zoomed', { from: was.ratio, to: now.ratio }]];
    }
    if (String(was.outer) !== String(now.outer)) {
      this.#before = null;
      return [['windowResized', { from: was.outer.join('×'), to: now.outer.join('×') }]];
    }
    /** @type {Finding[]} */
    const found = String(was.at) === String(now.at) ? [] : [['windowMoved', { x: now.at[0], y: now.at[1] }]];
    const [side, below] = [was.inner[0] - now.inner[0], was.inner[1] - now.inner[1]];
    if (Math.max(side, below) >= TOOLS_PX) {
      this.#before ??= was.inner;
      found.push(['toolsSuspected', { where: side > below ? 'side' : 'below', pixels: Math.max(side, below) }]);
    } else if (this.#before && this.#before.every((length, axis) => length - now.inner[axis] < TOOLS_PX - SAME_PX)) {
      this.#before = null;
      found.push(['toolsGone', {}]);
    }
    return found;
  }
}

/** @param {Measures} a @param {Measures} b */
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
