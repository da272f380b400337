/**
 * One proctored sitting in one page: composes everything else. Fails open where the service is at fault (the page goes on, we
 * keep trying) and stays closed where the candidate's consent or devices are missing.
 *
 * Events: `event` (detail: what handlers get), `running`, `unavailable` (the service does not answer; we go on trying),
 * `elsewhere` (another tab records it; this one waits), `problem` (detail.error; the candidate is being asked), `network` ({online}), `stopped` ({by}).
 */

import { sleep } from './backoff.js';
import { Capture } from './capture.js';
import { Connector } from './connector.js';
import { Emitter } from './emitter.js';
import { closeStream, isGranted, openCamera } from './devices.js';
import { ProviewError } from './errors.js';
import { Keeping } from './keeping.js';
import { wasConsented } from './link.js';
import { ready, use, useSetting } from './locale.js';
import { log } from './log.js';
import { recallRunning, rememberRunning } from './memory.js';
import { Messages } from './ui/messages.js';
import { Observers } from './observers/all.js';
import { Pausing } from './pausing.js';
import { Preflight } from './preflight.js';
import { showEnded } from './ui/admission.js';
import { showWaiting } from './ui/steps.js';
import { Upkeep } from './upkeep.js';
import { Watching } from './watching.js';

const STOP_ANSWER_MS = 4000;
// What stopping takes at most beside the drain: the recorders' end, the last events, the answer.
const STOP_MOST_MS = 12_000;

export class Session extends Emitter {
  /** @type {Sdk.State} */
  state = 'idle';
  /** Who or what ended it; `terminated`: a proctor. */
  endedBy = '';
  #connector;
  #root;
  #messages;
  #options;
  #watching;
  /** @type {Preflight | null} */
  #preflight = null;
  #observers;
  #capture;
  #told = false;
  #pausing;
  /** @type {Promise<void> | null} */
  #stopping = null;
  /** @type {Promise<boolean> | null} */
  #connecting = null;
  #upkeep;
  #listeners = new AbortController();

  /**
   * @param {{base: string, root: Sdk.Root, options: Sdk.Options, body: Record<string, unknown>, framed?: boolean}} parts `body` of POST v1/sessions;
   *     `framed`: the exam is in a frame of this page
   */
  constructor({ base, root, options, body, framed = false }) {
    super();
    this.#root = root;
    this.#options = options;
    this.#observers = new Observers(this.report, { framed, link: () => this.#link, onNetwork: this.#network });
    this.#messages = new Messages(root);
    this.#connector = new Connector({ base, body }, { onChanged: (old) => this.#changed(old) });
    for (const [name, handler] of Object.entries(this.#handlers)) this.#connector.listen(name, handler);
    const keeping = new Keeping({
      connector: this.#connector,
      report: this.report,
      say: (full) => this.#messages.bufferFull(full),
      rest: () => this.#capture.stop(),
      record: () => (this.state === 'running' || this.#preflight?.checks.waiting) && this.#record(),
    });
    this.#capture = new Capture(this.observe, {
      onPiece: (piece) => keeping.keep(piece),
      onLost: (track) => this.#lost(track),
      onBack: () => {
        this.#messages.cameraBack();
        this.#captured();
      },
    });
    this.#watching = new Watching(() => this.#link, () => (this.state === 'paused' ? { camera: null, screen: null } : this.#capture.streams));
    this.#upkeep = new Upkeep({ capture: this.#capture, connector: this.#connector, running: () => this.state === 'running', report: this.report, stop: () => this.stop('limit') });
    this.#pausing = new Pausing({
      state: () => this.state,
      become: (state) => { this.state = state; },
      capture: this.#capture,
      link: () => this.#link,
      report: this.report,
      hide: () => {
        this.#watching.stop();
        this.#root.preview(null, '');
      },
      say: (paused) => this.#messages.paused(paused),
      record: () => this.#record().then(() => this.#captured()),
    });
  }

  get #link() {
    return this.#connector.link;
  }

  get uuid() {
    return this.#link?.uuid ?? '';
  }

  get policy() {
    return this.#link?.started.policy ?? null;
  }

  get captured() {
    const { camera, screen } = this.#capture.streams;
    return { audio: (camera?.getAudioTracks().length ?? 0) > 0, video: (camera?.getVideoTracks().length ?? 0) > 0, screen: screen !== null };
  }

  /** @type {Sdk.Report} */
  report = (key, data = {}, at) => {
    if (!this.#link || this.state === 'stopped') return;
    const { seq: _, ...event } = this.#link.events.add(key, data, at);
    this.emit('event', event);
  };

  /** What observers see: within measure. @type {Sdk.Report} */
  observe = (key, data = {}) => this.#observers.pass(key, data);

  get pausedBy() {
    return this.#pausing.by;
  }

  /** The service makes the session; nothing is shown or recorded yet. */
  register() {
    this.#connecting ??= this.#connector.connect();
    return this.#connecting;
  }

  /** @param {Record<string, unknown>} told attendee or workflow, learnt after the start */
  describe = (told) => this.register().then(() => this.#connector.describe(told));

  /** A sign of life that another document saw. */
  activity() {
    this.#observers.activity();
  }

  /**
   * Resolves when everything that the policy asks for is being recorded.
   * @throws {ProviewError} refused by the service
   */
  async start() {
    this.state = 'starting';
    const before = recallRunning();
    use(this.#options.language);
    showWaiting(this.#root, before ? 'resuming' : 'preparing');
    // Everything at once: on the next page of an exam each wait is a gap in the recording.
    const early = before && isGranted().then((granted) => (granted ? openCamera(before.capture, before.chosen) : null)).catch(() => null);
    const waited = await this.register();
    if (this.#stopping) return closeStream(await early);
    const link = /** @type {Sdk.Link} */ (this.#link);
    const { policy } = link.started;
    useSetting(policy.language);
    this.report('joined', { resumed: link.started.resumed });
    const buffer = /** @type {Sdk.Buffer} */ (this.#connector.buffer);
    if (!buffer.durable) this.report('bufferVolatile');
    const consented = !this.#options.clear && (before?.uuid === link.uuid || (await wasConsented(buffer, link.uuid)));
    const preflight = new Preflight(
      { root: this.#root, policy, options: this.#options, consented, link: () => /** @type {Sdk.Link} */ (this.#link), chosen: before?.chosen ?? {} },
      { report: this.report, onProblem: (error) => this.#problem(error) },
    );
    this.#preflight = preflight;
    const settled = await preflight.isSettled();
    if (!settled) {
      closeStream(await early);
      await ready();
    }
    // The candidate is in the middle of the page by now: no card jumps in without a click.
    if (waited && !settled) await this.#messages.availableAgain();
    if (this.#stopping) return;
    await preflight.consent();
    link.consent();
    const { stream, chosen } = await preflight.camera(settled, settled ? await early : null);
    if (this.#stopping) return preflight.dispose();
    this.#capture.chosen = chosen;
    this.#capture.adopt('camera', stream);
    // A page that continues a session records at once, whatever is asked next.
    if (settled) await this.#record();
    await preflight.photos(stream, settled);
    if (preflight.needsScreen) this.#capture.adopt('screen', await preflight.screen());
    if (this.#stopping) return;
    if (!settled) await this.#record();
    this.#watching.renew();
    await preflight.checks.admission(() => this.#capture.streams.camera);
    this.#run(chosen);
  }

  /** Before anything is recorded: as soon as it is. */
  pause(by = 'page') {
    return this.#pausing.pause(by);
  }

  resume(by = 'page') {
    return this.#pausing.resume(by);
  }

  /** Being stopped. @returns {Promise<void> | null} */
  get ending() {
    return this.#stopping;
  }

  /**
   * Ends the session: the recording stops at once, the rest of it is sent until the drain deadline; what is left then is sent by
   * a later page. Never rejects.
   * @param {'page' | 'api' | 'complete' | 'path' | 'limit' | 'server'} reason
   * @param {string} [by] the state that the service gave it
   * @returns {Promise<void>}
   */
  stop(reason, by = reason) {
    if (!this.#stopping) {
      this.endedBy = by;
      const done = this.#stop(reason).catch((fault) => log.error('stop', fault));
      // Pages navigate when it is answered, so it is answered whatever hangs (a disk, a device).
      const late = sleep((this.policy?.drain_deadline_ms ?? 0) + STOP_MOST_MS).then(() => { this.state = 'stopped'; });
      this.#stopping = Promise.race([done, late]);
    }
    return this.#stopping;
  }

  /** @param {string} reason */
  async #stop(reason) {
    this.#connector.close();
    // Stopped while the service was being asked: a session that it makes now must be ended, too.
    if (!this.#link) await this.#connector.stopElsewhere(reason);
    if (!this.#link) await Promise.race([this.#connecting?.catch(() => undefined), sleep(STOP_ANSWER_MS)]);
    // Two sessions' recorders run while one takes over from the other.
    await Promise.race([this.#connector.settled, sleep(STOP_ANSWER_MS)]);
    const link = this.#link;
    const wasRunning = this.state === 'running' || this.state === 'paused';
    // The end that a stop path brings is written down by the service: it sees the page at the same moment as we do.
    if (link && reason !== 'server' && reason !== 'path') this.report('completed', { reason });
    this.state = 'stopping';
    rememberRunning(null);
    this.#upkeep.stop();
    this.#root.uncover();
    this.#root.preview(null, '');
    this.#observers.stop();
    this.#watching.dispose();
    this.#messages.uploading(wasRunning && reason !== 'server');
    await this.#capture.stop();
    this.#preflight?.dispose();
    this.#capture.close();
    if (link) {
      if (wasRunning) this.report('recordingStopped');
      const drained = await this.#connector.drained(wasRunning ? link.started.policy.drain_deadline_ms : 0);
      if (!drained) log.warn('not everything was sent in time');
      const last = reason === 'server' ? link.events.flush() : link.events.flush().then(() => link.command('stop', reason));
      // The browser may wait on connections whose other end is gone; the socket is known to be there.
      if (!(await Promise.race([last, sleep(STOP_ANSWER_MS)])) && reason !== 'server') link.signal.send({ type: 'stop', reason });
    }
    this.#connector.leave();
    this.#listeners.abort();
    this.#messages.uploading(false);
    this.state = 'stopped';
    log.info('stopped', link?.uuid, reason);
    this.emit('stopped', { by: reason });
  }

  /** What the link tells. @type {Record<string, (detail: any) => unknown>} */
  #handlers = {
    unavailable: (detail) => this.emit('unavailable', detail),
    elsewhere: ({ take }) => {
      this.#root.uncover();
      this.#messages.elsewhere(take);
      this.emit('elsewhere', {});
    },
    here: () => this.#messages.here(),
    open: ({ watchers }) => {
      this.report('socketConnected');
      this.#watching.tell(watchers > 0);
    },
    down: ({ code }) => this.report('socketDisconnected', { code }),
    status: ({ online, agoMs }) => this.#observers.reached(online, agoMs),
    live: ({ wanted, ice_servers }) => this.#watching.tell(wanted, ice_servers),
    answer: (message) => this.#watching.answer(message),
    live_failed: (message) => this.#watching.failed(message),
    state: ({ state, reason }) => this.#serverState(state, reason !== undefined),
    approval: () => this.#preflight?.checks.ring(),
    replaced: () => this.#replaced(),
    photo_refused: ({ kind, code }) => this.report('photoRefused', { kind, code }),
    piece_refused: ({ piece, code }) => this.report('pieceRefused', { track: piece.track, run: piece.run, seq: piece.seq, code }),
  };

  /**
   * Another session goes on with this one, unseen by candidate and page: no prompt, no card, no gap.
   * @param {Sdk.Link} old
   * @returns {Promise<number>} when its recorders ended
   */
  async #changed(old) {
    const link = /** @type {Sdk.Link} */ (this.#link);
    link.consent();
    rememberRunning({ uuid: link.uuid, chosen: this.#capture.chosen, capture: link.started.policy.capture });
    this.#watching.stop();
    this.report('joined', { resumed: false, continues: old.uuid });
    const recordedTo = await this.#capture.handOver({ clock: link.clock, session: link.uuid, policy: link.started.policy });
    old.events.add('recordingStopped', { continued_by: link.uuid });
    this.report('recordingStarted', this.captured);
    if (this.state === 'paused') link.command('pause');
    return Math.min(recordedTo, old.clock.now());
  }

  #record() {
    const link = /** @type {Sdk.Link} */ (this.#link);
    return this.#capture.start({ clock: link.clock, session: link.uuid, policy: link.started.policy });
  }

  /** @param {{camera?: string, microphone?: string}} chosen */
  #run(chosen) {
    const link = /** @type {Sdk.Link} */ (this.#link);
    const { policy } = link.started;
    this.state = 'running';
    rememberRunning({ uuid: link.uuid, chosen, capture: policy.capture });
    this.#root.uncover();
    this.#observers.start();
    this.#captured();
    addEventListener('pagehide', () => {
      this.#link?.events.flushOnUnload();
      if (this.#stopping) this.#link?.api.post('stop', {}, { keepalive: true }).catch(() => undefined);
    }, { signal: this.#listeners.signal });
    addEventListener('pageshow', (event) => event.persisted && this.#link?.signal.reconnect(), { signal: this.#listeners.signal });
    this.#upkeep.start();
    if (policy.on_limit === 'stop') this.#messages.endsIn(this.#upkeep.leftMs);
    this.report('recordingStarted', this.captured);
    this.emit('running');
    if (link.started.state === 'paused') this.pause('server');
    else if (this.#pausing.wanted) this.pause();
  }

  /** The streams are new: show and publish them. */
  #captured() {
    this.#observers.watch(this.#capture.streams);
    this.#root.preview(this.#capture.streams.camera, this.#options.previewStyle || this.policy?.preview_style || '', this.#options.container);
    this.#watching.renew();
  }

  /** @param {Sdk.TrackName} track */
  #lost(track) {
    if (this.state === 'stopping' || this.state === 'stopped') return;
    if (track === 'camera') return this.#messages.cameraLost();
    const capture = this.policy?.capture;
    if (!capture) return;
    this.observe('screenAsked', { again: true });
    this.#messages.screenLost(capture, (stream) => {
      this.#capture.adopt('screen', stream);
      this.#captured();
    }, (code) => this.observe('screenRefused', { again: true, code }));
  }

  /** @param {boolean} online @param {number} agoMs */
  #network = (online, agoMs) => {
    this.#messages.network(online, agoMs);
    this.emit('network', { online, at: Math.round(Date.now() - agoMs) });
  };

  /** @param {ProviewError} error @returns {boolean} a callback of the page was told */
  #problem(error) {
    const detail = { error, told: false };
    this.emit('problem', detail);
    this.#told ||= detail.told;
    return this.#told;
  }

  /**
   * @param {string} state
   * @param {boolean} announced not just the answer to a heartbeat
   */
  #serverState(state, announced) {
    if (this.#stopping) return;
    if (state === 'expired') this.#connector.reopen(true);
    else if (state === 'stopped' || state === 'terminated') this.#endedByServer(state);
    else if (announced && (state === 'paused' || state === 'running')) this.#pausing.heed(state).catch((fault) => log.error(state, fault));
  }

  /** @param {string} state */
  async #endedByServer(state) {
    const waiting = this.#preflight?.checks.waiting;
    await this.stop('server', state);
    if (waiting) showEnded(this.#root, state);
    else this.#messages.ended(state);
  }

  #replaced() {
    if (this.#stopping) return;
    this.report('replaced');
    this.#capture.stop().then(() => this.#capture.rest());
    this.#watching.stop();
    this.#root.preview(null, '');
    this.#messages.replaced(() => location.reload());
  }
}
