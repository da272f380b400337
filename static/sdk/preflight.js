/**
 * From "the service answered" to "the devices are open": consent, device check, photos, screen share. Skips what is settled: a page
 * that continues a session asks nothing when consent and permissions are there.
 */

import { Checks } from './checks.js';
import { asProviewError, ProviewError } from './errors.js';
import { closeStream, isGranted, listDevices, openCamera, openScreen } from './devices.js';
import * as steps from './ui/steps.js';

export class Preflight {
  #root;
  #policy;
  #options;
  #report;
  #onProblem;
  #consented;
  #chosen;
  checks;
  #photoSteps = 0;
  needsScreen;
  #over = false;
  /** @type {MediaStream | null} */
  #stream = null;

  /**
   * @param {{root: Sdk.Root, policy: Sdk.Policy, options: Sdk.Options, consented: boolean, chosen: {camera?: string, microphone?: string}, link: () => Sdk.Link}} what
   * @param {{report: Sdk.Report, onProblem: (error: ProviewError) => boolean}} callbacks `onProblem` returns true when the page was told,
   *     so that a second try has to start with a fresh page
   */
  constructor({ root, policy, options, consented, chosen, link }, { report, onProblem }) {
    this.#root = root;
    this.#policy = policy;
    this.#options = options;
    this.#consented = consented;
    this.#chosen = chosen;
    this.checks = new Checks({ root, link }, report);
    this.needsScreen = options.screen || policy.screen || policy.tracks.includes('screen');
    this.#report = report;
    this.#onProblem = onProblem;
  }

  /** Nothing has to be asked: the session goes on as it was. */
  async isSettled() {
    await this.checks.prepare();
    this.#photoSteps = this.checks.kinds.length;
    return this.#consented && (await isGranted());
  }

  /** Resolves when the candidate agreed. @returns {Promise<void>} */
  async consent() {
    if (this.#consented) return;
    for (;;) {
      const { policy, options, screen } = { policy: this.#policy, options: this.#options, screen: this.needsScreen };
      if (await steps.askConsent(this.#root, { policy, options, screen, place: [1, this.#count] })) break;
      this.#onProblem(new ProviewError('consent_refused', 'The candidate did not agree to be recorded.'));
      await steps.showDeclined(this.#root);
    }
    this.#report('consentGiven', { screen: this.needsScreen });
  }

  /**
   * @param {boolean} settled open without a check
   * @param {MediaStream | null} [early] opened already
   * @returns {Promise<{stream: MediaStream, chosen: {camera?: string, microphone?: string}}>}
   */
  async camera(settled, early = null) {
    for (;;) {
      if (!settled) steps.showAsking(this.#root, this.#place(2));
      let stream;
      try {
        stream = early?.active ? early : await openCamera(this.#policy.capture, this.#chosen);
        early = null;
      } catch (thrown) {
        this.#report('cameraTestFailed', { code: asProviewError(thrown).code });
        await this.#problem(thrown);
        settled = false;
        continue;
      }
      this.#stream = stream;
      if (this.#over) return { stream, chosen: this.#chosen };
      this.#report('cameraDetected', { label: stream.getVideoTracks()[0]?.label });
      const mustHear = this.#policy.checks?.audio === true;
      if (settled || (this.#options.skipHardwareTest && !mustHear)) return { stream, chosen: this.#chosen };
      const answer = await steps.checkDevices(this.#root, {
        stream,
        devices: await listDevices(),
        last: !this.needsScreen && this.checks.kinds.length === 0 && !this.checks.needsAdmission,
        mustHear,
        place: this.#place(2),
        onHeard: () => this.#report('audioTestPassed'),
      });
      if (answer === 'unheard') this.#report('audioTestSkipped');
      if (answer === 'go' || answer === 'unheard') {
        this.#report('cameraTestPassed');
        return { stream, chosen: this.#chosen };
      }
      this.#chosen = answer;
      closeStream(stream);
    }
  }

  /** @param {MediaStream} stream @param {boolean} recording */
  photos(stream, recording) {
    return this.checks.photos(stream, recording, (n) => this.#place(3 + n));
  }

  /** The session was stopped before it ran: nothing may stay open, and no card comes any more. */
  dispose() {
    this.#over = true;
    this.checks.dispose();
    closeStream(this.#stream);
  }

  /** @returns {Promise<MediaStream>} */
  async screen() {
    this.#report('screenAsked');
    for (;;) {
      try {
        const stream = await steps.shareScreen(this.#root, this.#place(this.#count), () => openScreen(this.#policy.capture));
        if (this.#over) {
          closeStream(stream);
          return stream;
        }
        return stream;
      } catch (thrown) {
        this.#report('screenRefused', { code: asProviewError(thrown).code });
        await this.#problem(thrown);
      }
    }
  }

  /** @param {unknown} thrown */
  async #problem(thrown) {
    if (this.#over) return new Promise(() => undefined);
    const error = asProviewError(thrown);
    const told = this.#onProblem(error);
    await steps.showProblem(this.#root, /** @type {any} */ (error), told ? 'reload' : 'retry');
    if (!told) return;
    location.reload();
    await new Promise(() => undefined);
  }

  /** Fixed when the first card is shown: what is done does not change it. */
  get #count() {
    return 2 + this.#photoSteps + (this.needsScreen ? 1 : 0);
  }

  /** @param {number} n @returns {[number, number]} */
  #place(n) {
    return this.#consented ? [n - 1, this.#count - 1] : [n, this.#count];
  }
}
