// @ts-check
/** Calls to the console's own JSON. */

/** An answer that is not the wanted one; `status` 0: the server could not be reached. */
export class ApiProblem extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} url
 * @param {{ method?: string, body?: unknown, keepalive?: boolean, timeoutMs?: number }} [options]
 * @returns {Promise<any>}
 */
export async function call(url, { method = 'GET', body, keepalive = false, timeoutMs = 15_000 } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRF-Token'] = document.querySelector('meta[name=csrf]')?.getAttribute('content') ?? '';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response, answer;
  try {
    response = await fetch(url, {
      method, headers, keepalive, credentials: 'same-origin', signal: AbortSignal.timeout(timeoutMs), body: body === undefined ? null : JSON.stringify(body),
    });
    answer = await response.json().catch(() => ({}));
  } catch {
    throw new ApiProblem(0, 'unreachable', 'The server cannot be reached.');
  }
  if (!response.ok) throw new ApiProblem(response.status, String(answer.code ?? ''), String(answer.message ?? `The server answered ${response.status}.`));
  return answer;
}

/**
 * Ask again and again, one request at a time, only while the page is visible; slower while it fails.
 * @param {() => Promise<boolean | void>} ask false ends it
 * @param {number} everyMs
 * @returns {() => void} stop
 */
export function poll(ask, everyMs) {
  let stopped = false;
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const round = async () => {
    if (stopped) return;
    if (!document.hidden) {
      try {
        if ((await ask()) === false) return;
        failures = 0;
      } catch {
        failures += 1;
      }
    }
    if (!stopped) timer = setTimeout(round, everyMs * Math.min(8, 1 + failures));
  };
  const wake = () => {
    if (document.hidden || stopped) return;
    clearTimeout(timer);
    timer = setTimeout(round, 0);
  };
  document.addEventListener('visibilitychange', wake);
  timer = setTimeout(round, 0);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', wake);
  };
}
