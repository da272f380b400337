/**
 * Every word the candidate reads, in English; `{name}` is filled in by `say`. The other languages are in locales/, with the same
 * keys (tests/a11y/test_locales.py): a new key is added here, and to each of them.
 */

import { formatNumber, translated } from './locale.js';

export const STRINGS = {
  preparing: 'Preparing your exam…',
  resuming: 'Continuing…',
  step: 'Step {n} of {of}',
  consentTitle: 'This exam is proctored',
  consentIntro: 'To start, please agree that the following is recorded until you finish:',
  consentCamera: 'Camera',
  consentCameraMore: 'a video of you at your desk',
  consentMicrophone: 'Microphone',
  consentMicrophoneMore: 'what can be heard in your room',
  consentScreen: 'Screen',
  consentScreenMore: 'what you see on your screen',
  consentActivity: 'Activity on the exam page',
  consentActivityMore: 'for example leaving the window, or pasting text',
  consentUse: 'The recording is stored by your institution and watched by its proctors and reviewers only.',
  consentLimit: 'There is a time limit: the recording ends by itself after {time}.',
  instructions: 'Instructions',
  links: 'Links',
  agree: 'Agree and continue',
  decline: 'I do not agree',
  declinedTitle: 'You did not agree to the recording',
  declinedText: 'Without your agreement nothing is recorded and the exam cannot be started here. If you have questions, ask your institution. You can change your mind.',
  back: 'Back',
  checkTitle: 'Check your camera and microphone',
  checkIntro: 'Sit so that your face is well lit and fully visible, and say a few words.',
  checkWaiting: 'Your browser asks for your camera and microphone. Please choose “Allow”.',
  camera: 'Camera',
  microphone: 'Microphone',
  level: 'Microphone level',
  cameraView: 'Live picture of your camera',
  heard: 'We can hear you.',
  silent: 'We cannot hear you yet. Say a few words, or choose another microphone.',
  start: 'Start',
  next: 'Continue',
  shareTitle: 'Share your screen',
  shareIntro: 'Your browser will ask what to share. Choose the entire screen, then confirm.',
  shareKeep: 'Keep sharing until the exam is finished.',
  share: 'Share screen and start',
  consentPhotos: 'Photos',
  consentPhotosMore: 'you take them yourself before the exam, to show who you are',
  stillSilent: 'We still cannot hear you. Check that the microphone is connected and not muted. You can go on without it; that is noted.',
  goUnheard: 'Continue without sound',
  idTitle: 'Take a photo of your ID',
  idHow: 'Hold your ID card or passport in front of the camera so that it fills the frame, then take the photo.',
  idTips: 'Photo and name must be readable: avoid reflections, and cover nothing with your fingers.',
  idCheck: 'Can your photo and your name be read?',
  faceTitle: 'Take a photo of your face',
  faceHow: 'Look straight into the camera, with your whole face in the frame, then take the photo.',
  faceTips: 'Light from the front is best. Please no sunglasses, cap or headphones.',
  faceCheck: 'Is your whole face sharp and well lit?',
  takePhoto: 'Take photo',
  usePhoto: 'Use this photo',
  retakePhoto: 'Take it again',
  photoTaken: 'The photo that you took',
  photoFailed: 'The camera delivers no picture at the moment. Please try again.',
  photoDark: 'This photo is very dark. More light makes it usable.',
  admitTitle: 'Waiting for your proctor',
  admitHow: 'A proctor looks at your photos and your camera, then lets you begin. Please stay in front of the camera.',
  admitWaiting: 'You are in the queue.',
  admitNobody: 'No proctor is here at the moment. Your place is kept: you can begin as soon as somebody lets you in.',
  admitLong: 'It takes longer than usual. Your place is kept; if nobody answers, please contact your institution.',
  admitOffline: 'No connection to the proctor at the moment. We keep trying; please leave this page open.',
  admitSending: 'Sending your photos…',
  rejectedTitle: 'You cannot begin yet',
  rejectedHow: 'Your proctor did not let you in and writes:',
  retry: 'Try again',
  reload: 'Reload the page',
  previewLabel: 'Your camera, being recorded',
  recording: 'Recording',
  movePreview: 'Move the picture to another corner',
  close: 'Close',
  pausedText: 'The recording is paused.',
  offline: 'No connection. Go on: the recording is kept on this computer and sent as soon as the connection is back.',
  online: 'Connected again. The recording is being sent.',
  uploading: 'Sending the rest of the recording… Please keep this page open.',
  finished: 'The recording is finished.',
  ended: 'Proctoring of this session was ended ({state}). Nothing is being recorded any more.',
  stateStopped: 'stopped',
  stateTerminated: 'terminated',
  endsSoon: 'The recording ends by itself in {time}. Finish and hand in before that.',
  replacedText: 'This session was opened in another window or tab. Nothing is being recorded here.',
  elsewhereText: 'Another window or tab records this session. Please go on there.',
  continueHere: 'Continue here',
  cameraLost: 'The camera or microphone was disconnected. Plug it in again or allow it in your browser; recording goes on by itself.',
  deviceBack: 'Camera and microphone are back.',
  screenLost: 'You stopped sharing your screen. Please share it again.',
  shareAgain: 'Share again',
  bufferFull: 'There is no room left on this computer to keep the recording. It goes on when the connection is back.',
  failedOpen: 'Proctoring is not available right now ({code}). You can go on with your exam; we keep trying.',
  failedRefused: 'Proctoring could not be started ({code}). You can go on; tell your institution if this stays.',
  availableAgain: 'Proctoring is available again.',
  startNow: 'Start proctoring',
  device_refused_title: 'Camera or microphone is blocked',
  device_refused: 'The browser was not allowed to use your {device}. Choose the camera or lock symbol beside the address, allow {device}, then try again.',
  device_missing_title: 'No {device} was found',
  device_missing: 'Connect a {device}, check that it is switched on, then try again.',
  device_in_use_title: 'In use by another program: {device}',
  device_in_use: 'Another program is using your {device}. Close video calls and other programs that use it, then try again.',
  device_policy_title: 'This site does not allow the {device}',
  device_policy: 'The website forbids the use of your {device} (Permissions-Policy). You cannot change this yourself: please tell your institution.',
  screen_refused_title: 'Your screen is not shared',
  screen_refused: 'The browser was not allowed to share your screen. Choose “Try again”, then select your entire screen and confirm.',
  insecure_context_title: 'This page is not secure',
  insecure_context: 'Browsers give camera and microphone to https pages only. Please tell your institution.',
  unsupported_title: 'This browser cannot record',
  unsupported: 'Please use a current Chrome, Edge or Firefox on a computer.',
  secure_browser_required_title: 'This exam needs the secure browser',
  secure_browser_required: 'It cannot be started in this browser. Open it in the secure browser that your institution names.',
  internal_title: 'Something went wrong',
  internal: 'Proctoring could not be started. Please try again.',
  device_both: 'camera and microphone',
  device_camera: 'camera',
  device_microphone: 'microphone',
  device_screen: 'screen',
};

/** @typedef {keyof typeof STRINGS} StringKey */

/**
 * @param {StringKey} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return (translated(key) ?? STRINGS[key]).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? '';
    return typeof value === 'number' ? formatNumber(value) : value;
  });
}

/**
 * Title and explanation of an error, in words the candidate can act on.
 * @param {string} code
 * @param {string} device
 * @returns {[string, string]}
 */
export function explain(code, device) {
  const known = code in STRINGS && code + '_title' in STRINGS ? code : 'internal';
  const values = { device: say(/** @type {StringKey} */ ('device_' + device in STRINGS ? 'device_' + device : 'device_both')) };
  return [say(/** @type {StringKey} */ (known + '_title'), values), say(/** @type {StringKey} */ (known), values)];
}
