// @ts-check
/** The player in a frame of the customer's site: no console around it, a ticket instead of a login. */
import { showRecording } from './recording.js';

const root = document.getElementById('view');
if (root) {
  const { mount, uuid, ticket } = root.dataset;
  const query = ticket ? `?ticket=${encodeURIComponent(ticket)}` : '';
  showRecording(root, `${mount}/v1/playback/${encodeURIComponent(uuid ?? '')}${query}`);
}
