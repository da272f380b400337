/** Retry delays as a table, with full jitter: after a restart of the server its candidates must not come back in step. */

const STEPS_MS = [300, 600, 1200, 2500, 5000, 8000];

/**
 * Delay before attempt `n` (0 = first retry). Never ends: the last step repeats.
 * @param {number} n
 * @param {() => number} [random]
 */
export function retryDelay(n, random = Math.random) {
  const step = STEPS_MS[Math.min(n, STEPS_MS.length - 1)];
  return Math.round(100 + random() * (step - 100));
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
