/* Proview loader: a small classic script. Queues what the page calls, covers the page when its tag says so and imports the SDK.
 * Runs any number of times in a page. A fault of ours never leaves the page blank, or one of its callbacks unanswered: see docs/architecture.md. */
(function (/** @type {any} */ w, d) {
  'use strict';
  if (w.__proviewLoad) return w.__proviewLoad();
  var tag = /** @type {HTMLScriptElement | null} */ (d.currentScript || d.querySelector('script[src*="init.js"]'));
  var data = tag ? tag.dataset : {};
  var base = new URL(data.proviewBase || '.', tag ? tag.src || location.href : location.href).href;
  var name = (w.TalviewProctor = typeof w.TalviewProctor === 'string' ? w.TalviewProctor : 'tv');
  var role = data.proviewRole || 'page', auto = data.proviewStart === 'auto', tagged = !!data.proviewStart;
  var sdk = /** @type {any} */ (null), host = sdk, frame = sdk, error = sdk;
  try { if (role !== 'shell' && w.parent !== w && w.parent.__proviewLoad) { role = 'frame:' + role; w.parent.__proview.enter(w); } } catch (e) { /* another origin, or not the shell's frame */ }
  function queue() {
    if (typeof w[name] === 'function') return;
    w[name] = function () { w[name].q.push(arguments); };
    w[name].q = [];
    w[name].l = Date.now();
  }
  queue();
  // Pages call ProctorClient3 as soon as this script has run: what they call stands in the queue, in order. React wrappers refuse
  // to load where it exists before their own call.
  if (!w.ProctorClient3 && (auto || !tagged)) {
    w.ProctorClient3 = { state: 'idle', early: true };
    ['stop', 'pause', 'Pause', 'resume', 'on', 'off'].forEach(function (method) {
      w.ProctorClient3[method] = function () { if (error) w[name]('client', method, arguments); else (w[name].q = w[name].q || []).push(['client', method, arguments]); };
    });
  }
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
  w.__proviewLoad = function () { if (!error) queue(); if (sdk) sdk.adopt(); };
  function tell(/** @type {unknown} */ callback, /** @type {unknown[]} */ told) {
    try { if (typeof callback === 'function') callback.apply(null, told); } catch (e) { console.error('[proview] a callback of the page failed', e); }
  }
  function failed(/** @type {unknown} */ reason) {
    console.error('[proview] could not be loaded; the page goes on without it', reason);
    if (host) host.remove();
    frame = d.getElementById('proview-frame');
    if (frame && frame.dataset.proviewSrc) frame.src = frame.dataset.proviewSrc;
    error = new Error('Proctoring could not be loaded.');
    error.code = 'load_failed';
    var calls = w[name].q || [];
    w[name] = function (/** @type {unknown} */ verb, /** @type {string} */ method, /** @type {any} */ given) {
      if (verb !== 'client') tell(given && given.initCallback, [error]);
      else if (method[0] !== 'o') tell(given[0], []);
    };
    [].forEach.call(calls, function (call) { w[name].apply(w, call); });
  }
  function load(/** @type {number} */ attempt) {
    import(base + 'static/sdk/' + (role === 'shell' ? 'outer' : role.indexOf('frame:') ? 'index' : 'frame') + '.js' + (attempt ? '?retry=' + attempt : '')).then(function (module) {
      sdk = module;
      sdk.boot({ base: base, name: name, route: data.proviewRoute || '', role: role.replace('frame:', ''), auto: auto, tagged: tagged, cover: host || null });
    }).catch(function (reason) { if (sdk || attempt > 1) failed(reason); else setTimeout(load, 700, attempt + 1); });
  }
  // A page prepared ahead of time, which nobody may ever look at, starts nothing.
  if (/** @type {any} */ (d).prerendering) d.addEventListener('prerenderingchange', function () { load(0); }, { once: true });
  else load(0);
})(window, document);
