/**
 * What the browser reports. Ids below 10000 are documented ones of Proview and keep their meaning; ours start at 10000.
 * The service has the same list with meanings and weights (flask_proview/catalogue); names and numbers must agree.
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
  idPhoto: [145, 'Photo ID capture'],
  facePhoto: [146, 'Face capture'],
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
  audioTestSkipped: [10103, 'Audio Test Skipped'],
  photoRefused: [10104, 'Photo Refused'],
  frameRefused: [10045, 'Page Opened Outside The Frame'],
  dragStarted: [10050, 'Drag Started'],
  dropped: [10051, 'Content Dropped'],
  droppedFromOutside: [10052, 'Content Dropped From Outside'],
  contextMenu: [10053, 'Context Menu Opened'],
  printRequested: [10054, 'Print Requested'],
  printFinished: [10055, 'Print Finished'],
  printScreen: [10056, 'Print Screen Clicked'],
  shortcut: [10057, 'Shortcut Pressed'],
  toolsSuspected: [10058, 'Developer Tools Suspected'],
  toolsGone: [10059, 'Developer Tools Gone'],
  secondDisplay: [10060, 'Second Display Detected'],
  oneDisplay: [10061, 'Second Display Removed'],
  windowResized: [10062, 'Window Resized'],
  windowMoved: [10063, 'Window Moved'],
  zoomed: [10064, 'Page Zoomed'],
  screenAsked: [10065, 'Screen Share Asked For'],
  screenRefused: [10066, 'Screen Share Refused'],
  deviceConnected: [10070, 'Device Connected'],
  deviceRemoved: [10071, 'Device Removed'],
  cameraMuted: [10072, 'Camera Muted'],
  cameraUnmuted: [10073, 'Camera Unmuted'],
  microphoneMuted: [10074, 'Microphone Muted'],
  microphoneUnmuted: [10075, 'Microphone Unmuted'],
  screenMuted: [10076, 'Screen-capture Muted'],
  screenUnmuted: [10077, 'Screen-capture Unmuted'],
  permissionRevoked: [10078, 'Permission Revoked'],
  permissionGranted: [10079, 'Permission Granted Again'],
  virtualCamera: [10080, 'Virtual Camera Suspected'],
  microphoneSilent: [10081, 'Microphone Silent'],
  microphoneHeard: [10082, 'Microphone Heard Again'],
  secondTab: [10085, 'Exam Open In Another Tab'],
  oneTab: [10086, 'Exam Open In One Tab'],
  addressChanged: [10087, 'Page Address Changed'],
  connectionSlow: [10090, 'Connection Slow'],
  connectionGood: [10091, 'Connection Good Again'],
  leftOut: [10094, 'Events Left Out'],
  woke: [10110, 'Computer Woke Up'],
  qualityLowered: [10111, 'Recording Quality Lowered'],
  qualityRaised: [10112, 'Recording Quality Raised'],
  bufferRoom: [10113, 'Local Buffer Has Room'],
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
