/**
 * Hands pieces to the server until each is acknowledged: over the socket while it is open, by PUT otherwise.
 *
 * Bounded both ways: a window of pieces in flight and the socket's own buffer, so that the exam's requests are not starved.
 * Only small parts are kept in memory; the rest is read from the buffer when its turn comes.
 * Events: `empty`, `acknowledged` ({key}), `refused` ({piece, code}), `unauthorised`.
 */

import { sha256Hex } from './api.js';
import { retryDelay } from './backoff.js';
import { keyText, pieceKey } from './buffer.js';
import { Emitter } from './emitter.js';
import { ProviewError } from './errors.js';
import { log } from './log.js';

const WINDOW_PIECES = 16;
const WINDOW_BYTES = 4 * 2 ** 20;
// What lies in the socket delays pings and the exam's own requests.
const SOCKET_BYTES = 256 * 1024;
// While the page is loading, its requests come first.
const LOADING_PIECES = 2;
const MEMORY_BYTES = 8 * 2 ** 20;
const ACK_MS = 20_000;
// How long a socket may be away before pieces take the other way.
const PATIENCE_MS = 1500;
const PUTS_AT_ONCE = 2;
const TICK_MS = 1000;
const REFUSED_FOR_GOOD = new Set([400, 404, 409, 410, 413, 415, 422]);

/**
 * @typedef {object} Entry
 * @property {Sdk.PieceKey} key
 * @property {Sdk.PieceInfo} info
 * @property {ArrayBuffer | null} data
 * @property {'queued' | 'sent' | 'putting'} state
 * @property {number} since when it was sent
 * @property {number} notBefore
 * @property {number} tries
 * @property {boolean} byHttp
 */

export class Uploader extends Emitter {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #session;
  #buffer;
  #signal;
  #api;
  #memoryBytes = 0;
  // Until a socket was open there is nothing to be patient for.
  #socketAway = -Infinity;
  // One delay for all while nothing gets through by HTTP; a piece's own delay is for its own refusal.
  #httpAfter = 0;
  #httpFaults = 0;
  #timer = 0;
  /** Ends the PUTs that went into an outage: without it each would wait for its own end. */
  #outage = new AbortController();
  #listeners = new AbortController();

  /** @param {{session: string, buffer: Sdk.Buffer, signal: Sdk.Signal, api: Sdk.Api}} parts */
  constructor({ session, buffer, signal, api }) {
    super();
    this.#session = session;
    this.#buffer = buffer;
    this.#signal = signal;
    this.#api = api;
  }

  get pending() {
    return this.#entries.size;
  }

  /** When the oldest piece that waits was recorded, session clock; null: none waits. */
  get oldest() {
    const first = this.#entries.values().next();
    return first.done ? null : first.value.info.start;
  }

  async start() {
    if (this.#timer) return;
    const { signal } = this.#listeners;
    this.#signal.listen('open', () => this.#pump(), signal);
    this.#signal.listen('status', (detail) => detail.online && this.#back(), signal);
    this.#signal.listen('down', this.#socketDown, signal);
    this.#signal.listen('ack', (detail) => this.#acknowledged(detail.pieces), signal);
    this.#signal.listen('nack', (detail) => this.#nack(detail), signal);
    this.#timer = setInterval(() => this.#pump(), TICK_MS);
    for (const info of await this.#buffer.list(this.#session)) this.#enter(info, null);
    this.#pump();
  }

  stop() {
    clearInterval(this.#timer);
    this.#listeners.abort();
    this.#entries.clear();
  }

  /**
   * A piece that the buffer holds.
   * @param {Sdk.Piece} piece
   */
  add({ data, ...info }) {
    this.#enter(info, data instanceof ArrayBuffer && this.#memoryBytes < MEMORY_BYTES ? data : null);
    this.#pump();
  }

  /**
   * Resolves when nothing is left, or after `deadlineMs` with false.
   * @param {number} deadlineMs
   * @returns {Promise<boolean>}
   */
  drained(deadlineMs) {
    return new Promise((resolve) => {
      if (this.#entries.size === 0) return resolve(true);
      const timer = setTimeout(() => resolve(false), deadlineMs);
      this.addEventListener('empty', () => {
        clearTimeout(timer);
        resolve(true);
      }, { once: true });
      this.#hurry();
    });
  }

  #back() {
    this.#outage.abort();
    this.#outage = new AbortController();
    this.#hurry();
  }

  #hurry() {
    this.#httpAfter = 0;
    for (const entry of this.#entries.values()) entry.notBefore = 0;
    this.#pump();
  }

  /** @param {Sdk.PieceInfo} info @param {ArrayBuffer | null} data */
  #enter(info, data) {
    const key = pieceKey(info);
    if (this.#entries.has(keyText(key))) return;
    if (data) this.#memoryBytes += data.byteLength;
    this.#entries.set(keyText(key), { key, info, data, state: 'queued', since: 0, notBefore: 0, tries: 0, byHttp: false });
  }

  /** @param {{slow: boolean}} detail `slow`: only the socket was silent */
  #socketDown = ({ slow }) => {
    this.#socketAway = performance.now();
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'sent') continue;
      entry.state = 'queued';
      // What a socket was too slow for would be too slow for the next one.
      entry.byHttp ||= slow;
    }
  };

  #pump() {
    const now = performance.now();
    let inFlight = 0;
    let bytes = this.#signal.bufferedAmount > SOCKET_BYTES ? WINDOW_BYTES : 0;
    let puts = 0;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'sent' && now - entry.since > ACK_MS) {
        // Something in between lets text pass and swallows binary messages: this piece goes the other way.
        entry.state = 'queued';
        entry.byHttp = true;
      }
      if (entry.state === 'sent') {
        inFlight += 1;
        bytes += entry.info.size;
      } else if (entry.state === 'putting') {
        puts += 1;
      }
    }
    const socket = this.#signal.open;
    if (socket) this.#socketAway = now;
    const http = now >= this.#httpAfter;
    const most = document.readyState === 'complete' ? WINDOW_PIECES : LOADING_PIECES;
    const instead = !socket && now - this.#socketAway > PATIENCE_MS;
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'queued' || entry.notBefore > now) continue;
      if (socket && !entry.byHttp) {
        if (inFlight >= most || bytes >= WINDOW_BYTES) continue;
        inFlight += 1;
        bytes += entry.info.size;
        this.#send(entry);
      } else if (http && (instead || entry.byHttp)) {
        if (puts >= PUTS_AT_ONCE) continue;
        puts += 1;
        this.#put(entry);
      }
    }
  }

  /** @param {Entry} entry */
  async #send(entry) {
    entry.state = 'sent';
    entry.since = performance.now();
    const data = await this.#read(entry);
    if (data && entry.state === 'sent' && !this.#signal.sendPiece(entry.info, data)) entry.state = 'queued';
  }

  /** @param {Entry} entry */
  async #put(entry) {
    entry.state = 'putting';
    const data = await this.#read(entry);
    if (!data) return;
    const { signal } = this.#outage;
    try {
      await this.#api.putPiece(entry.info, data, false, signal);
      this.#httpFaults = 0;
      this.#forget(entry);
    } catch (fault) {
      entry.state = 'queued';
      if (!signal.aborted) this.#failed(entry, fault instanceof ProviewError ? fault : new ProviewError('internal', String(fault)));
    }
    this.#pump();
  }

  /** @param {Entry} entry @param {ProviewError} fault */
  #failed(entry, fault) {
    const now = performance.now();
    if (fault.code === 'network') {
      if (now >= this.#httpAfter) this.#httpAfter = now + retryDelay(this.#httpFaults++);
      return;
    }
    entry.tries += 1;
    entry.notBefore = now + Math.max(fault.retryAfterMs, retryDelay(entry.tries - 1));
    if (fault.status === 401) this.emit('unauthorised');
    // A damaged transfer is not a damaged piece: once more, then it is the server's last word.
    // An answer without our code is a front server's page, not a verdict on the piece.
    else if (REFUSED_FOR_GOOD.has(fault.status) && !fault.code.startsWith('http_') && (fault.code !== 'digest_mismatch' || entry.tries > 3)) this.#refuse(entry, fault.code);
  }

  /** @param {[string, number, number][]} pieces */
  #acknowledged(pieces) {
    for (const [track, run, seq] of pieces ?? []) {
      const entry = this.#entries.get(keyText([this.#session, track, run, seq]));
      if (entry) this.#forget(entry);
    }
    this.#pump();
  }

  /** @param {{track: string, run: number, seq: number, code: string, retry: boolean}} nack */
  #nack({ track, run, seq, code, retry }) {
    const entry = this.#entries.get(keyText([this.#session, track, run, seq]));
    if (!entry) return;
    entry.state = 'queued';
    const again = retry || (code === 'digest_mismatch' && entry.tries < 3);
    if (again) this.#failed(entry, new ProviewError(code, code, { status: 503 }));
    else this.#refuse(entry, code);
  }

  /** @param {Entry} entry @param {string} code */
  #refuse(entry, code) {
    log.error('piece refused', keyText(entry.key), code);
    this.emit('refused', { piece: entry.info, code });
    this.#forget(entry);
  }

  /** @param {Entry} entry */
  #forget(entry) {
    if (!this.#entries.delete(keyText(entry.key))) return;
    if (entry.data) this.#memoryBytes -= entry.data.byteLength;
    this.#buffer.deletePiece(entry.key, entry.info.size).catch((reason) => log.warn('piece stays in the buffer', reason));
    this.emit('acknowledged', { key: entry.key });
    if (this.#entries.size === 0) this.emit('empty');
  }

  /**
   * The bytes; an entry whose bytes are gone (another tab handed them in) is forgotten.
   * @param {Entry} entry
   */
  async #read(entry) {
    if (entry.data) return entry.data;
    const piece = await readPiece(this.#buffer, entry.key).catch(() => undefined);
    if (!piece) {
      this.#forget(entry);
      return null;
    }
    entry.info = piece.info;
    return piece.data;
  }
}

/**
 * A piece from the buffer, with its digest; pieces written while a page unloaded have none yet.
 * @param {Sdk.Buffer} buffer
 * @param {Sdk.PieceKey} key
 */
export async function readPiece(buffer, key) {
  const piece = await buffer.getPiece(key);
  if (!piece) return undefined;
  const { data: stored, ...info } = piece;
  const data = stored instanceof Blob ? await stored.arrayBuffer() : stored;
  return { data, info: { ...info, size: data.byteLength, sha256: info.sha256 || (await sha256Hex(data)) } };
}
