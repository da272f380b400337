/**
 * A page that ends the session by being reached (`stop_paths`, inline mode): says so for the session that this tab was recording
 * and hands in what its pages left.
 */

import { Api } from './api.js';
import { retryDelay, sleep } from './backoff.js';
import { Buffer } from './buffer.js';
import { Drain } from './drain.js';
import { asProviewError } from './errors.js';
import { log } from './log.js';
import { recallRunning, rememberRunning } from './memory.js';

const ATTEMPTS = 12;

export async function stopLeftSession() {
  const buffer = await Buffer.open();
  const running = recallRunning();
  const record = (await buffer.sessions().catch(() => [])).find(({ uuid }) => uuid === running?.uuid);
  if (record) {
    const api = new Api(record.base, record.uuid, { session_token: record.sessionToken, drain_token: record.drainToken, expires_at: record.expiresAt });
    await tellStop(api, await buffer.events(record.uuid).catch(() => []), (seqs) => buffer.deleteEvents(record.uuid, seqs));
  }
  new Drain(buffer).start();
}

/**
 * @param {Api} api
 * @param {Sdk.LoggedEvent[]} events
 * @param {(seqs: number[]) => Promise<void>} forget
 */
async function tellStop(api, events, forget) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      for (let n = 0; n < events.length; n += 40) await forget((await api.post('events', { events: events.slice(n, n + 40) })).seqs);
      await api.post('stop', { reason: 'path' });
      rememberRunning(null);
      return;
    } catch (thrown) {
      const fault = asProviewError(thrown);
      // Ended already, or too late to say so: the heartbeat time-out ends it.
      if (!fault.temporary) {
        log.warn('stop was not accepted', fault.code);
        rememberRunning(null);
        return;
      }
      await sleep(retryDelay(attempt));
    }
  }
}
