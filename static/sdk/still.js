/**
 * A still of a live picture as a JPEG that the service takes: without metadata, at most a megabyte.
 * The picture is made sharper for it where nothing is being recorded yet.
 */

import { sleep } from './backoff.js';

// A camera that changes its resolution pauses for a moment.
const PICTURE_MS = 3000;
const MOST_PIXELS = 1600;
const MOST_BYTES = 1_000_000;
const QUALITIES = [0.9, 0.8, 0.65, 0.5];
const DARK_LUMA = 38;
const SHARP = { width: { ideal: 1600 }, height: { ideal: 1200 } };
// JFIF, colour profile, Adobe. Safari adds Exif, which the service refuses.
const KEPT = new Set([0xe0, 0xe2, 0xee]);

/**
 * @param {MediaStream} stream
 * @returns {Promise<() => Promise<void>>} back to how it was
 */
export async function sharpen(stream) {
  const track = stream.getVideoTracks()[0];
  const before = track?.getConstraints();
  await track?.applyConstraints({ ...before, ...SHARP }).catch(() => undefined);
  return async () => track?.applyConstraints(before).catch(() => undefined);
}

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<Sdk.Still>}
 */
export async function takeStill(video) {
  if (!video.videoWidth) await Promise.race([new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true })), sleep(PICTURE_MS)]);
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight) throw new Error('the camera delivers no picture');
  const scale = Math.min(1, MOST_PIXELS / Math.max(videoWidth, videoHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  let data = new Uint8Array();
  for (const quality of QUALITIES) {
    data = plain(new Uint8Array(await encoded(canvas, quality)));
    if (data.length <= MOST_BYTES) break;
  }
  return { canvas, data: /** @type {ArrayBuffer} */ (data.buffer), dark: isDark(pen, canvas) };
}

/** @param {HTMLCanvasElement} canvas @param {number} quality @returns {Promise<ArrayBuffer>} */
function encoded(canvas, quality) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? blob.arrayBuffer().then(resolve, reject) : reject(new Error('no JPEG'))), 'image/jpeg', quality);
  });
}

/**
 * Without application segments and comments that nobody needs. https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1.1.4
 * @param {Uint8Array} jpeg
 */
export function plain(jpeg) {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at] === 0xff && jpeg[at + 1] !== 0xda) {
    const next = at + 2 + jpeg[at + 2] * 256 + jpeg[at + 3];
    const marker = jpeg[at + 1];
    if (!(marker === 0xfe || (marker >= 0xe0 && marker <= 0xef && !KEPT.has(marker)))) kept.push(jpeg.subarray(at, next));
    at = next;
  }
  kept.push(jpeg.subarray(at));
  const result = new Uint8Array(kept.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of kept) {
    result.set(part, place);
    place += part.length;
  }
  return result;
}

/** @param {CanvasRenderingContext2D} pen @param {HTMLCanvasElement} canvas */
function isDark(pen, { width, height }) {
  const { data } = pen.getImageData(0, 0, width, height);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < data.length; at += 4 * 97) {
    sum += 0.3 * data[at] + 0.6 * data[at + 1] + 0.1 * data[at + 2];
    count += 1;
  }
  return sum / count < DARK_LUMA;
}
