/** Shows any card, notice or box of the SDK with the SDK's own code, without a session: `await show('consent', 'de')`. */

import { ready, use } from '/proview/static/sdk/locale.js';
import { STRINGS } from '/proview/static/sdk/strings.js';
import { Messages } from '/proview/static/sdk/ui/messages.js';
import { Root } from '/proview/static/sdk/ui/root.js';
import * as admission from '/proview/static/sdk/ui/admission.js';
import { takePhoto } from '/proview/static/sdk/ui/photo.js';
import * as steps from '/proview/static/sdk/ui/steps.js';

const root = new Root(null);
const messages = new Messages(root);
const place = [2, 3];
const long = 'DonaudampfschifffahrtsgesellschaftskapitänsprüfungDonaudampfschifffahrt';
const capture = { camera: {}, screen: {} };

function stream() {
  const generated = document.createElement('canvas');
  generated.getContext('2d').fillRect(0, 0, 10, 10);
  const made = generated.captureStream(1);
  const sound = new AudioContext().createMediaStreamDestination();
  made.addTrack(sound.stream.getAudioTracks()[0]);
  return made;
}

const devices = {
  camera: [{ deviceId: '1', label: 'Integrated Camera (04f2:b6d9) with a long name for its place' }, { deviceId: '2', label: '' }],
  microphone: [{ deviceId: '3', label: 'Headset' }, { deviceId: '4', label: '' }],
};
const options = {
  title: `Algebra ${long}`,
  additionalInstruction: 'Keep your ID at hand.\n• No phone\n• No headphones '.repeat(12),
  referenceLinks: [{ caption: 'Rules', url: 'https://example.com/rules' }, { caption: `https://example.com/${long}`, url: 'https://example.com' }],
};
const problems = Object.keys(STRINGS).filter((key) => key + '_title' in STRINGS);

/** A picture that was taken already, dark as well. @param {'id' | 'face'} kind */
async function taken(kind) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 480];
  canvas.getContext('2d').fillRect(0, 0, 640, 480);
  takePhoto(root, { kind, stream: stream(), place, take: async () => ({ canvas, data: new ArrayBuffer(0), dark: true }) });
  document.querySelector('#proview_root').shadowRoot.querySelector('button.primary').click();
  await new Promise((resolve) => setTimeout(resolve));
}

/** Everything a candidate can be shown before the recording runs. */
const cards = {
  preparing: () => steps.showWaiting(root, 'preparing'),
  consent: () => steps.askConsent(root, { policy: { on_limit: 'stop', session_minutes: 90, checks: { id: true } }, options, screen: true, place }),
  declined: () => steps.showDeclined(root),
  asking: () => steps.showAsking(root, place),
  check: () => steps.checkDevices(root, { stream: stream(), devices, last: true, place, onHeard() {} }),
  mustHear: () => steps.checkDevices(root, { stream: stream(), devices, last: false, mustHear: true, place, onHeard() {} }),
  photoId: () => takePhoto(root, { kind: 'id', stream: stream(), place, take: () => new Promise(() => undefined) }),
  photoFace: () => takePhoto(root, { kind: 'face', stream: stream(), place, take: () => new Promise(() => undefined) }),
  takenId: () => taken('id'),
  takenFace: () => taken('face'),
  admission: () => admission.showAdmission(root)('admitNobody'),
  rejected: () => admission.showRejected(root, `The name cannot be read. ${long}`),
  ended: () => admission.showEnded(root, 'terminated'),
  screen: () => steps.shareScreen(root, place, () => new Promise(() => undefined)),
  ...Object.fromEntries(problems.map((code) => [code, () => steps.showProblem(root, { code, device: 'both' }, 'retry')])),
};

/** And while it runs: the picture and every notice at once. */
function running() {
  root.preview(stream(), '');
  messages.screenLost(capture, () => undefined);
  messages.replaced(() => undefined);
  messages.failedOpen('service_unavailable', true);
  messages.cameraLost();
  messages.bufferFull(true);
  messages.paused(true);
  messages.endsIn(240_000);
  messages.ended('terminated');
}

window.names = [...Object.keys(cards), 'running'];
window.show = async (name, language) => {
  use(language);
  await ready();
  root.preview(null, '');
  root.uncover();
  for (const id of ['screen', 'replaced', 'service', 'camera', 'buffer', 'paused', 'limit', 'ended']) root.clearNotice(id);
  if (name === 'running') running();
  else await Promise.race([cards[name](), new Promise((resolve) => setTimeout(resolve, 20))]);
  await new Promise((resolve) => setTimeout(resolve));
};
