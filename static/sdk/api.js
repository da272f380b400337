/** The HTTP side of docs/protocol.md. Every failure is a ProviewError; `network` means that no answer came. */

import { ProviewError } from './errors.js';

const TIMEOUT_MS = 12_000;
const PIECE_TIMEOUT_MS = 45_000;

/**
 * Starts or resumes a session. The launch cookie goes along by itself (same origin).
 * @param {string} base mount URL, ends with a slash
 * @param {Record<string, unknown>} body
 * @returns {Promise<Sdk.Started>}
 */
export function startSession(base, body) {
  return request(base + 'v1/sessions', { method: 'POST', json: body });
}

export class Api {
  /** @type {Sdk.Credentials} */
  credentials;
  /** How many commands were sent or answered: a state read in between may be the one before. */
  commands = 0;
  /** @type {((hint: {mail: number, state: string} | null) => void) | null} told of every answer of the service */
  onAnswer = null;
  /** @type {(() => unknown) | null} told of every request that the service did not answer */
  onMiss = null;
  #root;

  /**
   * @param {string} base mount URL, ends with a slash
   * @param {string} uuid
   * @param {Sdk.Credentials} credentials
   */
  constructor(base, uuid, credentials) {
    this.#root = `${base}v1/sessions/${encodeURIComponent(uuid)}/`;
    this.credentials = credentials;
  }

  /**
   * @param {'stop' | 'pause' | 'resume' | 'token' | 'heartbeat' | 'events' | 'live' | 'hangup' | 'describe' | 'approval'} name
   * @param {unknown} [body]
   * @param {{keepalive?: boolean, draining?: boolean, timeoutMs?: number}} [how] `keepalive`: outlives the page; browsers allow 64 KiB in flight. `draining`: with
   *     the drain token, for what an earlier page left
   * @returns {Promise<any>}
   */
  async post(name, body = {}, { keepalive = false, draining = false, timeoutMs } = {}) {
    const isCommand = name === 'stop' || name === 'pause' || name === 'resume';
    if (isCommand) this.commands += 1;
    try {
      return await this.#request(name, { method: 'POST', json: body, token: draining ? this.credentials.drain_token : this.credentials.session_token, keepalive, timeoutMs });
    } finally {
      if (isCommand) this.commands += 1;
    }
  }

  /**
   * @param {{client: string, cursor: number | null, state: string | null, t: number}} body
   * @param {AbortSignal} signal
   * @param {number} timeoutMs
   */
  poll(body, signal, timeoutMs) {
    return this.#request('poll', { method: 'POST', json: body, token: this.credentials.session_token, signal, timeoutMs });
  }

  /**
   * Resolves when the piece is durable. https://www.rfc-editor.org/rfc/rfc9530
   * @param {Sdk.PieceInfo} piece
   * @param {ArrayBuffer} data
   * @param {boolean} [draining] use the drain token: the session is over or belongs to an earlier page
   * @param {AbortSignal} [signal]
   */
  putPiece(piece, data, draining = false, signal) {
    /** @type {Record<string, string>} */
    const headers = {
      'Content-Type': piece.mime,
      'Content-Digest': `sha-256=:${base64OfHex(piece.sha256)}:`,
      'X-Piece-Start': String(piece.start),
      'X-Piece-Duration': String(piece.duration),
    };
    if (piece.last) headers['X-Piece-Last'] = '1';
    const token = draining ? this.credentials.drain_token : this.credentials.session_token;
    const path = `tracks/${piece.track}/runs/${piece.run}/pieces/${piece.seq}`;
    return this.#request(path, { method: 'PUT', body: data, headers, token, timeoutMs: PIECE_TIMEOUT_MS, signal, priority: 'low' });
  }

  /**
   * Resolves when the photo is durable.
   * @param {Sdk.Photo} photo
   * @param {boolean} [draining]
   */
  putPhoto({ kind, sha256, at, data }, draining = false) {
    const headers = { 'Content-Type': 'image/jpeg', 'Content-Digest': `sha-256=:${base64OfHex(sha256)}:`, 'X-Photo-At': String(Math.round(at)) };
    const token = draining ? this.credentials.drain_token : this.credentials.session_token;
    return this.#request(`photos/${kind}`, { method: 'PUT', body: data, headers, token, timeoutMs: PIECE_TIMEOUT_MS });
  }

  /** @param {string} path @param {Request} how */
  #request(path, how) {
    return request(this.#root + path, { ...how, onAnswer: this.onAnswer, onMiss: this.onMiss });
  }
}

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {unknown} [json]
 * @property {ArrayBuffer} [body]
 * @property {Record<string, string>} [headers]
 * @property {string} [token]
 * @property {boolean} [keepalive]
 * @property {number} [timeoutMs]
 * @property {AbortSignal} [signal]
 * @property {RequestPriority} [priority] low: the exam's own requests come first
 * @property {((hint: {mail: number, state: string} | null) => void) | null} [onAnswer]
 * @property {(() => unknown) | null} [onMiss]
 */

/**
 * @param {string} url
 * @param {Request} how
 * @returns {Promise<any>}
 */
async function request(url, { method, json, body, headers = {}, token, keepalive = false, timeoutMs = TIMEOUT_MS, signal, priority = 'auto', onAnswer, onMiss }) {
  // Not Authorization: Apache keeps it from WSGI applications, and the site's own Basic or Negotiate login needs it.
  if (token) headers['X-Proview-Token'] = token;
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  /** @type {any} */
  let answer;
  try {
    response = await fetch(url, {
      method, headers, keepalive, priority, body: json === undefined ? body : JSON.stringify(json),
      cache: 'no-store', redirect: 'error', signal: keepalive ? undefined : within(timeoutMs, signal),
    });
    answer = await response.json().catch(() => ({}));
  } catch (reason) {
    if (!signal?.aborted) onMiss?.();
    throw new ProviewError('network', `No answer from the proctoring service (${reason instanceof Error ? reason.name : reason}).`, { type: 'warning' });
  }
  // A gateway's own page says that there is nobody behind it.
  if (response.status >= 502 && response.status <= 504 && !answer?.code) onMiss?.();
  else onAnswer?.(hintOf(response));
  if (response.ok) return answer;
  throw new ProviewError(String(answer?.code ?? 'http_' + response.status), String(answer?.message ?? `The proctoring service answered ${response.status}.`), {
    status: response.status,
    type: answer?.type === 'warning' ? 'warning' : 'critical',
    retryAfterMs: 1000 * (Number(response.headers.get('Retry-After')) || 0),
    validationErrors: Array.isArray(answer?.validationErrors) ? answer.validationErrors : [],
  });
}

/** @param {number} ms @param {AbortSignal} [signal] */
function within(ms, signal) {
  const timeout = AbortSignal.timeout(ms);
  if (!signal) return timeout;
  const both = new AbortController();
  for (const one of [timeout, signal]) one.addEventListener('abort', () => both.abort(one.reason), { once: true });
  return both.signal;
}

/** What the answer says of news (docs/protocol.md, "Without a socket"). @param {Response} response */
function hintOf(response) {
  const mail = response.headers.get('X-Proview-Mail');
  return mail === null ? null : { mail: Number(mail) || 0, state: response.headers.get('X-Proview-State') ?? '' };
}

/** @param {string} hex */
function base64OfHex(hex) {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16))));
}

/** @param {ArrayBuffer} data */
export async function sha256Hex(data) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
