/** Printing, or saving as PDF: the dialog opens and closes; what became of it is not visible. */

import { ViewObserver } from './view.js';

export class PrintObserver extends ViewObserver {
  /** @override */
  handlers = { beforeprint: () => this.report('printRequested'), afterprint: () => this.report('printFinished') };
}
