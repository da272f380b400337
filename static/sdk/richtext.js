/**
 * Instructions come from rich-text editors, as HTML. Only their structure is kept: paragraphs, headings, lists, emphasis, line
 * breaks. The text is read by a small tokenizer, not by the browser's parser: no attribute, no other element and no address of
 * theirs ever reaches the document, and pages with Trusted Types need no policy for it.
 */

/** Element → what it becomes. Of all others only the text is kept. */
const BLOCKS = new Map(Object.entries({ p: 'p', div: 'p', section: 'p', article: 'p', blockquote: 'p', pre: 'p', tr: 'p', h1: 'h3', h2: 'h3', h3: 'h3', h4: 'h3', h5: 'h3', h6: 'h3', li: 'li' }));
const LISTS = new Map(Object.entries({ ul: 'ul', ol: 'ol' }));
const MARKS = new Map(Object.entries({ b: 'b', strong: 'b', i: 'i', em: 'i', u: 'u' }));
/** What stands in these is no text, up to their end tag. */
const SILENT = new Set(['script', 'style', 'template', 'noscript', 'iframe', 'object', 'svg', 'math', 'head', 'title', 'textarea', 'select', 'xmp']);
const ENTITIES = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', ndash: '–', mdash: '—', hellip: '…', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', euro: '€' }));
const MOST_TEXT = 20_000;
const MOST_BLOCKS = 500;

/**
 * @typedef {{text: string, mark: '' | 'b' | 'i' | 'u'}} Run `text` may hold line breaks
 * @typedef {{tag: 'p' | 'h3' | 'li', list: '' | 'ul' | 'ol', runs: Run[]}} Block
 */

/**
 * @param {string} html
 * @returns {Block[]}
 */
export function parseRichText(html) {
  if (!/<[a-z!/]/i.test(html)) return plainBlocks(html);
  /** @type {Block[]} */
  const blocks = [];
  /** @type {('ul' | 'ol')[]} */
  const lists = [];
  /** @type {('b' | 'i' | 'u')[]} */
  const marks = [];
  /** @type {Block | null} */
  let open = null;
  let room = MOST_TEXT;

  /** @param {string} text */
  const add = (text) => {
    if (room <= 0 || (!open && !text.trim())) return;
    const cut = text.slice(0, room);
    room -= cut.length;
    open ??= begin('p');
    const mark = marks.at(-1) ?? '';
    const last = open.runs.at(-1);
    if (last && last.mark === mark) last.text += cut;
    else open.runs.push({ text: cut, mark });
  };
  /** @param {Block['tag']} tag @returns {Block} */
  const begin = (tag) => {
    /** @type {Block} */
    const block = { tag, list: tag === 'li' ? lists.at(-1) ?? 'ul' : '', runs: [] };
    if (blocks.length < MOST_BLOCKS) blocks.push(block);
    return block;
  };

  for (const { text, name, closing } of tokens(html)) {
    if (text) add(decode(text).replace(/[\s\u0000-\u001f]+/g, ' '));
    if (!name) continue;
    const list = /** @type {'ul' | 'ol' | undefined} */ (LISTS.get(name));
    const mark = /** @type {'b' | 'i' | 'u' | undefined} */ (MARKS.get(name));
    const block = /** @type {Block['tag'] | undefined} */ (BLOCKS.get(name));
    if (name === 'br') {
      if (open) add('\n');
    } else if (mark) {
      if (closing) marks.splice(marks.lastIndexOf(mark) >>> 0, 1);
      else if (marks.length < 20) marks.push(mark);
    } else if (list) {
      open = null;
      if (closing) lists.pop();
      else if (lists.length < 20) lists.push(list);
    } else if (block) {
      // An editor puts paragraphs into list items; those are one.
      if (!closing && block === 'p' && open?.tag === 'li' && open.runs.length === 0) continue;
      open = closing ? null : begin(block);
    } else if (name === 'td' || name === 'th') {
      add(' ');
    }
  }
  return blocks.flatMap((one) => {
    const runs = trimmed(one.runs);
    return runs.length > 0 ? [{ ...one, runs }] : [];
  });
}

/** Without a tag it is plain text, whose lines mean something. @param {string} text @returns {Block[]} */
function plainBlocks(text) {
  const parts = decode(text.slice(0, MOST_TEXT)).split(/\n\s*\n/).slice(0, MOST_BLOCKS);
  return parts.flatMap((part) => (part.trim() ? [{ tag: 'p', list: '', runs: [{ text: part.trim(), mark: '' }] }] : []));
}

/**
 * Text and tags in turn; a `<` that opens no tag is text. Linear in the length, whatever it is.
 * @param {string} html
 * @returns {Generator<{text: string, name: string, closing: boolean}>}
 */
function* tokens(html) {
  const tag = /<(?:!--(?:[^-]|-(?!->))*(?:-->|$)|[!?][^>]*(?:>|$)|(\/?)([a-z][a-z0-9]*)(?:[^>"']|"[^"]*(?:"|$)|'[^']*(?:'|$))*(?:>|$))/giy;
  let from = 0;
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', tag.lastIndex)) {
    tag.lastIndex = at;
    const match = tag.exec(html);
    if (!match) {
      tag.lastIndex = at + 1;
      continue;
    }
    const name = (match[2] ?? '').toLowerCase();
    const closing = match[1] === '/';
    yield { text: html.slice(from, at), name, closing };
    from = at + match[0].length;
    // Whatever looks like a tag in there is none.
    if (!closing && SILENT.has(name)) from = endOf(html, name, from);
    tag.lastIndex = from;
  }
  yield { text: html.slice(from), name: '', closing: false };
}

/** @param {string} html @param {string} name @param {number} from */
function endOf(html, name, from) {
  const end = new RegExp(`</${name}`, 'gi');
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

/** Once: what comes out is text, whatever it looks like. @param {string} text */
function decode(text) {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]{2,8}));/gi, (whole, hex, decimal, name) => {
    if (name) return ENTITIES.get(name.toLowerCase()) ?? whole;
    const code = hex ? parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '';
  });
}

/** @param {Run[]} runs */
function trimmed(runs) {
  const kept = runs.map((run) => ({ ...run, text: run.text.replace(/ *\n */g, '\n').replace(/ {2,}/g, ' ') }));
  while (kept.length > 0 && !kept[0].text.trim()) kept.shift();
  while (kept.length > 0 && !kept[kept.length - 1].text.trim()) kept.pop();
  if (kept.length > 0) {
    kept[0].text = kept[0].text.trimStart();
    kept[kept.length - 1].text = kept[kept.length - 1].text.trimEnd();
  }
  return kept;
}
