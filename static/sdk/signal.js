/**
 * The signal socket: hello, heartbeat, reconnect without end. Where the socket is blocked the heartbeat goes by HTTP, so
 * that "online" tells the truth either way.
 *
 * Events: `open` (welcome), `down`, `refused` (4401), `ended` (4404, 4410), `replaced` (4409), `status` ({online}), and every
 * message of the server under its type, with the message as detail.
 */

import { retryDelay } from './backoff.js';
import { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import { log } from './log.js';

const HANDSHAKE_MS = 6000;
const PROTOCOL = 1;
const encoder = new TextEncoder();

export class Signal extends Emitter {
  #url;
  #api;
  #clock;
  #heartbeatMs;
  /** @type {WebSocket | null} */
  #socket = null;
  #welcomed = false;
  #stopped = true;
  #attempt = 0;
  #heardAt = 0;
  /** @type {boolean | null} */
  #online = null;
  #retryTimer = 0;
  #handshakeTimer = 0;
  #beatTimer = 0;

  /** @param {{url: string, api: Sdk.Api, clock: Clock, heartbeatMs: number}} options */
  constructor({ url, api, clock, heartbeatMs }) {
    super();
    // A page on https may not open ws:; a front server that ends TLS may have hidden that from the service.
    this.#url = location.protocol === 'https:' ? url.replace(/^ws:/, 'wss:') : url;
    this.#api = api;
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
  }

  get open() {
    return this.#welcomed;
  }

  get online() {
    return this.#online !== false;
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener('online', this.#hurry);
    this.#beatTimer = setInterval(this.#beat, this.#heartbeatMs);
    this.#connect();
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    removeEventListener('online', this.#hurry);
    clearInterval(this.#beatTimer);
    this.#drop();
  }

  /** Connects now instead of at the next retry: new credentials, or the page came back from the cache. */
  reconnect() {
    if (this.#stopped) return;
    this.#attempt = 0;
    this.#drop();
    this.#connect();
  }

  /**
   * @param {Record<string, unknown>} message
   * @returns {boolean} false: not connected, use the HTTP twin
   */
  send(message) {
    if (!this.#welcomed || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * u8 version, u16 header length, header, body: docs/protocol.md "Pieces".
   * @param {Sdk.PieceInfo} piece
   * @param {ArrayBuffer} data
   */
  sendPiece({ track, run, seq, start, duration, sha256, mime, last }, data) {
    if (!this.#welcomed || this.#socket?.readyState !== WebSocket.OPEN) return false;
    const header = encoder.encode(JSON.stringify({ track, run, seq, start, duration, sha256, mime, ...(last && { last }) }));
    const message = new Uint8Array(3 + header.length + data.byteLength);
    message.set([1, header.length >> 8, header.length & 255]);
    message.set(header, 3);
    message.set(new Uint8Array(data), 3 + header.length);
    this.#socket.send(message);
    return true;
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    if (this.#stopped) return;
    let socket;
    try {
      socket = new WebSocket(this.#url);
    } catch (reason) {
      // A CSP that forbids the connection throws or closes, by browser; HTTP carries the session then.
      log.warn('socket refused', reason);
      this.#retry();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#handshakeTimer = setTimeout(() => this.#lost(socket, 'no welcome'), HANDSHAKE_MS);
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token: this.#api.credentials.session_token, protocol: PROTOCOL }));
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = (event) => this.#lost(socket, `closed ${event.code}`, event.code);
  }

  /**
   * @param {WebSocket} socket
   * @param {unknown} data
   */
  #receive(socket, data) {
    if (socket !== this.#socket || typeof data !== 'string') return;
    this.#heardAt = performance.now();
    /** @type {any} */
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.type === 'welcome') {
      clearTimeout(this.#handshakeTimer);
      this.#welcomed = true;
      this.#attempt = 0;
      this.#setOnline(true);
      this.emit('open', message);
      this.#beat();
    } else if (message.type === 'pong') {
      this.#clock.sync(message.server_time, message.t);
    } else if (typeof message.type === 'string') {
      this.emit(message.type, message);
    }
  }

  #beat = () => {
    if (this.#welcomed) {
      // Half-open connections swallow what is sent and never close.
      if (performance.now() - this.#heardAt > 2.5 * this.#heartbeatMs && this.#socket) this.#lost(this.#socket, 'silent');
      else this.send({ type: 'ping', t: Clock.local() });
    } else {
      this.#beatByHttp();
    }
  };

  async #beatByHttp() {
    const sentAt = Clock.local();
    try {
      const answer = await this.#api.post('heartbeat', { t: sentAt });
      this.#clock.sync(answer.server_time, sentAt);
      if (this.#stopped) return;
      this.#setOnline(true);
      if (typeof answer.state === 'string' && !this.#welcomed) this.emit('state', { state: answer.state });
    } catch (fault) {
      if (this.#stopped || this.#welcomed) return;
      const status = /** @type {any} */ (fault).status;
      if (status === 401) this.emit('refused');
      else if (status === 404 || status === 410) this.emit('ended');
      else this.#setOnline(false);
    }
  }

  /**
   * @param {WebSocket} socket
   * @param {string} why
   * @param {number} [code]
   */
  #lost(socket, why, code = 0) {
    if (socket !== this.#socket) return;
    const was = this.#welcomed;
    this.#drop();
    if (this.#stopped) return;
    log.warn('socket', why);
    if (was) this.emit('down', { code });
    if (code === 4409) return this.emit('replaced');
    if (code === 4404 || code === 4410) return this.emit('ended', { code });
    if (code === 4401) this.emit('refused');
    else this.#beatByHttp();
    this.#retry();
  }

  #retry() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), retryDelay(this.#attempt++));
  }

  #hurry = () => {
    if (!this.#welcomed) this.reconnect();
  };

  #drop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#handshakeTimer);
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {boolean} online */
  #setOnline(online) {
    if (this.#online === online) return;
    this.#online = online;
    this.emit('status', { online });
  }
}
