/** Whether a camera's name is that of a program. Pure, and a guess: names can be changed, and some of these programs are harmless. */

/** @type {[RegExp, string][]} */
const PRODUCTS = [
  [/\bobs\b|obs-camera/i, 'OBS'],
  [/manycam/i, 'ManyCam'],
  [/snap ?camera/i, 'Snap Camera'],
  [/dummy video device|v4l2 ?loopback|loopback/i, 'v4l2loopback'],
  [/xsplit|\bvcam\b/i, 'XSplit VCam'],
  [/splitcam/i, 'SplitCam'],
  [/droidcam/i, 'DroidCam'],
  [/iriun/i, 'Iriun'],
  [/epoccam/i, 'EpocCam'],
  [/ivcam/i, 'iVCam'],
  [/\bcamo\b/i, 'Camo'],
  [/\bndi\b/i, 'NDI'],
  [/mmhmm/i, 'mmhmm'],
  [/youcam/i, 'YouCam'],
  [/webcamoid|akvirtualcamera/i, 'Webcamoid'],
  [/unity video capture|unitycam/i, 'Unity Video Capture'],
  [/animaze|facerig/i, 'Animaze'],
  [/deepfacelive|deep-live-cam/i, 'DeepFaceLive'],
  [/nvidia broadcast/i, 'NVIDIA Broadcast'],
  [/virtual|screen[- ]?capture[- ]?recorder/i, 'virtual'],
];

/**
 * @param {string} label
 * @returns {string | null} the program, or `virtual`
 */
export function virtualProduct(label) {
  return PRODUCTS.find(([pattern]) => pattern.test(label))?.[1] ?? null;
}
