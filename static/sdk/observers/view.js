/** What the observers of a document have in common: who is told, where they listen, and how they begin and end. */

export class ViewObserver {
  /** What is listened to, before the page's own handlers hear of it. @type {Record<string, (event: any) => void>} */
  handlers = {};

  /** @param {Sdk.Report} report @param {Window} [view] */
  constructor(report, view = window) {
    this.report = report;
    this.view = view;
  }

  start() {
    for (const [type, handler] of Object.entries(this.handlers)) this.view.addEventListener(type, handler, true);
  }

  stop() {
    for (const [type, handler] of Object.entries(this.handlers)) this.view.removeEventListener(type, handler, true);
  }
}
