/**
 * Notices that the machine slept: the browser's steady clock stood still, the wall clock went on. The session clock is moved at
 * once by what the wall clock says, and corrected by the service's next answer.
 */

const LOOK_MS = 1000;
const SLEPT_MS = 2500;

export class Wake {
  #onWoke;
  #timer = 0;
  #apart = 0;
  #mark;
  #marked = 0;

  /**
   * @param {() => number} mark looked at every second
   * @param {(ms: number, marked: number) => void} onWoke how long it slept, and the mark from before
   */
  constructor(mark, onWoke) {
    this.#mark = mark;
    this.#onWoke = onWoke;
  }

  start() {
    this.#apart = apart();
    this.#marked = this.#mark();
    this.#timer ||= setInterval(this.#look, LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #look = () => {
    const now = apart();
    const slept = now - this.#apart;
    this.#apart = now;
    const marked = this.#marked;
    this.#marked = this.#mark();
    if (slept > SLEPT_MS) this.#onWoke(Math.round(slept), marked);
  };
}

function apart() {
  return Date.now() - performance.now();
}
