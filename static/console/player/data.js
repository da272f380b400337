// @ts-check
/** The playback JSON as the player uses it. Pure. Nothing in it is trusted to be complete or in order. */

/** @typedef {import('../types.d.ts').PlaybackJson} PlaybackJson */
/** @typedef {import('../types.d.ts').Outcome} Outcome */

const ORDER = ['camera', 'screen'];

/**
 * @param {PlaybackJson} json
 * @returns {import('../types.d.ts').PlayerData}
 */
export function playerData(json) {
  /** @type {Map<string, Outcome[]>} */
  const ledgers = new Map();
  for (const row of json.outcomes) {
    if (row.to_ms <= row.from_ms) continue;
    const rows = ledgers.get(row.track) ?? [];
    rows.push(row);
    ledgers.set(row.track, rows);
  }
  for (const rows of ledgers.values()) rows.sort((a, b) => a.from_ms - b.from_ms);
  // An exam that was rolled over has a recording of each of its sessions.
  /** @type {Map<string, number>} */
  const counts = new Map();
  const tracks = json.tracks
    .map((t) => ({ name: t.track, url: t.url, growing: t.growing === true, offset: t.offset_ms, duration: t.duration_ms, ledger: (t.outcomes?.length ? t.outcomes : ledgers.get(t.track)) ?? wholeTrack(t) }))
    .sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name) || a.offset - b.offset)
    .map((track) => {
      const count = (counts.get(track.name) ?? 0) + 1;
      counts.set(track.name, count);
      return { ...track, key: count > 1 ? `${track.name}-${count}` : track.name };
    });
  for (const track of tracks) if (!ledgers.has(track.name)) ledgers.set(track.name, track.ledger);
  const ends = [...ledgers.values()].map((rows) => rows.at(-1)?.to_ms ?? 0);
  const events = json.events
    .filter((event) => Number.isFinite(event.at))
    .map((event) => ({ ...event, at: Math.max(0, event.at) }))
    .sort((a, b) => a.at - b.at);
  // While it grows, the end is what has arrived; the session itself is some seconds ahead.
  const growing = tracks.some((track) => track.growing);
  const length = Math.max(1000, growing ? 0 : json.session.duration_ms, ...ends, ...tracks.map((t) => t.offset + t.duration));
  return { growing, length, startedAt: json.session.started_at, tracks, ledgers, events };
}

/**
 * What the ledger says about one moment; null between its rows.
 * @param {Outcome[]} ledger sorted
 * @param {number} at
 */
export function outcomeAt(ledger, at) {
  let [low, high] = [0, ledger.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const row = /** @type {Outcome} */ (ledger[middle]);
    if (at < row.from_ms) high = middle - 1;
    else if (at >= row.to_ms) low = middle + 1;
    else return row;
  }
  return null;
}

/** @param {Outcome[]} ledger share of recorded time, pauses left out; null when nothing was due */
export function recordedShare(ledger) {
  let [recorded, due] = [0, 0];
  for (const row of ledger) {
    const length = row.to_ms - row.from_ms;
    if (row.outcome === 'recorded') recorded += length;
    if (row.cause !== 'paused' || row.outcome === 'recorded') due += length;
  }
  return due > 0 ? recorded / due : null;
}

/** @param {import('../types.d.ts').Track} track @returns {Outcome[]} */
function wholeTrack(track) {
  return [{ track: track.track, from_ms: track.offset_ms, to_ms: track.offset_ms + track.duration_ms, outcome: 'recorded', cause: null, source: null }];
}
