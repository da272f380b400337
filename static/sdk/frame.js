/**
 * A page in a frame of a page of ours (the shell, or a site's own frameset): captures nothing. Lets the outer page see what is
 * done in this one (clipboard, keys, printing, signs of life), keeps links and forms in the frame, and offers its `tv` and `ProctorClient3`.
 */

import { sleep } from './backoff.js';
import { callEarly, publish } from './client.js';
import { domEventName } from './events.js';
import { publishProview } from './newer/publish.js';

const OUTSIDE = new Set(['_top', '_parent']);

/** @type {FramePage | null} */
let page = null;

/** @param {Sdk.BootConfig} config */
export async function boot(config) {
  // A frame of the first HTML may be here before the outer page's SDK.
  // In the shell's own frame `parent` is the page itself by now (shell/guest.js), and the port lies ready.
  while (!(window.__proview ??= window.parent.__proview)) await sleep(50);
  page = new FramePage(config, window.__proview);
  page.start();
}

export function adopt() {
  page?.adopt();
}

class FramePage {
  #config;
  #shell;
  /** Handlers of this document; they go when it goes. @type {[unknown, unknown][]} */
  #handlers = [];

  /**
   * @param {Sdk.BootConfig} config
   * @param {Sdk.Port} shell
   */
  constructor(config, shell) {
    this.#config = config;
    this.#shell = shell;
  }

  start() {
    this.#shell.observe(window);
    document.addEventListener('click', this.#keepInside, true);
    document.addEventListener('submit', this.#keepInside, true);
    // form.submit() fires no event, so forms are turned as soon as they are there.
    const sweep = () => document.querySelectorAll('form[target], base[target]').forEach(turn);
    document.addEventListener('DOMContentLoaded', sweep);
    sweep();
    const client = this.#client();
    publish(client);
    client.on('*', (/** @type {any} */ event) => dispatchEvent(new CustomEvent(domEventName(event.name), { detail: event })));
    addEventListener('pagehide', () => this.#handlers.splice(0).forEach(([id, handler]) => this.#shell.client.off(id, handler)));
    this.adopt();
    if (this.#config.role === 'stop') this.#shell.stop('path');
  }

  adopt() {
    this.#adopt();
    publishProview(this.#shell.proview);
  }

  #adopt() {
    const target = /** @type {any} */ (window);
    const { name } = this.#config;
    const stub = target[name];
    if (stub?.proview) return;
    const command = (/** @type {unknown} */ verb, /** @type {unknown} */ first, /** @type {unknown} */ second) => {
      if (verb === 'init') this.#shell.init(first, second);
      else if (verb === 'client') callEarly(window.ProctorClient3, first, second);
    };
    target[name] = Object.assign(command, { proview: true, q: [], l: stub?.l });
    for (const call of Array.from(stub?.q ?? [])) command(.../** @type {[any, any, any]} */ (Array.from(/** @type {ArrayLike<unknown>} */ (call ?? []))));
  }

  /** @returns {Sdk.Client} */
  #client() {
    const { client } = this.#shell;
    const handlers = this.#handlers;
    return {
      stop: (callback) => client.stop(callback),
      pause: (callback) => client.pause(callback),
      Pause: (callback) => client.pause(callback),
      resume: (callback) => client.resume(callback),
      on(id, handler) {
        handlers.push([id, handler]);
        client.on(id, handler);
      },
      off(id, handler) {
        for (const [key, one] of handlers) if (String(key) === String(id) && (handler === undefined || one === handler)) client.off(key, one);
      },
      get state() {
        return client.state;
      },
    };
  }

  /** @param {Event} event */
  #keepInside = (event) => {
    const path = event.composedPath();
    for (const node of path) if (node instanceof Element && (node.localName === 'a' || node.localName === 'area' || node.localName === 'form')) turn(node);
    const submitter = /** @type {SubmitEvent} */ (event).submitter;
    if (submitter && OUTSIDE.has((submitter.getAttribute('formtarget') ?? '').toLowerCase()) && staysHere(submitter.getAttribute('formaction') ?? '')) submitter.setAttribute('formtarget', '_self');
  };
}

/** @param {Element} element */
function turn(element) {
  const target = element.getAttribute('target') ?? (element.localName === 'base' ? null : document.querySelector('base[target]')?.getAttribute('target'));
  const url = element.getAttribute(element.localName === 'form' ? 'action' : 'href') ?? '';
  if (target && OUTSIDE.has(target.toLowerCase()) && (element.localName === 'base' || staysHere(url))) element.setAttribute('target', '_self');
}

/** Other origins get the window, as they would without us. @param {string} url */
function staysHere(url) {
  try {
    return new URL(url, document.baseURI).origin === location.origin;
  } catch {
    return true;
  }
}
