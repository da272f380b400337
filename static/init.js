/* Proview loader: a small classic script. Queues tv(...) calls, covers the page when its tag says so and imports the SDK.
 * Runs any number of times in a page. A fault of ours never leaves the page blank: see docs/architecture.md. */
(function (/** @type {any} */ w, d) {
  'use strict';
  if (w.__proviewLoad) return w.__proviewLoad();
  var tag = /** @type {HTMLScriptElement | null} */ (d.currentScript || d.querySelector('script[src*="init.js"]'));
  var data = tag ? tag.dataset : {};
  var base = new URL(data.proviewBase || '.', tag ? tag.src || location.href : location.href).href;
  var name = (w.TalviewProctor = typeof w.TalviewProctor === 'string' ? w.TalviewProctor : 'tv');
  var role = data.proviewRole || 'page', auto = data.proviewStart === 'auto';
  var sdk = /** @type {any} */ (null), host = sdk, frame = sdk, error = sdk;
  try { if (role !== 'shell' && w.parent !== w && w.parent.__proviewLoad) { role = 'frame:' + role; w.parent.__proview.enter(w); } } catch (e) { /* another origin, or not the shell's frame */ }
  function queue() {
    if (typeof w[name] === 'function') return;
    w[name] = function () { w[name].q.push(arguments); };
    w[name].q = [];
    w[name].l = Date.now();
  }
  queue();
  if (auto && data.proviewCover === '1' && (role === 'page' || role === 'shell')) {
    var known = false;
    try { known = !!sessionStorage.getItem('proview.running'); } catch (e) { /* storage refused */ }
    host = d.createElement('div');
    host.id = 'proview_root';
    var dialog = d.createElement('dialog');
    dialog.style.cssText = 'position:fixed;inset:0;width:100vw;height:100vh;max-width:none;max-height:none;margin:0;border:0;padding:0;outline:0;color-scheme:light dark;background:' + (known ? 'transparent' : 'Canvas');
    host.attachShadow({ mode: 'open' }).appendChild(dialog);
    d.documentElement.appendChild(host);
    dialog.showModal();
  }
  w.__proviewLoad = function () { queue(); if (sdk) sdk.adopt(); };
  function failed(/** @type {unknown} */ reason) {
    console.error('[proview] could not be loaded; the page goes on without it', reason);
    if (host) host.remove();
    frame = d.getElementById('proview-frame');
    if (frame && frame.dataset.proviewSrc) frame.src = frame.dataset.proviewSrc;
    error = new Error('Proctoring could not be loaded.');
    error.code = 'load_failed';
    (w[name].q || []).splice(0).forEach(function (/** @type {any} */ call) { if (call[2] && call[2].initCallback) call[2].initCallback(error); });
  }
  function load(/** @type {number} */ attempt) {
    import(base + 'static/sdk/' + (role.indexOf('frame:') ? 'index' : 'frame') + '.js' + (attempt ? '?retry=' + attempt : '')).then(function (module) {
      sdk = module;
      sdk.boot({ base: base, name: name, route: data.proviewRoute || '', role: role.replace('frame:', ''), auto: auto, tagged: !!data.proviewStart, cover: host || null });
    }).catch(function (reason) { if (sdk || attempt > 1) failed(reason); else setTimeout(load, 700, attempt + 1); });
  }
  // A page prepared ahead of time, which nobody may ever look at, starts nothing.
  if (/** @type {any} */ (d).prerendering) d.addEventListener('prerenderingchange', function () { load(0); }, { once: true });
  else load(0);
})(window, document);
