/** Errors that leave the SDK: a stable code to branch on and a sentence for people. Codes are listed in docs/api.md. */

export class ProviewError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{status?: number, type?: string, retryAfterMs?: number, validationErrors?: {path: string, message: string, code: string}[]}} [details]
   */
  constructor(code, message, { status = 0, type = 'critical', retryAfterMs = 0, validationErrors = [] } = {}) {
    super(message);
    this.name = 'ProviewError';
    this.code = code;
    this.status = status;
    this.type = type;
    this.retryAfterMs = retryAfterMs;
    this.validationErrors = validationErrors;
  }

  /** The server's fault or the network's, so worth trying again; everything else needs a person. */
  get temporary() {
    return this.code === 'network' || this.status >= 500 || this.status === 429;
  }
}

/**
 * Anything thrown, as one of ours.
 * @param {unknown} thrown
 */
export function asProviewError(thrown) {
  if (thrown instanceof ProviewError) return thrown;
  return new ProviewError('internal', thrown instanceof Error ? thrown.message : String(thrown));
}

/**
 * Runs a function of the page; its fault is logged and never becomes ours.
 * @param {unknown} callback
 * @param {...unknown} args
 */
export function callPage(callback, ...args) {
  if (typeof callback !== 'function') return;
  try {
    callback(...args);
  } catch (fault) {
    console.error('[proview] a callback of the page failed', fault);
  }
}
