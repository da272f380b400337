/** The look, as one constructed style sheet: needs no style element, so no CSP of the host page is in its way. */

const CSS = `
:host { all: initial; position: fixed; z-index: 2147483647; color-scheme: light dark; }
* { box-sizing: border-box; }
.sheet, .preview, .notices {
  --ink: light-dark(#17202e, #e8ecf3); --soft: light-dark(#4c5a6d, #a9b4c4); --paper: light-dark(#ffffff, #1a2130); --ground: light-dark(#eef2f7, #0d121b);
  --line: light-dark(#c4cedb, #3a475b); --tint: light-dark(#f4f7fb, #222b3c); --accent: light-dark(#1d4ed8, #7fa8ff); --accent-ink: light-dark(#ffffff, #0b1530);
  --good: light-dark(#15703d, #5fd394); --bad: light-dark(#b42318, #ff9b8f); --warn: light-dark(#fff6e0, #3a2f14);
  font: 400 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--ink); text-align: start;
}
dialog.sheet { position: fixed; inset: 0; width: 100vw; height: 100vh; height: 100dvh; max-width: none; max-height: none; margin: 0; padding: 24px 16px; border: 0; outline: 0; overflow: auto; background: var(--ground); }
dialog.sheet[open] { display: grid; place-items: safe center; }
dialog.sheet.clear { background: transparent; }
dialog::backdrop { background: transparent; }
.card { width: min(100%, 600px); background: var(--paper); border: 1px solid var(--line); border-radius: 16px; padding: clamp(20px, 5vw, 36px); box-shadow: 0 12px 40px rgb(15 30 60 / .10); }
.clear .card { display: none; }
.card.wait { width: auto; display: flex; gap: 14px; align-items: center; padding: 20px 28px; }
.spin { width: 22px; height: 22px; border-radius: 50%; border: 3px solid var(--line); border-top-color: var(--accent); animation: spin 1s linear infinite; flex: none; }
@keyframes spin { to { transform: rotate(1turn); } }
.steps { color: var(--soft); font-size: 14px; margin: 0 0 6px; display: flex; gap: 10px; align-items: center; }
.steps i { flex: 1; height: 4px; border-radius: 2px; background: linear-gradient(90deg, var(--accent) var(--done), var(--line) 0); }
h1 { font-size: clamp(21px, 4.5vw, 26px); line-height: 1.25; font-weight: 650; margin: 0 0 10px; letter-spacing: -.01em; outline: 0; text-wrap: balance; }
h2 { font-size: 15px; font-weight: 600; margin: 18px 0 4px; }
p { margin: 0 0 14px; } .soft { color: var(--soft); font-size: 14px; } .text { white-space: pre-line; max-height: 32vh; overflow: auto; margin-bottom: 14px; }
.text p, .text ul, .text ol { margin: 0 0 8px; } .text ul, .text ol { padding-inline-start: 24px; } h3 { font-size: 16px; font-weight: 600; margin: 10px 0 4px; }
ul.what { list-style: none; margin: 0 0 16px; padding: 0; display: grid; gap: 8px; }
ul.what li { display: grid; padding: 10px 14px; border-radius: 10px; background: var(--tint); border-inline-start: 3px solid var(--accent); }
ul.what b { font-weight: 600; } ul.what span { color: var(--soft); font-size: 14px; }
.actions { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 22px; flex-direction: row-reverse; }
button { font: inherit; font-weight: 600; color: var(--ink); background: transparent; border: 1px solid var(--line); border-radius: 10px; padding: 10px 20px; min-height: 44px; cursor: pointer; }
button:hover { background: var(--tint); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button.primary:hover { filter: brightness(1.08); }
button[aria-disabled=true] { opacity: .55; cursor: default; } button[disabled] { opacity: .55; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; } h1:focus-visible { outline: 0; }
h1, p, li, span, button, label, blockquote { overflow-wrap: anywhere; }
.view { position: relative; background: #0b0f16; border-radius: 12px; overflow: hidden; aspect-ratio: 4 / 3; max-height: 40vh; width: 100%; margin-bottom: 14px; }
.view video { position: absolute; width: 100%; height: 100%; object-fit: contain; transform: scaleX(-1); }
.view.photo { max-height: 46vh; } .view.photo.id video { transform: none; }
.view canvas { position: absolute; width: 100%; height: 100%; object-fit: contain; }
.aim { position: absolute; inset: 9% 8%; border: 3px solid #fff; border-radius: 14px; box-shadow: 0 0 0 100vmax rgb(0 0 0 / .38), inset 0 0 0 1px rgb(0 0 0 / .6); }
.face .aim { inset: 6% 31%; border-radius: 50%; }
.line { display: flex; gap: 14px; align-items: center; } .line p { margin: 0; flex: 1; }
blockquote { margin: 0 0 14px; padding: 10px 14px; border-radius: 10px; background: var(--tint); border-inline-start: 3px solid var(--bad); }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; }
label { display: grid; gap: 4px; font-size: 14px; font-weight: 600; min-width: 0; }
select { font: inherit; font-weight: 400; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 8px 10px; width: 100%; min-height: 44px; text-overflow: ellipsis; }
.meter { height: 10px; border-radius: 5px; background: var(--line); overflow: hidden; margin: 6px 0 4px; }
.meter i { display: block; height: 100%; width: 100%; background: var(--good); transform-origin: 0 50%; transform: scaleX(0); transition: transform .1s linear; }
.meter i:dir(rtl) { transform-origin: 100% 50%; }
.steps i:dir(rtl) { transform: scaleX(-1); }
.hint { font-size: 14px; color: var(--soft); margin: 0; min-height: 1.5em; } .hint.good { color: var(--good); font-weight: 600; }
.bad h1::before { content: "!" / ""; display: inline-grid; place-items: center; width: 1.35em; height: 1.35em; margin-inline-end: .4em; border-radius: 50%; background: var(--bad); color: var(--paper); font-weight: 700; font-size: .85em; }
a { color: var(--accent); }
.preview { position: fixed; right: 16px; bottom: 16px; width: 168px; aspect-ratio: 4 / 3; border-radius: 12px; overflow: hidden; background: #0b0f16; border: 1px solid rgb(255 255 255 / .35); box-shadow: 0 6px 22px rgb(0 0 0 / .28); pointer-events: none; }
/* Whatever previewStyle says, the page stays in sight. */
.preview { max-width: min(50vw, 480px) !important; max-height: min(50vh, 360px) !important; clip-path: inset(-24px round 12px) !important; }
.preview:dir(rtl) { right: auto; left: 16px; }
.preview[data-corner] { position: fixed !important; inset: auto !important; }
.preview[data-corner="1"] { inset-block-end: 16px !important; inset-inline-start: 16px !important; }
.preview[data-corner="2"] { inset-block-start: 16px !important; inset-inline-start: 16px !important; }
.preview[data-corner="3"] { inset-block-start: 16px !important; inset-inline-end: 16px !important; }
:host([data-proview-preview]) { display: block; position: relative; z-index: auto; }
.preview.framed { position: relative !important; inset: auto !important; width: 100%; box-shadow: none; }
.preview.framed .move { display: none; }
.preview:has(button:is(:hover, :focus-visible)) { opacity: 1 !important; }
.preview .move { position: absolute; inset-block-end: 6px; inset-inline-end: 6px; width: 32px; height: 32px; min-height: 0; padding: 0; display: grid; place-items: center; border: 0; border-radius: 8px; background: rgb(0 0 0 / .62); pointer-events: auto; }
.preview .move::before { content: ""; width: 18px; height: 18px; background: #fff; clip-path: polygon(50% 0, 68% 20%, 56% 20%, 56% 44%, 80% 44%, 80% 32%, 100% 50%, 80% 68%, 80% 56%, 56% 56%, 56% 80%, 68% 80%, 50% 100%, 32% 80%, 44% 80%, 44% 56%, 20% 56%, 20% 68%, 0 50%, 20% 32%, 20% 44%, 44% 44%, 44% 20%, 32% 20%); }
.preview .move:focus-visible { outline: 3px solid #fff; outline-offset: -4px; }
.preview video { width: 100%; height: 100%; object-fit: cover; transform: scaleX(-1); display: block; }
.preview .dot { position: absolute; top: 8px; inset-inline-start: 8px; font-size: 12px; line-height: 1; color: #fff; background: rgb(0 0 0 / .62); border-radius: 10px; padding: 4px 8px; display: flex; gap: 5px; align-items: center; }
.preview .dot::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: #ff5a4d; }
.preview.paused .dot::before { background: #c7ccd4; border-radius: 1px; }
.notices { position: fixed; inset-block-start: 12px; inset-inline: 12px; display: grid; gap: 8px; justify-items: center; pointer-events: none; }
.notice { pointer-events: auto; display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; max-width: 640px; background: var(--paper); border: 1px solid var(--line); border-inline-start: 4px solid var(--accent); border-radius: 10px; padding: 10px 16px; font-size: 15px; box-shadow: 0 6px 24px rgb(15 30 60 / .18); }
.notice.warn { background: var(--warn); border-inline-start-color: light-dark(#b54708, #f5b544); } .notice.warn button:hover { background: transparent; text-decoration: underline; }
.notice span { flex: 1 1 180px; } .notice button { min-height: 36px; padding: 5px 14px; }
.notice .close { width: 32px; min-height: 32px; padding: 0; border-color: transparent; } .notice .close::before { content: "×" / ""; font-size: 20px; line-height: 1; }
@media (max-width: 400px) { .actions button { flex: 1 1 100%; } .preview { width: 112px; } dialog.sheet { padding: 8px; } .card { border-radius: 12px; } }
@media (prefers-reduced-motion: reduce) { .spin { animation: none; border-style: dotted; } .meter i { transition: none; } }
@media (forced-colors: active) {
  .meter, .steps i { border: 1px solid CanvasText; } .meter i { background: Highlight; forced-color-adjust: none; } .steps i { background: linear-gradient(90deg, Highlight var(--done), Canvas 0); forced-color-adjust: none; }
  button.primary { border-width: 2px; } .preview .dot, .preview .move { background: Canvas; color: CanvasText; border: 1px solid CanvasText; } .preview .dot::before, .preview .move::before { background: CanvasText; forced-color-adjust: none; }
}
`;

let sheet = /** @type {CSSStyleSheet | null} */ (null);

export function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
