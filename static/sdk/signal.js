/**
 * The way to and from the service: a WebSocket where there is one, else HTTP (`poller.js`), chosen without anybody's doing.
 *
 * Both begin at once: until the socket is welcomed everything goes by HTTP. A socket that fails while HTTP works is given
 * up for a while and tried again now and then; trouble of both is an outage, and then both are tried without end.
 *
 * Events: `open` (welcome), `down`, `refused` (the token), `ended` (4404, 4410), `replaced`, `status` (`hearing.js`), and every
 * message of the server under its type, with the message as detail, whichever way it came.
 */

import { retryDelay } from './backoff.js';
import { Clock } from './clock.js';
import { Emitter } from './emitter.js';
import { ProviewError, asProviewError } from './errors.js';
import { Hearing } from './hearing.js';
import { log } from './log.js';
import { Poller } from './poller.js';
import { AGAIN_MS, rememberSocket, socketRestMs } from './transport.js';

const HANDSHAKE_MS = 4000;
// Another network: a socket of the one before is dead, and does not know it.
const PROBE_MS = 3000;
const PROTOCOL = 1;
const SILENT = 'silent';
// A socket that worked before may just be restarting: so many attempts fail, while HTTP works, before it is given up.
const ATTEMPTS_AFTER_WELCOME = 3;
const encoder = new TextEncoder();

export class Signal extends Emitter {
  /** @type {string | null} */
  #url;
  #api;
  #clock;
  #heartbeatMs;
  #poller;
  #hearing;
  /** @type {WebSocket | null} */
  #socket = null;
  #welcomed = false;
  #wasWelcomed = false;
  #greeted = false;
  #stopped = true;
  #replaced = false;
  #attempt = 0;
  #failures = 0;
  #heardAt = 0;
  #retryTimer = 0;
  #handshakeTimer = 0;
  #beatTimer = 0;
  #probeTimer = 0;

  /** @param {{url: string | null, api: Sdk.Api, clock: Clock, heartbeatMs: number}} options `url` null: the server has no sockets */
  constructor({ url, api, clock, heartbeatMs }) {
    super();
    // A page on https may not open ws:; a front server that ends TLS may have hidden that from the service.
    this.#url = url && location.protocol === 'https:' ? url.replace(/^ws:/, 'wss:') : url;
    this.#api = api;
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
    this.#poller = new Poller({ api, heartbeatMs });
    this.#poller.listen('answered', (detail) => this.#answered(detail));
    this.#poller.listen('failed', ({ fault }) => this.#failed(fault));
    this.#hearing = new Hearing({ ask: (ms) => this.#beatByHttp(ms), waiting: () => this.bufferedAmount, heartbeatMs });
    this.#hearing.listen('status', this.#turned);
  }

  get open() {
    return this.#welcomed;
  }

  /** Everything goes by HTTP, and nothing is to be expected of the socket soon. */
  get byHttp() {
    return !this.#welcomed && this.#poller.running;
  }

  get online() {
    return this.#hearing.online;
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener('online', this.#hurry);
    connection()?.addEventListener('change', this.#probe);
    this.#hearing.start();
    this.#api.onAnswer = this.#heard;
    this.#api.onMiss = () => this.#welcomed || this.#hearing.missed();
    this.#beatTimer = setInterval(this.#beat, this.#heartbeatMs);
    const rest = this.#url ? socketRestMs() : AGAIN_MS;
    if (rest > 0) {
      this.#poller.start();
      this.#retry(rest);
    } else {
      this.#connect();
    }
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    removeEventListener('online', this.#hurry);
    connection()?.removeEventListener('change', this.#probe);
    clearTimeout(this.#probeTimer);
    this.#hearing.stop();
    clearInterval(this.#beatTimer);
    this.#poller.stop();
    this.#drop();
  }

  /** Connects now instead of at the next retry: new credentials, another network, or the page came back from the cache. */
  reconnect() {
    if (this.#stopped) return;
    this.#replaced = false;
    this.#attempt = 0;
    this.#failures = 0;
    this.#hearing.start();
    this.#poller.restart();
    this.#drop();
    if (this.#url) this.#connect();
    else this.#poller.start();
  }

  /**
   * @param {Record<string, unknown>} message
   * @returns {boolean} false: not connected, use the HTTP twin
   */
  send(message) {
    if (!this.#welcomed || this.#socket?.readyState !== WebSocket.OPEN) return this.#sendByHttp(message);
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
    if (this.#stopped || !this.#url || this.#socket) return;
    let socket;
    try {
      socket = new WebSocket(this.#url);
    } catch (reason) {
      // A CSP that forbids the connection throws or closes, by browser; HTTP carries the session then.
      log.warn('socket refused', reason);
      this.#socketFailed();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#handshakeTimer = setTimeout(() => this.#lost(socket, 'no welcome'), HANDSHAKE_MS);
    // After a cut it may arrive when the next one has: `t` tells which was first.
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: 'hello', token: this.#api.credentials.session_token, protocol: PROTOCOL, client: this.#poller.client, t: Clock.local() }));
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
    if (this.#welcomed) this.#hearing.heard();
    /** @type {any} */
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.type === 'welcome') {
      clearTimeout(this.#handshakeTimer);
      this.#poller.stop();
      this.#welcomed = this.#wasWelcomed = this.#greeted = true;
      this.#attempt = this.#failures = 0;
      rememberSocket(true);
      this.#hearing.heard();
      this.emit('open', message);
      this.#beat();
    } else if (message.type === 'pong') {
      this.#clock.sync(message.server_time, message.t);
    } else if (typeof message.type === 'string') {
      this.emit(message.type, message);
    }
  }

  #beat = () => {
    this.#ping();
    this.#giveUpSilent(2.5 * this.#heartbeatMs);
  };

  #ping() {
    this.send({ type: 'ping', t: Clock.local() });
  }

  /** Half-open connections swallow what is sent and never close. @param {number} ms */
  #giveUpSilent(ms) {
    if (this.#welcomed && this.#socket && this.#hearing.silentMs(this.#heardAt) >= ms) this.#lost(this.#socket, SILENT);
  }

  /** @param {number} timeoutMs */
  async #beatByHttp(timeoutMs) {
    const sentAt = Clock.local();
    try {
      const answer = await this.#api.post('heartbeat', { t: sentAt }, { timeoutMs });
      this.#clock.sync(answer.server_time, sentAt);
      if (!this.#stopped && !this.#welcomed && typeof answer.state === 'string') this.emit('state', { state: answer.state });
    } catch (thrown) {
      this.#failed(asProviewError(thrown));
    }
  }

  /** @param {{answer: any, first: boolean, changed: boolean, sentAt: number}} detail */
  #answered({ answer, first, changed, sentAt }) {
    if (this.#stopped || this.#welcomed) return;
    this.#clock.sync(answer.server_time, sentAt);
    if (first) {
      this.emit('state', { state: answer.state });
      // Null: the media process could not be asked; then what was published goes on.
      if (answer.watchers !== null || !this.#greeted) this.emit('live', { type: 'live', wanted: answer.watchers > 0 });
      this.#greeted = true;
    } else if (changed) {
      this.emit('state', { type: 'state', state: answer.state, reason: answer.reason });
    }
    for (const message of answer.messages) if (typeof message?.type === 'string') this.emit(message.type, message);
  }

  /** @param {ProviewError} fault of a poll or a heartbeat */
  #failed(fault) {
    if (this.#stopped || this.#welcomed) return;
    if (fault.code === 'replaced') {
      // Our own socket, which is just being welcomed, may be the one that replaced the poll.
      if (this.#socket) return;
      this.giveWay();
    } else if (fault.status === 401) {
      this.emit('refused');
    } else if (fault.code !== 'network' && (fault.status === 404 || fault.status === 410) && !fault.code.startsWith('http_')) {
      this.emit('ended', { code: fault.status });
    }
  }

  /** Another page has the session now. */
  giveWay() {
    if (this.#replaced || this.#stopped) return;
    this.#replaced = true;
    this.#hearing.stop();
    this.#poller.stop();
    this.#drop();
    this.emit('replaced');
  }

  /** Any answer of the service to any request. @param {{mail: number, state: string} | null} hint */
  #heard = (hint) => {
    this.#hearing.heard();
    if (hint && !this.#stopped && !this.#welcomed) this.#poller.hint(hint);
  };

  /** @param {{online: boolean}} detail */
  #turned = (detail) => {
    if (this.#stopped) return;
    if (!detail.online) {
      this.#giveUpSilent(this.#heartbeatMs);
    } else if (!this.#welcomed && !this.#replaced) {
      // The service is back: the socket need not wait for its retry, nor a poll that went into the cut for its end.
      this.#attempt = 0;
      this.#poller.again();
      if (!socketRestMs()) this.#connect();
    }
    this.emit('status', detail);
  };

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
    if (was) this.emit('down', { code, slow: why === SILENT && this.online });
    if (code === 4409) return this.giveWay();
    if (code === 4404 || code === 4410) return this.emit('ended', { code });
    // A hello that was heard has taken the way back from our polls.
    if (this.#poller.running) this.#poller.restart();
    else this.#poller.start();
    if (code === 4401) this.emit('refused');
    // The service itself spoke: that is no network that forbids sockets.
    if (was || (code >= 4400 && code < 4500) || code === 1012 || code === 1013) this.#retry(retryDelay(this.#attempt++));
    else this.#socketFailed();
  }

  #socketFailed() {
    this.#failures += 1;
    this.#poller.start();
    if (this.#hearing.clear && this.#failures >= (this.#wasWelcomed ? ATTEMPTS_AFTER_WELCOME : 1)) {
      log.info('going on by HTTP');
      rememberSocket(false);
      this.#retry(AGAIN_MS);
    } else {
      this.#retry(retryDelay(this.#attempt++));
    }
  }

  /** @param {number} ms */
  #retry(ms) {
    clearTimeout(this.#retryTimer);
    if (this.#url) this.#retryTimer = setTimeout(() => this.#connect(), ms);
  }

  #hurry = () => {
    if (this.#welcomed) this.#probe();
    else if (!this.#replaced) this.reconnect();
  };

  #probe = () => {
    this.#ping();
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => this.#giveUpSilent(PROBE_MS), PROBE_MS);
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

  /**
   * The live view's messages; everything else has its twin where it is sent.
   * @param {Record<string, unknown>} message
   */
  #sendByHttp({ type, id, sdp, tracks }) {
    if (this.#stopped || !this.#poller.running || (type !== 'offer' && type !== 'hangup')) return false;
    if (type === 'hangup') this.#api.post('hangup').catch(() => undefined);
    else this.#offer({ id, sdp, tracks });
    return true;
  }

  /** @param {Record<string, unknown>} offer */
  async #offer(offer) {
    try {
      this.emit('answer', await this.#api.post('live', offer));
    } catch (thrown) {
      const { code, message } = asProviewError(thrown);
      this.emit('live_failed', { type: 'live_failed', id: offer.id, code, message });
    }
  }
}

/** Where the browser tells of its network (Chromium). @returns {EventTarget | undefined} */
function connection() {
  return /** @type {any} */ (navigator).connection;
}
