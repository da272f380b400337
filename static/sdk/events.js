/**
 * What the browser reports. Ids below 10000 are documented ones of Proview and keep their meaning; ours start at 10000.
 * The service has the same list with weights (flask_proview/sessions); names and numbers must agree.
 */

const CATALOGUE = {
  joined: [3, 'Session Joined'],
  focusIn: [4, 'Window Focus-In'],
  focusOut: [5, 'Window Focus-Out'],
  idle: [6, 'User Idle'],
  active: [7, 'User Active'],
  socketConnected: [9, 'Socket connection success'],
  socketDisconnected: [10, 'Socket disconnected'],
  screenStopped: [12, 'Screen-capture Stopped'],
  recordingStarted: [13, 'Recording Started'],
  recordingStopped: [14, 'Recording Stopped'],
  cameraTestPassed: [26, 'Camera Test Passed'],
  cameraTestFailed: [27, 'Camera Test Failed'],
  audioTestPassed: [34, 'Audio Test Passed'],
  cameraDetected: [60, 'Camera Detected'],
  completed: [113, 'Session Completed'],
  pageHidden: [10000, 'Page Hidden'],
  pageVisible: [10001, 'Page Visible'],
  fullscreenEntered: [10002, 'Fullscreen Entered'],
  fullscreenLeft: [10003, 'Fullscreen Left'],
  copied: [10004, 'Text Copied'],
  cut: [10005, 'Text Cut'],
  pasted: [10006, 'Text Pasted'],
  networkLost: [10007, 'Network Lost'],
  networkRestored: [10008, 'Network Restored'],
  pageLoaded: [10009, 'Page Loaded'],
  paused: [10010, 'Session Paused'],
  resumed: [10011, 'Session Resumed'],
  consentGiven: [10012, 'Consent Given'],
  screenStarted: [10013, 'Screen-capture Started'],
  cameraLost: [10014, 'Camera Lost'],
  microphoneLost: [10015, 'Microphone Lost'],
  deviceRestored: [10016, 'Device Restored'],
  surfaceNotMonitor: [10017, 'Shared Surface Is Not A Monitor'],
  bufferFull: [10018, 'Local Buffer Full'],
  bufferVolatile: [10019, 'Local Buffer Not Durable'],
  pieceRefused: [10020, 'Piece Refused'],
  replaced: [10021, 'Session Opened Elsewhere'],
  recorderFault: [10022, 'Recorder Restarted'],
  frameRefused: [10045, 'Page Opened Outside The Frame'],
};

/** @typedef {keyof typeof CATALOGUE} EventKey */

/** @type {Readonly<Record<EventKey, {id: number, name: string}>>} */
export const EVENTS = /** @type {any} */ (Object.freeze(Object.fromEntries(
  Object.entries(CATALOGUE).map(([key, [id, name]]) => [key, Object.freeze({ id, name })]),
)));

/**
 * The DOM event of a Proview event: "Window Focus-Out" is dispatched on window as `proview:window-focus-out`.
 * @param {string} name
 */
export function domEventName(name) {
  return 'proview:' + name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
