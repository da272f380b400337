/** Room for the durable buffer: asked for where that asks nobody, and never more than the browser has to give. */

// What other parts of the site keep is not ours to push out.
const SHARE = 0.6;

/**
 * Keeps the browser from clearing the site's storage when the disk runs low. Chromium decides by itself; Firefox would ask the
 * candidate, in the middle of an exam.
 */
export function keepStorage() {
  if (!('userAgentData' in navigator)) return;
  navigator.storage?.persist?.().catch(() => undefined);
}

/**
 * @param {number} wanted bytes
 * @param {number} held bytes that are ours already
 * @returns {Promise<number>} what can be held in all
 */
export async function roomFor(wanted, held) {
  const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  return quota > 0 ? Math.min(wanted, held + Math.max(0, quota - usage) * SHARE) : wanted;
}

/** Resolves when the page has loaded, and a little later: its own requests come first. @returns {Promise<unknown>} */
export function pageIsQuiet() {
  const later = (/** @type {(value: unknown) => void} */ resolve) => setTimeout(resolve, 1500);
  return new Promise((resolve) => {
    if (document.readyState === 'complete') later(resolve);
    else addEventListener('load', () => later(resolve), { once: true });
  });
}
