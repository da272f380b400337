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
   * @param {'stop' | 'pause' | 'resume' | 'token' | 'heartbeat' | 'events'} name
   * @param {unknown} [body]
   * @param {{keepalive?: boolean}} [how] `keepalive`: outlives the page; browsers allow 64 KiB in flight
   * @returns {Promise<any>}
   */
  post(name, body = {}, { keepalive = false } = {}) {
    return request(this.#root + name, { method: 'POST', json: body, token: this.credentials.session_token, keepalive });
  }

  /**
   * Resolves when the piece is durable. https://www.rfc-editor.org/rfc/rfc9530
   * @param {Sdk.PieceInfo} piece
   * @param {ArrayBuffer} data
   * @param {boolean} [draining] use the drain token: the session is over or belongs to an earlier page
   */
  putPiece(piece, data, draining = false) {
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
    return request(this.#root + path, { method: 'PUT', body: data, headers, token, timeoutMs: PIECE_TIMEOUT_MS });
  }
}

/**
 * @param {string} url
 * @param {{method: string, json?: unknown, body?: ArrayBuffer, headers?: Record<string, string>, token?: string, keepalive?: boolean, timeoutMs?: number}} how
 * @returns {Promise<any>}
 */
async function request(url, { method, json, body, headers = {}, token, keepalive = false, timeoutMs = TIMEOUT_MS }) {
  if (token) headers.Authorization = 'Bearer ' + token;
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  /** @type {any} */
  let answer;
  try {
    response = await fetch(url, {
      method, headers, keepalive, body: json === undefined ? body : JSON.stringify(json),
      cache: 'no-store', redirect: 'error', signal: keepalive ? undefined : AbortSignal.timeout(timeoutMs),
    });
    answer = await response.json().catch(() => ({}));
  } catch (reason) {
    throw new ProviewError('network', `No answer from the proctoring service (${reason instanceof Error ? reason.name : reason}).`, { type: 'warning' });
  }
  if (response.ok) return answer;
  throw new ProviewError(String(answer?.code ?? 'http_' + response.status), String(answer?.message ?? `The proctoring service answered ${response.status}.`), {
    status: response.status,
    type: answer?.type === 'warning' ? 'warning' : 'critical',
    retryAfterMs: 1000 * (Number(response.headers.get('Retry-After')) || 0),
    validationErrors: Array.isArray(answer?.validationErrors) ? answer.validationErrors : [],
  });
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
