/**
 * `previewStyle` in both notations of the documentation, as a list of harmless declarations: CSS text
 * ("position: fixed; bottom: 0px") and JavaScript object notation ("{position: 'fixed', bottom: '0px'}" or an object).
 * What is not on the list, or could load or escape, is dropped; a bad style never stops a session.
 */

const ALLOWED = new Set([
  'position', 'top', 'right', 'bottom', 'left', 'inset', 'width', 'height', 'max-width', 'max-height',
  'margin', 'margin-top', 'margin-right', 'margin-bottom', 'margin-left', 'padding', 'border', 'border-color', 'border-width', 'border-style',
  'border-radius', 'box-shadow', 'opacity', 'z-index', 'background', 'background-color', 'transform', 'display', 'float', 'outline',
]);
const VALUE = /^[\w\s.,%#()+*/-]{1,120}$/;
const HOSTILE = /url|expression|import|javascript|attr|var\s*\(|env\s*\(|image|element/i;
const CHOICES = new Map([
  ['position', /^(fixed|absolute|sticky|relative|static)$/],
  ['display', /^(block|inline-block|none|flex)$/],
  // What makes the box larger than the style sheet lets it be (ui/styles.js) stays small.
  ['transform', /^(none|(translate[XY]?|rotate)\([\w\s.,%+-]+\)(\s+(translate[XY]?|rotate)\([\w\s.,%+-]+\))*)$/],
  ...['padding', 'border', 'border-width', 'outline'].map((name) => /** @type {[string, RegExp]} */ ([name, /^(?!.*\d{3})(?!.*\d\s*(%|(r?em|r?ex|r?ch|[dls]?v\w+|cm|mm|in|p[ct]|q)\b))/i])),
]);
const MOST = 40;

/**
 * @param {unknown} style
 * @returns {[string, string][]}
 */
export function parsePreviewStyle(style) {
  try {
    return parse(style);
  } catch {
    // An object of the page whose getters or texts throw.
    return [];
  }
}

/**
 * @param {unknown} style
 * @returns {[string, string][]}
 */
function parse(style) {
  if (typeof style === 'object' && style !== null) return clean(Object.entries(style));
  if (typeof style !== 'string' || style.length > 4000) return [];
  const source = style.trim().replace(/\/\*[^]*?\*\//g, '');
  // The object notation parts its declarations by commas, and a value may hold some too: rgb(1, 2, 3).
  const parts = source.startsWith('{') || /^['"]?\w+['"]?\s*:\s*['"]/.test(source)
    ? source.replace(/^\{|\}\s*;?$/g, '').split(/[,;](?=\s*(?:['"]?[\w-]+['"]?\s*:|$))/)
    : source.split(';');
  return clean(parts.map((part) => {
    const at = part.indexOf(':');
    return at < 0 ? ['', ''] : [part.slice(0, at), part.slice(at + 1)];
  }));
}

/**
 * @param {[string, unknown][]} pairs
 * @returns {[string, string][]}
 */
function clean(pairs) {
  /** @type {[string, string][]} */
  const kept = [];
  for (const [rawName, rawValue] of pairs.slice(0, MOST)) {
    const name = unquote(rawName).replace(/[A-Z]/g, (letter) => '-' + letter.toLowerCase());
    const number = typeof rawValue === 'number' && rawValue !== 0 && name !== 'opacity' && name !== 'z-index';
    const value = unquote(String(rawValue)).replace(/\s*!important$/i, '') + (number ? 'px' : '');
    if (!ALLOWED.has(name) || !VALUE.test(value) || HOSTILE.test(value)) continue;
    if (CHOICES.get(name)?.test(value) === false) continue;
    kept.push([name, value]);
  }
  return kept;
}

/** @param {string} text */
function unquote(text) {
  return text.trim().replace(/^(['"])(.*)\1$/, '$2').trim();
}
