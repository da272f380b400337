/**
 * Pieces into the durable buffer and on to the uploader. While the buffer is full nothing is recorded, and what lies in it, which is
 * evidence, stays; with room it goes on.
 */

/**
 * @typedef {object} Parts
 * @property {import('./connector.js').Connector} connector
 * @property {Sdk.Report} report
 * @property {(full: boolean) => unknown} say
 * @property {() => unknown} rest stop recording
 * @property {() => unknown} record record again, if the session runs
 */

export class Keeping {
  #parts;
  #full = false;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.connector.listen('acknowledged', () => this.#full && parts.connector.buffer?.hasRoom && this.#roomAgain());
  }

  /** @param {Sdk.Piece} piece */
  async keep(piece) {
    const { connector, report, say, rest } = this.#parts;
    const hasRoom = await connector.buffer?.putPiece(piece);
    connector.add(piece);
    if (hasRoom || this.#full) return;
    this.#full = true;
    report('bufferFull', { bytes: connector.buffer?.bytes });
    say(true);
    rest();
  }

  #roomAgain() {
    this.#full = false;
    this.#parts.say(false);
    this.#parts.report('bufferRoom');
    this.#parts.record();
  }
}
