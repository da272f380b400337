/**
 * Camera, microphone and screen, or an error that says what is in the way: refused by the person, missing, used by another
 * program, or forbidden by the site. `device` of the error is camera, microphone, both or screen.
 */

import { ProviewError } from './errors.js';

export class DeviceError extends ProviewError {
  /**
   * @param {string} code device_refused, device_missing, device_in_use, device_policy, screen_refused, insecure_context, unsupported
   * @param {'camera' | 'microphone' | 'both' | 'screen'} device
   * @param {string} message
   */
  constructor(code, device, message) {
    super(code, message);
    this.name = 'DeviceError';
    this.device = device;
  }
}

/**
 * @param {Sdk.Policy['capture']} capture
 * @param {{camera?: string, microphone?: string}} [chosen] device ids
 */
export async function openCamera(capture, chosen = {}) {
  assertUsable();
  const { width, height, fps } = capture.camera;
  const blocked = forbidden('camera') ? 'camera' : forbidden('microphone') ? 'microphone' : null;
  if (blocked) throw policyError(blocked);
  try {
    return await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps, max: Math.max(fps, 30) }, ...(chosen.camera && { deviceId: { ideal: chosen.camera } }) },
      audio: { ...(chosen.microphone && { deviceId: { ideal: chosen.microphone } }) },
    });
  } catch (reason) {
    throw await cameraError(reason);
  }
}

/**
 * Must be called in a click: browsers ask for transient activation.
 * https://www.w3.org/TR/screen-capture/#dom-mediadevices-getdisplaymedia
 * @param {Sdk.Policy['capture']} capture
 */
export async function openScreen(capture) {
  assertUsable();
  if (!navigator.mediaDevices.getDisplayMedia) throw new DeviceError('unsupported', 'screen', 'This browser cannot share its screen.');
  if (forbidden('display-capture')) throw policyError('screen');
  const { width, height, fps } = capture.screen;
  try {
    return await navigator.mediaDevices.getDisplayMedia(/** @type {any} */ ({
      video: { displaySurface: 'monitor', width: { max: width }, height: { max: height }, frameRate: { ideal: fps, max: fps } },
      audio: false,
      monitorTypeSurfaces: 'include',
      surfaceSwitching: 'exclude',
      selfBrowserSurface: 'include',
    }));
  } catch (reason) {
    const name = reason instanceof DOMException ? reason.name : '';
    if (name === 'NotFoundError') throw new DeviceError('device_missing', 'screen', 'No screen to share was found.');
    if (name === 'NotReadableError') throw new DeviceError('device_in_use', 'screen', 'The screen could not be captured.');
    throw new DeviceError('screen_refused', 'screen', 'Sharing the screen was refused.');
  }
}

/** @param {MediaStream | null | undefined} stream */
export function closeStream(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

/** Cameras and microphones to choose from; labels exist once permission is given. */
export async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return {
    camera: devices.filter((one) => one.kind === 'videoinput'),
    microphone: devices.filter((one) => one.kind === 'audioinput' && one.deviceId !== 'communications'),
  };
}

function assertUsable() {
  if (!isSecureContext) throw new DeviceError('insecure_context', 'both', 'Camera and microphone need an https page.');
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === 'undefined') {
    throw new DeviceError('unsupported', 'both', 'This browser cannot record camera and microphone.');
  }
}

/**
 * The permission API goes on saying "granted" under a Permissions-Policy; only the policy object tells.
 * @param {string} feature
 */
function forbidden(feature) {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return policy ? !policy.allowsFeature(feature) : false;
}

/** @param {'camera' | 'microphone' | 'screen'} device */
function policyError(device) {
  return new DeviceError('device_policy', device, `The website's Permissions-Policy forbids the ${device}.`);
}

/** @param {unknown} reason */
async function cameraError(reason) {
  const name = reason instanceof Error || reason instanceof DOMException ? reason.name : '';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    const { camera, microphone } = await listDevices();
    const device = camera.length > 0 ? 'microphone' : microphone.length > 0 ? 'camera' : 'both';
    return new DeviceError('device_missing', device, device === 'both' ? 'No camera and no microphone was found.' : `No ${device} was found.`);
  }
  if (name === 'NotReadableError' || name === 'AbortError') {
    return new DeviceError('device_in_use', 'both', 'The camera or microphone is used by another program.');
  }
  const denied = { camera: await isDenied('camera'), microphone: await isDenied('microphone') };
  const device = denied.camera === denied.microphone ? 'both' : denied.camera ? 'camera' : 'microphone';
  return new DeviceError('device_refused', device, 'The browser was not allowed to use the camera and microphone.');
}

/** @param {'camera' | 'microphone'} name */
async function isDenied(name) {
  try {
    return (await navigator.permissions.query({ name: /** @type {any} */ (name) })).state !== 'granted';
  } catch {
    return true;
  }
}

/** Camera and microphone may be opened without asking the person. */
export async function isGranted() {
  return !(await isDenied('camera')) && !(await isDenied('microphone'));
}
