/**
 * Which of the keys that a reviewer wants to know of was pressed. Pure, and blind for all others: what a candidate types is
 * nobody's business. Keys are told by their place (`code`), so that the layout of the keyboard does not matter.
 */

// Chrome and Edge: I, J, C; Firefox: K (console), E (network) besides.
const TOOLS = new Set(['KeyI', 'KeyJ', 'KeyC', 'KeyK', 'KeyE']);
const MAC_PICTURES = new Set(['Digit3', 'Digit4', 'Digit5']);

/**
 * @param {{type: string, key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean, repeat?: boolean}} event
 * @returns {{seen: 'printScreen'} | {seen: 'shortcut', action: 'developer tools' | 'page source' | 'save page'} | null}
 */
export function shortcutOf({ type, key, code, ctrlKey, metaKey, altKey, shiftKey, repeat = false }) {
  // Windows hands PrintScreen to the page only when it is let go.
  if (type === 'keyup') return key === 'PrintScreen' ? { seen: 'printScreen' } : null;
  if (repeat || key === 'PrintScreen') return null;
  if (metaKey && shiftKey && MAC_PICTURES.has(code)) return { seen: 'printScreen' };
  const control = ctrlKey && !altKey && !metaKey;
  const command = metaKey && !ctrlKey;
  if (key === 'F12' && !ctrlKey && !metaKey && !altKey) return { seen: 'shortcut', action: 'developer tools' };
  if (TOOLS.has(code) && ((control && shiftKey) || (command && altKey && !shiftKey))) return { seen: 'shortcut', action: 'developer tools' };
  if (code === 'KeyU' && !shiftKey && (control || (command && altKey))) return { seen: 'shortcut', action: 'page source' };
  if (code === 'KeyS' && !shiftKey && !altKey && (control || command)) return { seen: 'shortcut', action: 'save page' };
  return null;
}
